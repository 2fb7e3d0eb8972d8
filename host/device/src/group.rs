//! The group that may use the control socket.

use std::error::Error;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

/// The number of a group, from its name or as it is.
pub fn find(group: &str) -> Result<u32, Box<dyn Error>> {
    if let Ok(id) = group.parse() {
        return Ok(id);
    }
    let name = CString::new(group)?;
    // SAFETY: the name ends with a NUL; nobody else asks for groups while the record is read.
    let found = unsafe { libc::getgrnam(name.as_ptr()).as_ref() };
    let found = found.ok_or_else(|| format!("--control-group: there is no group {name:?}"))?;
    Ok(found.gr_gid)
}

/// Lets the group in, where only the owner was before.
pub fn admit(path: &Path, group: u32) -> io::Result<()> {
    chown(path, None, Some(group))?;
    fs::set_permissions(path, PermissionsExt::from_mode(0o660))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_name() {
        assert_eq!(find("root").unwrap(), 0);
        assert_eq!(find("4711").unwrap(), 4711);
        let error = find("no-such-group").unwrap_err().to_string();
        assert_eq!(error, "--control-group: there is no group \"no-such-group\"");
    }
}
