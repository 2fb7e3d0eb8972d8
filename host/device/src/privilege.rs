//! What the daemon gives up once its sockets are open: every capability but the one that routes
//! take, programs that would bring privileges back, all system calls but those of its loop, and
//! writing outside of a few folders.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::error::Error;
use std::io;
use std::path::Path;

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
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
    apply_filter(&seccomp_program()?)?;
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

/// A call that is not on the list fails with EPERM: what is attacked gains nothing, and an
/// oversight of ours is an error in the log and not the end of the monitoring.
fn seccomp_program() -> Result<BpfProgram, Box<dyn Error>> {
    let filter = SeccompFilter::new(
        allowed_calls()?,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        ARCH.try_into()?,
    )?;
    Ok(filter.try_into()?)
}

fn allowed_calls() -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let always = [
        // The loop.
        libc::SYS_epoll_pwait,
        libc::SYS_epoll_ctl,
        libc::SYS_timerfd_settime,
        libc::SYS_clock_gettime,
        libc::SYS_ppoll,
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_close,
        // Echoes, netlink, vici, control clients, syslog.
        libc::SYS_recvmmsg,
        libc::SYS_sendmmsg,
        libc::SYS_recvfrom,
        libc::SYS_sendto,
        libc::SYS_bind,
        libc::SYS_connect,
        libc::SYS_accept4,
        libc::SYS_setsockopt,
        // Reading files: the configuration again, and the time zone.
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_lseek,
        // Recordings, in files that are open.
        libc::SYS_pread64,
        libc::SYS_pwrite64,
        libc::SYS_ftruncate,
        // Saving the configuration: a new file that takes the old one's place.
        libc::SYS_readlinkat,
        libc::SYS_fchmod,
        libc::SYS_fchown,
        libc::SYS_fsync,
        libc::SYS_renameat2,
        // A fresh engine.
        libc::SYS_getrandom,
        // Memory.
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_futex,
        // The end.
        libc::SYS_unlinkat,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        libc::SYS_sigaltstack,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let mut calls: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in always.iter().chain(OLDER_CALLS) {
        calls.insert(*call, vec![]);
    }
    // Nothing becomes executable any more.
    let not_executable = masked(2, libc::PROT_EXEC as u64, 0)?;
    calls.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![not_executable.clone()])?]);
    calls.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![not_executable])?]);
    // Files are only read, but for new ones.
    let read_only = |flags| masked(flags, (libc::O_ACCMODE | libc::O_CREAT) as u64, 0);
    let new = libc::O_CREAT | libc::O_EXCL;
    let new_only = masked(2, (libc::O_ACCMODE | new) as u64, (libc::O_WRONLY | new) as u64)?;
    let opens = vec![SeccompRule::new(vec![read_only(2)?])?, SeccompRule::new(vec![new_only])?];
    calls.insert(libc::SYS_openat, opens);
    #[cfg(target_arch = "x86_64")]
    calls.insert(libc::SYS_open, vec![SeccompRule::new(vec![read_only(1)?])?]);
    // musl's open sets FD_CLOEXEC once more.
    let close_on_exec = masked(1, u32::MAX.into(), libc::F_SETFD as u64)?;
    calls.insert(libc::SYS_fcntl, vec![SeccompRule::new(vec![close_on_exec])?]);
    // ioctl only makes a descriptor non-blocking; it types nothing into a terminal.
    let non_blocking = masked(1, u32::MAX.into(), libc::FIONBIO as _)?;
    calls.insert(libc::SYS_ioctl, vec![SeccompRule::new(vec![non_blocking])?]);
    // New sockets: vici, syslog; netlink for a fresh engine.
    let domain = |domain: libc::c_int| masked(0, u32::MAX.into(), domain as u64);
    let protocol = |protocol: libc::c_int| masked(2, u32::MAX.into(), protocol as u64);
    let netlink = |number| -> Result<SeccompRule, seccompiler::BackendError> {
        SeccompRule::new(vec![domain(libc::AF_NETLINK)?, protocol(number)?])
    };
    let sockets = vec![
        SeccompRule::new(vec![domain(libc::AF_UNIX)?])?,
        netlink(libc::NETLINK_ROUTE)?,
        netlink(libc::NETLINK_XFRM)?,
    ];
    calls.insert(libc::SYS_socket, sockets);
    Ok(calls)
}

/// Calls that newer architectures have only in another form.
#[cfg(target_arch = "x86_64")]
const OLDER_CALLS: &[libc::c_long] = &[
    libc::SYS_epoll_wait,
    libc::SYS_poll,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_unlink,
    libc::SYS_readlink,
    libc::SYS_renameat,
];
#[cfg(target_arch = "aarch64")]
const OLDER_CALLS: &[libc::c_long] = &[libc::SYS_renameat];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const OLDER_CALLS: &[libc::c_long] = &[];

/// The argument's bits under the mask equal the value.
fn masked(
    argument: u8,
    mask: u64,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    let operator = SeccompCmpOp::MaskedEq(mask);
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
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
