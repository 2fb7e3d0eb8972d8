//! Users of this machine, by name.

use std::error::Error;
use std::ffi::CString;
use std::io;

/// A user that hooks run as.
pub struct User {
    name: CString,
    uid: libc::uid_t,
    gid: libc::gid_t,
}

impl User {
    pub fn find(name: &str) -> Result<User, Box<dyn Error>> {
        let name = CString::new(name)?;
        // SAFETY: the name ends with a NUL; nobody else asks for users while the record is read.
        let user = unsafe { libc::getpwnam(name.as_ptr()).as_ref() };
        let user = user.ok_or_else(|| format!("--hook-user: there is no user {name:?}"))?;
        Ok(User { uid: user.pw_uid, gid: user.pw_gid, name })
    }

    /// Becomes this user, for good.
    pub fn become_it(&self) -> io::Result<()> {
        // SAFETY: plain calls; the name ends with a NUL.
        let results = unsafe {
            [
                libc::initgroups(self.name.as_ptr(), self.gid),
                libc::setgid(self.gid),
                libc::setuid(self.uid),
            ]
        };
        if results == [0; 3] { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
