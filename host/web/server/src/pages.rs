//! The pages, as they were compressed when the program was built.

pub struct Page {
    pub path: &'static str,
    pub kind: &'static str,
    pub etag: &'static str,
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

pub fn find(path: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.path == path)
}
