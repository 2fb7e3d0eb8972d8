//! Embeds the pages that tools/pages.ts has bundled and compressed; and the version.

#[path = "../../package_version.rs"]
mod package_version;

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fmt::Write;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;

/// The tree, from this crate.
const ROOT: &str = "../../..";

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join(ROOT);
    package_version::set(&root);
    let folder = root.join("build/web");
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}; run 'npm run build'", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".gz").map(str::to_string))
        .collect();
    names.sort();
    assert!(names.iter().any(|name| name == "index.html"), "{}: no index.html", folder.display());
    let mut table = String::from("pub const PAGES: &[Page] = &[\n");
    for name in names {
        let path = folder.join(format!("{name}.gz"));
        println!("cargo::rerun-if-changed={}", path.display());
        let mut hasher = DefaultHasher::new();
        fs::read(&path).unwrap().hash(&mut hasher);
        let url = if name == "index.html" { "/".into() } else { format!("/{name}") };
        let etag = format!("\"{:016x}\"", hasher.finish());
        let kind = kind(&name);
        let path = path.to_str().unwrap();
        writeln!(
            table,
            "Page {{ path: {url:?}, kind: {kind:?}, etag: {etag:?}, \
             gzip: include_bytes!({path:?}) }},"
        )
        .unwrap();
    }
    table.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("pages.rs"), table).unwrap();
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => panic!("{name}: of which type is it?"),
    }
}
