//! What the engine cannot ask anybody else for: its text is assembly/monitor/facts.ts's.

use std::fs::File;
use std::io::Read;

use rustix::net::{AddressFamily, SocketFlags, SocketType, netlink, socket_with};

use crate::abi::Input;
use crate::engine::Engine;

/// Below the process itself: /proc/net is not seen where systemd hides all but processes.
const DROPS: &str = "/proc/self/net/xfrm_stat";
/// The file has some thirty short lines.
const MAX_FILE_BYTES: u64 = 4096;

pub struct Facts {
    has_xfrm: bool,
    has_v6: bool,
}

impl Facts {
    /// To be made before privileges are dropped: then no such socket can be opened any more.
    pub fn new(has_v6: bool) -> Facts {
        let protocol = Some(netlink::XFRM);
        let flags = SocketFlags::CLOEXEC;
        let xfrm = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol);
        Facts { has_xfrm: xfrm.is_ok(), has_v6 }
    }

    /// Hands them to the engine, as of now.
    pub fn tell(&self, engine: &mut Engine) -> Input {
        Input::Facts { len: engine.write_input(&[self.text().as_bytes()]) }
    }

    fn text(&self) -> String {
        let (xfrm, ipv6) = (u8::from(self.has_xfrm), u8::from(self.has_v6));
        let drops = read(DROPS).unwrap_or_default();
        format!("# host\nxfrm {xfrm}\nipv6 {ipv6}\n# xfrm_stat\n{drops}")
    }
}

/// The beginning of a file, if it is there and is text.
fn read(path: &str) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_FILE_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_lines_under_their_heads() {
        let text = Facts { has_xfrm: true, has_v6: false }.text();
        assert!(text.starts_with("# host\nxfrm 1\nipv6 0\n# xfrm_stat\n"), "{text}");
        assert!(text.len() < 8192);
        assert_eq!(read("/proc/no-such-file"), None);
    }
}
