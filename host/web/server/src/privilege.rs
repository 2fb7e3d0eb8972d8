//! What the program gives up: root, capabilities, programs that would bring privileges back, and
//! all system calls but those that serving takes. Files are none of them: all that it needs was
//! read before.

use std::error::Error;
use std::ffi::CString;

use crate::confine::{Filter, calls, exactly};
use rustix::process::{Gid, Uid, geteuid, nice};
use rustix::thread::{
    CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

/// Where 19 is whoever waits for all others.
const NICENESS: i32 = 10;
/// More than a user is usually in.
const MAX_GROUPS: usize = 256;

/// Whom to become, looked up while files can be read.
pub struct User {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl User {
    /// The user with all groups, and one more. None: it stays who it is, and that is not root.
    pub fn find(
        user: Option<&str>,
        group: Option<&str>,
        is_root: bool,
    ) -> Result<Option<User>, Box<dyn Error>> {
        let name = match user {
            Some(name) if is_root => name,
            None if is_root => return Err("root needs --user, somebody without rights".into()),
            None if group.is_none() => return Ok(None),
            _ => return Err("only root can change --user and --control-group".into()),
        };
        let mut found = lookup(name)?;
        if found.uid.is_root() {
            return Err(format!("--user {name}: root's rights are what it is to lose").into());
        }
        found.groups.extend(group.map(find_group).transpose()?);
        Ok(Some(found))
    }

    /// Becomes this user, for good; there is one thread.
    fn become_it(&self) -> Result<(), Box<dyn Error>> {
        set_thread_groups(&self.groups)?;
        set_thread_res_gid(self.gid, self.gid, self.gid)?;
        set_thread_res_uid(self.uid, self.uid, self.uid)?;
        Ok(())
    }
}

fn lookup(name: &str) -> Result<User, Box<dyn Error>> {
    let text = CString::new(name)?;
    // SAFETY: the name ends with a NUL; nobody else asks for users while the record is read.
    let entry = unsafe { libc::getpwnam(text.as_ptr()).as_ref() };
    let entry = entry.ok_or_else(|| format!("--user: there is no user {name:?}"))?;
    let mut groups = [0; MAX_GROUPS];
    let mut count = MAX_GROUPS as libc::c_int;
    // SAFETY: the name ends with a NUL, and `count` is how many groups there is room for.
    let result =
        unsafe { libc::getgrouplist(text.as_ptr(), entry.pw_gid, groups.as_mut_ptr(), &mut count) };
    if result < 0 {
        return Err(format!("--user: {name} is in more than {MAX_GROUPS} groups").into());
    }
    let groups = groups[..count as usize].iter().map(|&group| Gid::from_raw(group)).collect();
    Ok(User { uid: Uid::from_raw(entry.pw_uid), gid: Gid::from_raw(entry.pw_gid), groups })
}

/// A group, by its name or its number.
fn find_group(group: &str) -> Result<Gid, Box<dyn Error>> {
    if let Ok(number) = group.parse() {
        return Ok(Gid::from_raw(number));
    }
    let name = CString::new(group)?;
    // SAFETY: the name ends with a NUL; nobody else asks for groups while the record is read.
    let entry = unsafe { libc::getgrnam(name.as_ptr()).as_ref() };
    let entry = entry.ok_or_else(|| format!("--control-group: there is no group {name:?}"))?;
    Ok(Gid::from_raw(entry.gr_gid))
}

pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Drops it all, for good; also its place in the queue for the processor: echoes come first.
pub fn drop_privileges(user: Option<User>) -> Result<(), Box<dyn Error>> {
    nice(NICENESS)?;
    if let Some(user) = user {
        user.become_it()?;
    }
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    set_no_new_privs(true)?;
    filter()?.install()?;
    Ok(())
}

fn filter() -> Result<Filter, Box<dyn Error>> {
    let mut filter = Filter::new()?;
    // The loop.
    filter.allow(calls::POLL);
    filter.allow(calls::CLOCK);
    filter.allow(&[libc::SYS_read, libc::SYS_write, libc::SYS_writev, libc::SYS_close]);
    // Browsers, and the control socket.
    filter.allow(calls::RECEIVE_AND_SEND);
    filter.allow(&[
        libc::SYS_accept4,
        libc::SYS_connect,
        libc::SYS_sendmsg,
        libc::SYS_shutdown,
        libc::SYS_getsockname,
        libc::SYS_getpeername,
        libc::SYS_getsockopt,
        libc::SYS_setsockopt,
    ]);
    // Keys of sessions.
    filter.allow(&[libc::SYS_getrandom]);
    // New sockets lead to the control socket alone.
    filter.allow_with(libc::SYS_socket, &[exactly(0, libc::AF_UNIX as u32)])?;
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_becomes_somebody_and_others_stay() {
        let find = |user, group, is_root| {
            let found = User::find(user, group, is_root).map_err(|error| error.to_string());
            found.map(|user| user.map(|user| (user.uid.as_raw(), user.groups)))
        };
        let (uid, groups) = find(Some("nobody"), Some("4711"), true).unwrap().unwrap();
        assert!(uid != 0 && groups.contains(&Gid::from_raw(4711)));
        assert_eq!(find(None, None, false), Ok(None));
        for (user, group, is_root, error) in [
            (None, None, true, "root needs --user, somebody without rights"),
            (Some("root"), None, true, "--user root: root's rights are what it is to lose"),
            (Some("nobody"), None, false, "only root can change --user and --control-group"),
            (None, Some("4711"), false, "only root can change --user and --control-group"),
            (Some("no-such-user"), None, true, "--user: there is no user \"no-such-user\""),
            (
                Some("nobody"),
                Some("no-such-group"),
                true,
                "--control-group: there is no group \"no-such-group\"",
            ),
        ] {
            assert_eq!(find(user, group, is_root), Err(error.into()));
        }
    }

    /// Runs in a thread, which is all that the filter binds.
    #[test]
    fn the_filter_holds() {
        std::thread::spawn(|| {
            drop_privileges(None).unwrap();
            assert!(std::os::unix::net::UnixDatagram::unbound().is_ok());
            assert!(std::net::UdpSocket::bind("127.0.0.1:0").is_err());
            assert!(std::net::TcpListener::bind("127.0.0.1:0").is_err());
            assert!(std::fs::read("/etc/passwd").is_err());
            assert!(std::fs::write("/tmp/rekeyd-web-must-not-write", "").is_err());
            assert!(std::process::Command::new("true").status().is_err());
        })
        .join()
        .unwrap();
    }
}
