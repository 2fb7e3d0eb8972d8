//! Where log lines go. A log that nobody reads, or that is full, never stops the daemon.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cli::LogTarget;
use crate::clock;

/// Severities of RFC 5424, as the engine's LOG action carries them.
pub const CRITICAL: u32 = 2;
pub const ERROR: u32 = 3;
pub const NOTICE: u32 = 5;

/// LOG_DAEMON of RFC 5424, already shifted.
const FACILITY: u32 = 3 << 3;
const SYSLOG_SOCKET: &str = "/dev/log";
/// A pipe that poll(2) calls writable takes this much (PIPE_BUF) without blocking.
const MAX_LINE_BYTES: usize = 4096;

pub struct Log {
    sink: Sink,
    lost: u64,
}

enum Sink {
    Stream(File),
    Syslog { socket: UnixDatagram, pid: u32 },
}

impl Log {
    pub fn open(target: &LogTarget) -> io::Result<Log> {
        let sink = match target {
            LogTarget::Stderr => Sink::Stream(io::stderr().as_fd().try_clone_to_owned()?.into()),
            LogTarget::File(path) => {
                Sink::Stream(OpenOptions::new().append(true).create(true).mode(0o640).open(path)?)
            }
            LogTarget::Syslog => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                Sink::Syslog { socket, pid: std::process::id() }
            }
        };
        Ok(Log { sink, lost: 0 })
    }

    /// Logs a line of the host's own. Syslog adds name and time itself; elsewhere they stand as in
    /// the engine's events.
    pub fn note(&mut self, severity: u32, text: &str) {
        if let Sink::Syslog { .. } = self.sink {
            return self.write(severity, text.as_bytes());
        }
        let time = clock::local_time();
        let line = format!(
            "rekeyd: {text} ({:04}-{:02}-{:02} {:02}:{:02}:{:02})",
            time.tm_year + 1900,
            time.tm_mon + 1,
            time.tm_mday,
            time.tm_hour,
            time.tm_min,
            time.tm_sec
        );
        self.write(severity, line.as_bytes());
    }

    /// Logs a line as it is.
    pub fn write(&mut self, severity: u32, text: &[u8]) {
        if self.lost > 0 {
            let notice = format!("{} log lines were lost", self.lost);
            if self.sink.write(NOTICE, notice.as_bytes()).is_ok() {
                self.lost = 0;
            }
        }
        if self.sink.write(severity, text).is_err() {
            self.lost += 1;
        }
    }
}

impl Sink {
    fn write(&mut self, severity: u32, text: &[u8]) -> io::Result<()> {
        let mut line = String::with_capacity(text.len() + 32);
        match self {
            Sink::Stream(file) => {
                push_printable(&mut line, text, MAX_LINE_BYTES - 1);
                line.push('\n');
                if !writable(file)? {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                file.write_all(line.as_bytes())
            }
            Sink::Syslog { socket, pid } => {
                let priority = FACILITY | severity.min(7);
                let _ = write!(line, "<{priority}>rekeyd[{pid}]: ");
                push_printable(&mut line, text, MAX_LINE_BYTES);
                if socket.send(line.as_bytes()).is_ok() {
                    return Ok(());
                }
                // The first line, or the logger was restarted.
                socket.connect(SYSLOG_SOCKET)?;
                socket.send(line.as_bytes()).map(|_| ())
            }
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
    use std::io::Read;
    use std::os::unix::net::UnixStream;

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
    fn a_reader_that_sleeps_costs_lines_and_no_time() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let sink = Sink::Stream(File::from(std::os::fd::OwnedFd::from(ours)));
        let mut log = Log { sink, lost: 0 };
        while log.lost == 0 {
            log.write(NOTICE, &[b'x'; 4000]);
        }
        theirs.set_nonblocking(true).unwrap();
        let mut read = Vec::new();
        let _ = theirs.read_to_end(&mut read);
        log.write(NOTICE, b"awake");
        assert_eq!(log.lost, 0);
        read.clear();
        let _ = theirs.read_to_end(&mut read);
        assert_eq!(read, b"1 log lines were lost\nawake\n");
    }
}
