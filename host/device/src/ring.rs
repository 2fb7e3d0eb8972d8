//! The files of a recording: two that are used in turn, and two that keep what led to a trap.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::record;

/// The other file is taken when this much stands behind the beginning of a segment, and no less
/// than that beginning has: snapshots are never more than half of what is written.
const SEGMENT_BYTES: u64 = 4 << 20;
/// Of a file so much is copied at a time.
const CHUNK_BYTES: usize = 64 << 10;

pub struct Ring {
    files: [File; 2],
    /// What led to the first trap, and what to the last one.
    kept: [Kept; 2],
    /// The file of the newest segment.
    newest: usize,
    /// Numbers of the segments in the files.
    numbers: [Option<u32>; 2],
    /// Bytes in the newest segment, and how many of them it began with.
    end: u64,
    begin: u64,
}

struct Kept {
    file: File,
    path: PathBuf,
}

impl Ring {
    /// Opens the files, which are made if they are not there. A folder serves one daemon.
    pub fn open(folder: &Path) -> io::Result<Ring> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let open = |name: &str| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            options.custom_flags(libc::O_NOFOLLOW).open(folder.join(name))
        };
        let files = [open("ring-0")?, open("ring-1")?];
        flock(&files[0], FlockOperation::NonBlockingLockExclusive)?;
        let numbers = [number(&files[0]), number(&files[1])];
        let newest = usize::from(numbers[1] > numbers[0]);
        let kept = |name: &str| open(name).map(|file| Kept { file, path: folder.join(name) });
        let kept = [kept("trap-first")?, kept("trap-last")?];
        // The names are to last as what is kept does.
        File::open(folder)?.sync_all()?;
        Ok(Ring { files, kept, newest, numbers, end: 0, begin: 0 })
    }

    /// Empties the older file for a segment, and answers the segment's number.
    pub fn turn(&mut self) -> io::Result<u32> {
        let last = self.numbers[0].max(self.numbers[1]);
        let number = last.map_or(0, |number| number.wrapping_add(1));
        self.newest = usize::from(last.is_some() && self.numbers[0] == last);
        self.numbers[self.newest] = None;
        self.files[self.newest].set_len(0)?;
        self.numbers[self.newest] = Some(number);
        self.end = 0;
        self.begin = 0;
        Ok(number)
    }

    /// Appends to the newest segment.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.files[self.newest].write_all_at(bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// What the newest segment has begins it, and does not count.
    pub fn begun(&mut self) {
        self.begin = self.end;
    }

    /// Whether it is the other file's turn.
    pub fn is_full(&self) -> bool {
        self.end - self.begin >= SEGMENT_BYTES.max(self.begin)
    }

    /// The files that hold a segment, the older first.
    fn segments(&self) -> impl Iterator<Item = &File> {
        let held = |i: &usize| self.numbers[*i].is_some();
        [self.newest ^ 1, self.newest].into_iter().filter(held).map(|i| &self.files[i])
    }

    /// Appends all that is recorded to `out`.
    pub fn read(&self, out: &mut Vec<u8>) -> io::Result<()> {
        for file in self.segments() {
            let start = out.len();
            let length = file.metadata()?.len() as usize;
            out.try_reserve_exact(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
            out.resize(start + length, 0);
            file.read_exact_at(&mut out[start..], 0)?;
        }
        Ok(())
    }

    /// Copies all that is recorded to where later recordings leave it alone, and a power cut, too;
    /// says where. What the first trap left stays, and of later ones what the last has left.
    pub fn keep(&self) -> io::Result<&Path> {
        let [first, last] = &self.kept;
        let Kept { file: to, path } = if first.file.metadata()?.len() == 0 { first } else { last };
        to.set_len(0)?;
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut end = 0;
        for file in self.segments() {
            let mut from = 0;
            loop {
                let length = file.read_at(&mut chunk, from)?;
                if length == 0 {
                    break;
                }
                to.write_all_at(&chunk[..length], end)?;
                from += length as u64;
                end += length as u64;
            }
        }
        to.sync_all()?;
        Ok(path)
    }
}

/// The number of the segment that the file holds.
fn number(file: &File) -> Option<u32> {
    let mut head = [0; record::NUMBER_END];
    file.read_exact_at(&mut head, 0).ok()?;
    record::number(&head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_full_by_its_records_and_by_its_beginning() {
        let folder = std::env::temp_dir().join(format!("rekeyd-ring-{}", std::process::id()));
        let mut ring = Ring::open(&folder).unwrap();
        for begin in [100, SEGMENT_BYTES + 1000] {
            let full = SEGMENT_BYTES.max(begin);
            ring.turn().unwrap();
            ring.append(&vec![1; begin as usize]).unwrap();
            ring.begun();
            ring.append(&vec![1; full as usize - 1]).unwrap();
            assert!(!ring.is_full());
            ring.append(&[1]).unwrap();
            assert!(ring.is_full());
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn files_take_turns_also_after_one_could_not_be_emptied() {
        let folder = std::env::temp_dir().join(format!("rekeyd-turns-{}", std::process::id()));
        let mut ring = Ring::open(&folder).unwrap();
        let turn = |ring: &mut Ring| (ring.turn().unwrap(), ring.newest);
        assert_eq!([turn(&mut ring), turn(&mut ring), turn(&mut ring)], [(0, 0), (1, 1), (2, 0)]);
        ring.numbers[0] = None;
        assert_eq!([turn(&mut ring), turn(&mut ring)], [(2, 0), (3, 1)]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
