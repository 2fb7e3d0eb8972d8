//! The prompt's history over sessions: a file of lines, the newest last. Whatever is wrong with the
//! file, the prompt works, and forgets.

use std::env;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::client;
use crate::control::MAX_REQUEST_BYTES;

/// Of a file that is longer the older half is dropped.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// Where state is kept: the folder is made if it is not there. A home is not.
const BELOW_STATE: &str = "rekeyctl/history";

/// The lines of one user.
pub struct History {
    /// None: there is no place for them.
    path: Option<PathBuf>,
}

impl History {
    /// The one of whoever runs this.
    pub fn find() -> History {
        let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let path = match folder("XDG_STATE_HOME") {
            Some(state) => Some(state.join(BELOW_STATE)),
            None => folder("HOME").map(|home| home.join(".rekeyctl_history")),
        };
        History { path }
    }

    /// The lines, the oldest first; none, if they cannot be read.
    pub fn read(&self) -> Vec<String> {
        let bytes = self.path.as_ref().and_then(|path| newest(path, MAX_FILE_BYTES).ok());
        let bytes = bytes.unwrap_or_default();
        let lines = bytes.split(|&byte| byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
        lines.filter(is_kept).map(Into::into).collect()
    }

    /// Adds a line, if that is possible.
    pub fn add(&self, line: &str) {
        if let Some(path) = self.path.as_ref().filter(|_| is_kept(&line)) {
            let _ = append(path, line);
        }
    }
}

/// Whether it can be a line of the prompt's: what somebody else put into the file must not reach
/// the terminal.
fn is_kept(line: &&str) -> bool {
    !line.is_empty() && line.len() <= MAX_REQUEST_BYTES && !line.contains(char::is_control)
}

/// In one write, so that the lines of two prompts do not mix.
fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|_| path.ends_with(BELOW_STATE)) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = open(OpenOptions::new().append(true).create(true).mode(0o600), path)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    if file.metadata()?.len() > MAX_FILE_BYTES {
        client::replace(path, &newest(path, MAX_FILE_BYTES / 2)?)?;
    }
    Ok(())
}

/// The last whole lines of the file, of so many bytes at most.
fn newest(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = open(OpenOptions::new().read(true), path)?;
    let skipped = file.metadata()?.len().saturating_sub(most);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    if skipped > 0 {
        let end = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
        bytes.drain(..end);
    }
    Ok(bytes)
}

/// Opens an ordinary file of the user's own: where root runs in another's home, that one could have
/// put something else there.
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.uid() != geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A folder of the test's own, and a history in it.
    fn history(name: &str) -> (PathBuf, History) {
        let name = format!("rekeyctl-history-{}-{name}", std::process::id());
        let folder = env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let path = Some(folder.join("state/rekeyctl/history"));
        (folder, History { path })
    }

    #[test]
    fn lines_are_kept_for_their_owner_alone() {
        let (folder, history) = history("kept");
        assert_eq!(history.read(), [""; 0]);
        for line in ["get sa", "", "get\x1b[2J", &"x".repeat(2000), "get vpn büro"] {
            history.add(line);
        }
        assert_eq!(history.read(), ["get sa", "get vpn büro"]);
        let file = history.path.as_ref().unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(file), mode(file.parent().unwrap())), (0o600, 0o700));

        fs::write(file, b"one\n\xff\n\x1b[2J\n\x00\n\nlast without an end").unwrap();
        assert_eq!(history.read(), ["one", "last without an end"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_file_is_bounded_and_keeps_the_newest() {
        let (folder, history) = history("bounded");
        for number in 0..20_000 {
            history.add(&number.to_string());
        }
        let file = history.path.as_ref().unwrap();
        assert!(file.metadata().unwrap().len() <= MAX_FILE_BYTES);
        let lines = history.read();
        let first: usize = lines[0].parse().unwrap();
        assert!(lines.len() > 4000, "{}", lines.len());
        assert!(lines.iter().enumerate().all(|(i, line)| *line == (first + i).to_string()));
        assert_eq!(lines.last().unwrap(), "19999");

        // Somebody else's, of any length.
        fs::write(file, vec![b'x'; 10 << 20]).unwrap();
        assert_eq!(history.read(), [""; 0]);
        history.add("get sa");
        history.add("get vpn");
        assert_eq!(history.read(), ["get vpn"]);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_file_of_the_user_is_left_alone() {
        let (folder, history) = history("other");
        let file = history.path.clone().unwrap();
        let parent = file.parent().unwrap();
        fs::create_dir_all(parent).unwrap();
        let target = folder.join("target");
        fs::write(&target, "another's\n").unwrap();
        symlink(&target, &file).unwrap();
        history.add("get sa");
        assert_eq!(
            (history.read(), fs::read_to_string(&target).unwrap()),
            (vec![], "another's\n".into())
        );

        // A FIFO would hang whoever opens it.
        fs::remove_file(&file).unwrap();
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &file, fifo, 0o600.into(), 0).unwrap();
        history.add("get sa");
        assert_eq!(history.read(), [""; 0]);

        // A folder where the file should be, and a file where its folder should be.
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        history.add("get sa");
        fs::remove_dir_all(parent).unwrap();
        fs::write(parent, "").unwrap();
        history.add("get sa");
        assert_eq!(history.read(), [""; 0]);
        History { path: None }.add("get sa");
        fs::remove_dir_all(folder).unwrap();
    }
}
