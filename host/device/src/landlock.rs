//! Landlock (Linux 5.13 and later): where a process may still write, whatever its user may. Reading
//! and what is open already are not bound.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

// linux/landlock.h
const CREATE_RULESET_VERSION: libc::c_uint = 1;
const RULE_PATH_BENEATH: libc::c_int = 1;
const WRITE_FILE: u64 = 1 << 1;
const REMOVE_FILE: u64 = 1 << 5;
const MAKE_REG: u64 = 1 << 8;
/// WRITE_FILE, and all that removes or makes something, REMOVE_DIR to MAKE_SYM.
const WRITES: u64 = WRITE_FILE | 0b1_1111_1111 << 4;
/// REFER of ABI 2, without which nothing moves between folders anyway, and TRUNCATE of ABI 3.
const TRUNCATE: u64 = 1 << 14;

/// The first field of `landlock_ruleset_attr`: later kernels take the rest as zeros.
#[repr(C)]
struct RulesetAttr {
    handled_access_fs: u64,
}

#[repr(C, packed)]
struct PathBeneathAttr {
    allowed_access: u64,
    parent_fd: i32,
}

/// From now on this thread makes, writes and removes files in `writable` alone, and removes them in
/// `removable`. False: the kernel has no Landlock. `no_new_privs` must be set.
pub fn confine(writable: &[&Path], removable: &[&Path]) -> io::Result<bool> {
    // SAFETY: with this flag the call only answers a number.
    let version = unsafe {
        let none = std::ptr::null::<RulesetAttr>();
        libc::syscall(libc::SYS_landlock_create_ruleset, none, 0usize, CREATE_RULESET_VERSION)
    };
    if version < 1 {
        return Ok(false);
    }
    let handled_access_fs = if version >= 3 { WRITES | TRUNCATE } else { WRITES };
    let attributes = RulesetAttr { handled_access_fs };
    // SAFETY: the kernel reads the attributes, as many bytes as it is told, during the call.
    let ruleset = checked(unsafe {
        let size = size_of::<RulesetAttr>();
        libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0)
    })?;
    // SAFETY: the call has made this descriptor, and nobody else has it.
    let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset as i32) };
    for path in writable {
        allow(&ruleset, path, WRITE_FILE | MAKE_REG | REMOVE_FILE)?;
    }
    for path in removable {
        allow(&ruleset, path, REMOVE_FILE)?;
    }
    // SAFETY: the call takes numbers alone.
    checked(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) })?;
    Ok(true)
}

fn allow(ruleset: &OwnedFd, folder: &Path, allowed_access: u64) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    let rule = PathBeneathAttr { allowed_access, parent_fd: folder.as_raw_fd() };
    // SAFETY: the kernel reads the rule during the call; both descriptors are open.
    checked(unsafe {
        let (ruleset, kind) = (ruleset.as_raw_fd(), RULE_PATH_BENEATH);
        libc::syscall(libc::SYS_landlock_add_rule, ruleset, kind, &raw const rule, 0)
    })?;
    Ok(())
}

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Runs in a thread, which is all that is confined.
    #[test]
    fn files_are_written_where_it_is_allowed_and_nowhere_else() {
        let folder = std::env::temp_dir().join(format!("rekeyd-landlock-{}", std::process::id()));
        let (inside, outside) = (folder.join("in"), folder.join("out"));
        fs::create_dir_all(&inside).unwrap();
        fs::create_dir_all(&outside).unwrap();
        for name in ["a", "b"] {
            fs::write(outside.join(name), "old").unwrap();
        }
        let (inside, outside) = (&inside, &outside);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                rustix::thread::set_no_new_privs(true).unwrap();
                if !confine(&[inside], &[]).unwrap() {
                    return;
                }
                fs::write(inside.join("new"), "new").unwrap();
                fs::rename(inside.join("new"), inside.join("newer")).unwrap();
                assert!(fs::rename(inside.join("newer"), outside.join("a")).is_err());
                assert!(fs::write(outside.join("a"), "new").is_err());
                assert!(fs::remove_file(outside.join("a")).is_err());
                assert!(fs::create_dir(inside.join("folder")).is_err());
                assert_eq!(fs::read(outside.join("a")).unwrap(), b"old");
            });
            scope.spawn(|| {
                rustix::thread::set_no_new_privs(true).unwrap();
                if confine(&[], &[outside]).unwrap() {
                    fs::remove_file(outside.join("b")).unwrap();
                    assert!(fs::write(outside.join("c"), "").is_err());
                }
            });
        });
        fs::remove_dir_all(folder).unwrap();
    }
}
