//! One output of the log. One that nobody reads, or that is full, never stops the daemon.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cli::LogTarget;

/// LOG_DAEMON of RFC 5424, already shifted.
const FACILITY: u32 = 3 << 3;
const SYSLOG_SOCKET: &str = "/dev/log";
const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";
/// A pipe that poll(2) calls writable takes this much (PIPE_BUF) without blocking.
const MAX_LINE_BYTES: usize = 4096;

/// What an output takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// A line for people.
    Line,
    /// The same, behind the header of RFC 3164 that local loggers read.
    Syslog,
    /// A document on a line.
    Json,
    /// A datagram of the journal's native protocol.
    Fields,
}

pub enum Output {
    Stream { file: File, form: Form },
    Socket { socket: UnixDatagram, path: &'static str, form: Form, process_id: u32 },
}

impl Output {
    pub fn open(target: &LogTarget) -> io::Result<Output> {
        match target {
            LogTarget::Stderr => {
                let file = io::stderr().as_fd().try_clone_to_owned()?.into();
                Ok(Output::Stream { file, form: Form::Line })
            }
            LogTarget::File(path) => Output::file(path, Form::Line),
            LogTarget::Json(path) => Output::file(path, Form::Json),
            LogTarget::Syslog => Output::socket(SYSLOG_SOCKET, Form::Syslog),
            LogTarget::Journald => Output::socket(JOURNAL_SOCKET, Form::Fields),
        }
    }

    fn file(path: &Path, form: Form) -> io::Result<Output> {
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path);
        let file = file.map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        Ok(Output::Stream { file, form })
    }

    /// Nobody need listen yet.
    fn socket(path: &'static str, form: Form) -> io::Result<Output> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        // Asked here: the filter of system calls lets nobody ask later.
        Ok(Output::Socket { socket, path, form, process_id: std::process::id() })
    }

    pub fn form(&self) -> Form {
        match self {
            Output::Stream { form, .. } | Output::Socket { form, .. } => *form,
        }
    }

    /// Writes what has the output's form, or fails at once.
    pub fn write(&mut self, severity: u32, bytes: &[u8]) -> io::Result<()> {
        match self {
            Output::Stream { file, form: Form::Json } => write_to(file, bytes),
            Output::Stream { file, .. } => {
                let mut line = String::with_capacity(bytes.len() + 1);
                push_printable(&mut line, bytes, MAX_LINE_BYTES - 1);
                line.push('\n');
                write_to(file, line.as_bytes())
            }
            Output::Socket { socket, path, form: Form::Syslog, process_id } => {
                let mut line = String::with_capacity(bytes.len() + 32);
                let priority = FACILITY | severity.min(7);
                let _ = write!(line, "<{priority}>rekeyd[{process_id}]: ");
                push_printable(&mut line, bytes, MAX_LINE_BYTES);
                send(socket, path, line.as_bytes())
            }
            Output::Socket { socket, path, .. } => send(socket, path, bytes),
        }
    }
}

fn write_to(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    if !writable(file)? {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    file.write_all(bytes)
}

fn send(socket: &UnixDatagram, path: &str, bytes: &[u8]) -> io::Result<()> {
    match socket.send(bytes) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
        // The first line, or the logger was restarted.
        Err(_) => {
            socket.connect(path)?;
            socket.send(bytes).map(|_| ())
        }
    }
}

/// Adds the text as ASCII: names in it may come from a stranger.
fn push_printable(line: &mut String, text: &[u8], limit: usize) {
    let room = limit.saturating_sub(line.len());
    line.extend(text.iter().take(room).map(|&byte| match byte {
        b' '..=b'~' => byte as char,
        _ => '?',
    }));
}

fn writable(file: &File) -> io::Result<bool> {
    let mut fds = [PollFd::new(file, PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    Ok(fds[0].revents().contains(PollFlags::OUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_long_lines_are_tamed() {
        let mut line = String::new();
        push_printable(&mut line, b"VPN 'a\x1b[2J\n\xff' is up", 100);
        assert_eq!(line, "VPN 'a?[2J??' is up");
        line.clear();
        push_printable(&mut line, &[b'x'; 5000], MAX_LINE_BYTES);
        assert_eq!(line.len(), MAX_LINE_BYTES);
    }

    #[test]
    fn a_logger_that_hangs_or_is_not_there_holds_up_nothing() {
        let name = format!("rekeyd-output-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        // It lives as long as the tests do.
        let name: &'static str = path.to_str().unwrap().to_string().leak();
        let mut output = Output::socket(name, Form::Syslog).unwrap();
        assert!(output.write(6, b"nobody listens").is_err());
        let logger = UnixDatagram::bind(&path).unwrap();
        let mut sent = 0;
        while output.write(6, b"a line").is_ok() {
            sent += 1;
            assert!(sent < 100_000);
        }
        let mut line = [0; 100];
        let length = logger.recv(&mut line).unwrap();
        let expected = format!("<30>rekeyd[{}]: a line", std::process::id());
        assert_eq!(&line[..length], expected.as_bytes());
        assert!(output.write(3, b"there is room again").is_ok());
        // Another logger takes its place.
        drop(logger);
        assert!(output.write(6, b"lost").is_err());
        std::fs::remove_file(&path).unwrap();
        let logger = UnixDatagram::bind(&path).unwrap();
        output.write(2, b"found again").unwrap();
        let length = logger.recv(&mut line).unwrap();
        assert!(line[..length].starts_with(b"<26>rekeyd["));
        std::fs::remove_file(&path).unwrap();
    }
}
