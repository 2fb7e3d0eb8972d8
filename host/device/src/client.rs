//! `rekeyctl`: sends one request to the daemon and prints its answer.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The daemon's answer.
pub struct Answer {
    pub is_ok: bool,
    pub body: Vec<u8>,
}

pub fn request(control: &Path, json: bool, words: &[String]) -> io::Result<Answer> {
    let prefix = if json { "json " } else { "" };
    let mut stream = UnixStream::connect(control)?;
    stream.write_all(format!("{prefix}{}\n", words.join(" ")).as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.iter().position(|&byte| byte == b'\n');
    let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(Answer { is_ok: &answer[..end] == b"ok", body: answer.split_off(end + 1) })
}
