//! The configuration file, which the engine reads and judges.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::abi::{Action, Input, Times};
use crate::engine::{Engine, Program};
use crate::save::{self, Fingerprint};

/// The configuration in force, and its file.
pub struct Configuration {
    path: PathBuf,
    /// What a fresh engine gets.
    text: Vec<u8>,
    /// Whether commands have made it another one than the file's.
    is_edited: bool,
    /// The file when it was read or saved last.
    file: Fingerprint,
}

impl Configuration {
    pub fn open(path: PathBuf, limit: usize) -> io::Result<Configuration> {
        let text = read(&path, limit)?;
        let file = Fingerprint::of(&text);
        Ok(Configuration { path, text, is_edited: false, file })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file has been read again, and is good.
    pub fn take(&mut self, text: Vec<u8>) {
        self.file = Fingerprint::of(&text);
        self.text = text;
        self.is_edited = false;
    }

    /// A command has changed it.
    pub fn change(&mut self, text: &[u8]) {
        self.text = text.to_vec();
        self.is_edited = true;
    }

    /// Writes it to its file, unless somebody else did. What the engine is to be told of that.
    pub fn save(&mut self, force: bool) -> i32 {
        let known = if force { None } else { Some(&self.file) };
        match save::save(&self.path, &self.text, known) {
            Ok(()) => {
                self.file = Fingerprint::of(&self.text);
                self.is_edited = false;
                0
            }
            Err(error) => error.code(),
        }
    }

    /// Puts it before a fresh engine.
    pub fn input(&self, engine: &mut Engine) -> Input {
        input(engine, &self.path, &self.text, self.is_edited)
    }
}

/// Reads the file, of which an engine takes `limit` bytes with the path.
pub fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let limit = limit.saturating_sub(path.as_os_str().len());
    let mut text = Vec::new();
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut text)?;
    if text.len() > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("larger than {limit} bytes"),
        ));
    }
    Ok(text)
}

/// Puts path and text before the engine. `edited`: the file has another text.
pub fn input(engine: &mut Engine, path: &Path, text: &[u8], edited: bool) -> Input {
    let path = path.as_os_str().as_bytes();
    let written = engine.write_input(&[path, text]);
    let path_len = path.len().min(written);
    Input::Configure { path_len, len: written - path_len, edited }
}

/// What the engine says of a file.
pub struct Verdict {
    /// What is wrong, a line each.
    pub mistakes: Vec<String>,
    /// What it would do if nothing is.
    pub summary: String,
}

/// Judges the file with an engine of its own.
pub fn check(program: &Program, path: &Path) -> Result<Verdict, String> {
    let mut engine = program.instantiate().map_err(|error| error.to_string())?;
    let mut actions = Vec::new();
    let text = read(path, engine.input_mut().len())
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let start = Input::Start { key: [0, 0], seed: 0, identifier: 1, utc_offset_s: 0 };
    let configure = input(&mut engine, path, &text, false);
    // `start` takes no bytes and leaves the input as it is.
    for input in [start, configure] {
        engine.feed(input, Times::now(), &mut actions).map_err(|fault| fault.to_string())?;
    }
    let mut verdict = Verdict { mistakes: Vec::new(), summary: String::new() };
    let text =
        |range: &Range<usize>| String::from_utf8_lossy(engine.bytes(range.clone())).into_owned();
    for action in &actions {
        match action {
            Action::ConfigError { line } => verdict.mistakes.push(text(line)),
            Action::ConfigTaken { summary } => verdict.summary = text(summary),
            _ => (),
        }
    }
    Ok(verdict)
}
