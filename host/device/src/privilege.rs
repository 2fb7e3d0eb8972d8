//! What the daemon gives up once its sockets are open: every capability but the one that routes
//! take, programs that would bring privileges back, all system calls but those of its loop, and
//! writing outside of a few folders.

use std::error::Error;
use std::io;
use std::path::Path;

use crate::confine::{Argument, Filter, calls, exactly};
use libc::{O_ACCMODE, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY, c_int};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};

use crate::landlock;

/// What the log says where files cannot be bound.
pub const NOT_CONFINED: &str =
    "this kernel has no Landlock: where a file may be made is left to the modes of folders";

/// Keeps this alone, if it is there: the kernel asks for it with each message that changes an
/// interface, a route or an SA. What the other sockets take it asked for when they were opened.
const KEPT: CapabilitySet = CapabilitySet::NET_ADMIN;

/// Drops all else, for good.
/// Files are made in `writable` alone, and removed there and in `removable`; false: this kernel
/// cannot bound that.
pub fn drop_privileges(writable: &[&Path], removable: &[&Path]) -> Result<bool, Box<dyn Error>> {
    let kept = capabilities(None)?.permitted & KEPT;
    let inheritable = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })?;
    set_no_new_privs(true)?;
    let is_confined = landlock::confine(writable, removable)?;
    filter()?.install()?;
    Ok(is_confined)
}

/// One line that tells the user what to do where a privilege may be missing.
pub fn explain(what: &str, error: io::Error, otherwise: &str) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("{what}: {error}; start as root, or with CAP_NET_RAW and CAP_NET_ADMIN")
        }
        _ => format!("{what}: {error}{otherwise}"),
    }
}

fn filter() -> Result<Filter, Box<dyn Error>> {
    let mut filter = Filter::new()?;
    // The loop.
    filter.allow(calls::POLL);
    filter.allow(calls::CLOCK);
    filter.allow(calls::TIMER);
    filter.allow(&[libc::SYS_read, libc::SYS_write, libc::SYS_close]);
    // Echoes, netlink, vici, control clients, syslog.
    filter.allow(calls::RECEIVE_AND_SEND);
    filter.allow(&[
        calls::RECVMMSG,
        libc::SYS_sendmmsg,
        libc::SYS_bind,
        libc::SYS_connect,
        libc::SYS_accept4,
        libc::SYS_setsockopt,
    ]);
    // Reading files: the configuration again, and the time zone. Recordings, in files that are
    // open. Saving the configuration: a new file that takes the old one's place.
    filter.allow(calls::LOOK_AT_FILES);
    filter.allow(calls::CHANGE_FILES);
    filter.allow(calls::RENAME_AND_REMOVE);
    // A fresh engine.
    filter.allow(&[libc::SYS_getrandom]);
    // Files are only read, but for new ones.
    let flags = |index, mask: c_int, value: c_int| Argument {
        index,
        mask: mask as u32,
        value: value as u32,
    };
    let read_only = |index| [flags(index, O_ACCMODE | O_CREAT, O_RDONLY)];
    let new_only = flags(2, O_ACCMODE | O_CREAT | O_EXCL, O_WRONLY | O_CREAT | O_EXCL);
    filter.allow_with(libc::SYS_openat, &read_only(2))?;
    filter.allow_with(libc::SYS_openat, &[new_only])?;
    #[cfg(not(target_arch = "aarch64"))]
    filter.allow_with(libc::SYS_open, &read_only(1))?;
    // musl's open sets FD_CLOEXEC once more.
    filter.allow_with(calls::FCNTL, &[exactly(1, libc::F_SETFD as u32)])?;
    // ioctl only makes a descriptor non-blocking; it types nothing into a terminal.
    filter.allow_with(libc::SYS_ioctl, &[exactly(1, libc::FIONBIO as u32)])?;
    // New sockets: vici, syslog; netlink for a fresh engine.
    let domain = |domain: c_int| exactly(0, domain as u32);
    let protocol = |protocol: c_int| exactly(2, protocol as u32);
    filter.allow_with(libc::SYS_socket, &[domain(libc::AF_UNIX)])?;
    for number in [libc::NETLINK_ROUTE, libc::NETLINK_XFRM] {
        let netlink = [domain(libc::AF_NETLINK), protocol(number)];
        filter.allow_with(libc::SYS_socket, &netlink)?;
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs in a thread, which is all that the filter binds.
    #[test]
    fn the_filter_holds() {
        std::thread::spawn(|| {
            drop_privileges(&[], &[]).unwrap();
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            // CAP_NET_ADMIN is number 12; who has no privileges keeps none.
            for set in ["CapEff:\t", "CapPrm:\t"] {
                let kept = ["0000000000001000\n", "0000000000000000\n"];
                let holds = kept.iter().any(|bits| status.contains(&format!("{set}{bits}")));
                assert!(holds, "{status}");
            }
            assert!(status.contains("CapInh:\t0000000000000000\n"), "{status}");
            let socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
            socket.set_nonblocking(true).unwrap();
            assert!(std::fs::write("/tmp/rekeyd-must-not-write", "").is_err());
            assert!(std::net::UdpSocket::bind("127.0.0.1:0").is_err());
            assert!(crate::guard::Guard::install().is_err());
            assert!(std::process::Command::new("true").status().is_err());
        })
        .join()
        .unwrap();
    }
}
