//! The stream to strongSwan's vici socket. What it carries is the engine's affair.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv,
    send, socket_with,
};

use crate::poll::{EventFlags, Poll};

/// More than this waits only when charon no longer reads.
const MAX_UNSENT_BYTES: usize = 1 << 20;

/// Closed, or open with bytes that wait to be written.
pub struct Vici {
    token: u64,
    stream: Option<Stream>,
}

struct Stream {
    fd: OwnedFd,
    unsent: Vec<u8>,
}

impl Vici {
    pub fn new(token: u64) -> Vici {
        Vici { token, stream: None }
    }

    /// Connects at once or fails: a Unix socket never lets a connection hang.
    pub fn connect(&mut self, path: &[u8], poll: &Poll) -> io::Result<()> {
        self.close();
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&fd, &SocketAddrUnix::new(path)?)?;
        poll.add(&fd, self.token, EventFlags::IN)?;
        self.stream = Some(Stream { fd, unsent: Vec::new() });
        Ok(())
    }

    pub fn close(&mut self) {
        self.stream = None;
    }

    /// Writes after what waits. An error means that the stream is closed.
    pub fn send(&mut self, bytes: &[u8], poll: &Poll) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        if stream.unsent.len() + bytes.len() > MAX_UNSENT_BYTES {
            self.close();
            return Err(Errno::NOBUFS.into());
        }
        stream.unsent.extend(bytes);
        self.flush(poll)
    }

    /// Writes what waits, as far as charon takes it.
    pub fn flush(&mut self, poll: &Poll) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let mut sent = 0;
        while sent < stream.unsent.len() {
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match send(&stream.fd, &stream.unsent[sent..], flags) {
                Ok(count) => sent += count,
                Err(Errno::AGAIN) => break,
                Err(error) => {
                    self.close();
                    return Err(error.into());
                }
            }
        }
        stream.unsent.drain(..sent);
        let waits = if stream.unsent.is_empty() { EventFlags::empty() } else { EventFlags::OUT };
        poll.modify(stream.fd.as_fd(), self.token, EventFlags::IN | waits)
    }

    /// Reads what is there. None: nothing yet. An error means that the stream is closed; the
    /// one for an orderly end has no number.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(stream) = &self.stream else {
            return Ok(None);
        };
        match recv(&stream.fd, buffer, RecvFlags::DONTWAIT) {
            Ok((length, _)) if length > 0 => Ok(Some(length)),
            Err(Errno::AGAIN) => Ok(None),
            Ok(_) => {
                self.close();
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Err(error) => {
                self.close();
                Err(error.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixListener;
    use std::time::{Duration, Instant};

    #[test]
    fn a_full_pipe_waits_and_a_stuck_one_closes() {
        let path = std::env::temp_dir().join(format!("rekeyd-vici-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let poll = Poll::new().unwrap();
        let mut vici = Vici::new(1);
        let name = path.to_str().unwrap().as_bytes();
        assert!(vici.connect(b"/nowhere/at/all", &poll).is_err());
        assert!(vici.connect(&[b'x'; 200], &poll).is_err());

        vici.connect(name, &poll).unwrap();
        let (mut charon, _) = listener.accept().unwrap();
        let sent: Vec<u8> = (0..900_000u32).map(|i| i as u8).collect();
        vici.send(&sent, &poll).unwrap();
        assert!(!vici.stream.as_ref().unwrap().unsent.is_empty());
        let mut read = vec![0; sent.len()];
        let mut at = 0;
        while at < read.len() {
            at += charon.read(&mut read[at..]).unwrap();
            vici.flush(&poll).unwrap();
        }
        assert!(read == sent);

        let error = vici.send(&vec![0; MAX_UNSENT_BYTES + 1], &poll).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS));
        assert!(vici.stream.is_none());

        vici.connect(name, &poll).unwrap();
        assert_eq!(vici.receive(&mut [0; 10]).unwrap(), None);
        drop(listener);
        // A test beside this one may be starting a program, which holds a copy until it runs.
        let begin = Instant::now();
        while vici.receive(&mut [0; 10]).is_ok() {
            assert!(begin.elapsed() < Duration::from_secs(5));
        }
        assert!(vici.stream.is_none());
        std::fs::remove_file(&path).unwrap();
    }
}
