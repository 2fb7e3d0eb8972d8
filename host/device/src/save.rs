//! Writes the configuration's file anew so that at any moment, also where the power fails, it is
//! the old one or the new one: that is on the disk before it takes the old one's name.

use std::ffi::OsString;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

/// The mode of a file that was not there.
const NEW_MODE: u32 = 0o600;

/// What the file was when it was read or saved last: enough to tell whether it still is.
#[derive(PartialEq)]
pub struct Fingerprint {
    length: usize,
    hash: u64,
}

impl Fingerprint {
    pub fn of(text: &[u8]) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        hasher.write(text);
        Fingerprint { length: text.len(), hash: hasher.finish() }
    }
}

#[derive(Debug, PartialEq)]
pub enum SaveError {
    /// Somebody else has changed the file, or removed it.
    Changed,
    Io(i32),
}

impl SaveError {
    /// As the engine is told it (assembly/index.ts, `saved`).
    pub fn code(&self) -> i32 {
        match self {
            SaveError::Changed => -1,
            SaveError::Io(errno) => *errno,
        }
    }
}

impl From<io::Error> for SaveError {
    fn from(error: io::Error) -> SaveError {
        SaveError::Io(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl From<Errno> for SaveError {
    fn from(error: Errno) -> SaveError {
        SaveError::Io(error.raw_os_error())
    }
}

/// The folder that the file is in: of a symbolic link, what it leads to.
pub fn folder_of(path: &Path) -> io::Result<PathBuf> {
    let file = path.canonicalize()?;
    Ok(file.parent().map_or(file.clone(), Path::to_path_buf))
}

/// Puts the text in the place of the file, which is to be the `known` one; None: whatever it is.
/// Owner, group and mode stay; of a symbolic link its target is replaced.
pub fn save(path: &Path, text: &[u8], known: Option<&Fingerprint>) -> Result<(), SaveError> {
    let (folder, name) = locate(path)?;
    let old = look(&folder, &name, known)?;
    let new_name = new_name(&name);
    let new = create(&folder, &new_name)?;
    let result =
        fill(new, text, old).and_then(|()| Ok(fs::renameat(&folder, &new_name, &folder, &name)?));
    if result.is_err() {
        let _ = fs::unlinkat(&folder, &new_name, AtFlags::empty());
        return result;
    }
    Ok(fs::fsync(&folder)?)
}

fn locate(path: &Path) -> io::Result<(OwnedFd, OsString)> {
    let path = match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_path_buf(),
        result => result?,
    };
    let name = path.file_name().ok_or(Errno::ISDIR)?.to_os_string();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok((fs::open(parent_of(&path), flags, Mode::empty())?, name))
}

/// The folder that a file is in, as its path says.
pub fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file as it is; None where there is none.
fn look(
    folder: &OwnedFd,
    name: &OsString,
    known: Option<&Fingerprint>,
) -> Result<Option<Stat>, SaveError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = match fs::openat(folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) if known.is_none() => return Ok(None),
        Err(Errno::NOENT) => return Err(SaveError::Changed),
        Err(error) => return Err(error.into()),
    };
    let stat = fs::fstat(&file)?;
    if let Some(known) = known {
        let mut text = Vec::new();
        file.take(known.length as u64 + 1).read_to_end(&mut text)?;
        if Fingerprint::of(&text) != *known {
            return Err(SaveError::Changed);
        }
    }
    Ok(Some(stat))
}

/// One name, so that what a power failure leaves behind is found again, and does not pile up.
fn new_name(name: &OsString) -> OsString {
    let mut new_name = OsString::from(".");
    new_name.push(name);
    new_name.push(".rekeyd-new");
    new_name
}

fn create(folder: &OwnedFd, name: &OsString) -> Result<OwnedFd, SaveError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(NEW_MODE);
    match fs::openat(folder, name, flags, mode) {
        Err(Errno::EXIST) => {
            fs::unlinkat(folder, name, AtFlags::empty())?;
            Ok(fs::openat(folder, name, flags, mode)?)
        }
        result => Ok(result?),
    }
}

/// Writes all of the new file to the disk.
fn fill(new: OwnedFd, text: &[u8], old: Option<Stat>) -> Result<(), SaveError> {
    if let Some(old) = old {
        let now = fs::fstat(&new)?;
        if (now.st_uid, now.st_gid) != (old.st_uid, old.st_gid) {
            let owner = Some(Uid::from_raw(old.st_uid));
            fs::fchown(new.as_fd(), owner, Some(Gid::from_raw(old.st_gid)))?;
        }
        fs::fchmod(&new, Mode::from_raw_mode(old.st_mode & 0o7777))?;
    }
    let mut file = File::from(new);
    file.write_all(text)?;
    Ok(file.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    /// A folder with a file `conf` that says "old".
    fn bench(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("rekeyd-save-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("conf"), "old").unwrap();
        folder
    }

    #[test]
    fn the_new_file_has_the_old_ones_place_and_mode() {
        let folder = bench("mode");
        let path = folder.join("conf");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let inode = std::fs::metadata(&path).unwrap().ino();
        // What a power failure left behind is no obstacle.
        std::fs::write(folder.join(".conf.rekeyd-new"), "half").unwrap();
        save(&path, b"new", Some(&Fingerprint::of(b"old"))).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o640);
        assert_ne!(metadata.ino(), inode);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let folder = bench("link");
        let link = folder.join("link");
        symlink("conf", &link).unwrap();
        save(&link, b"new", Some(&Fingerprint::of(b"old"))).unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read(folder.join("conf")).unwrap(), b"new");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_of_somebody_elses_is_replaced_by_force_alone() {
        let folder = bench("changed");
        let path = folder.join("conf");
        for known in ["ald", "older", "ol", ""] {
            let known = Fingerprint::of(known.as_bytes());
            assert_eq!(save(&path, b"new", Some(&known)), Err(SaveError::Changed));
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        save(&path, b"new", None).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(save(&path, b"", Some(&Fingerprint::of(b"new"))), Err(SaveError::Changed));
        save(&path, b"newer", None).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, NEW_MODE);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_one() {
        let folder = bench("none");
        let path = folder.join("none/conf");
        assert_eq!(save(&path, b"new", None), Err(SaveError::Io(libc::ENOENT)));
        // The name that the new file needs is a folder's.
        std::fs::create_dir(folder.join(".conf.rekeyd-new")).unwrap();
        assert_eq!(save(&folder.join("conf"), b"new", None), Err(SaveError::Io(libc::EISDIR)));
        assert_eq!(std::fs::read(folder.join("conf")).unwrap(), b"old");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
