//! SIGHUP, SIGTERM and SIGINT, as something to read.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

#[derive(Debug, PartialEq)]
pub enum Signal {
    /// SIGHUP: read the configuration again.
    Reload,
    /// SIGTERM, SIGINT.
    Stop,
}

pub struct Signals {
    fd: OwnedFd,
}

impl Signals {
    /// From here on these signals interrupt nothing: they wait to be read.
    pub fn open() -> io::Result<Signals> {
        // SAFETY: sigemptyset makes a set of it before its use, and the descriptor that signalfd
        // returns is owned by nobody else.
        unsafe {
            let mut set: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&mut set);
            for signal in [libc::SIGHUP, libc::SIGTERM, libc::SIGINT] {
                libc::sigaddset(&mut set, signal);
            }
            // A file that may not grow is an error of its write, and not the daemon's end.
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            if libc::sigprocmask(libc::SIG_BLOCK, &set, ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            match libc::signalfd(-1, &set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) {
                -1 => Err(io::Error::last_os_error()),
                fd => Ok(Signals { fd: OwnedFd::from_raw_fd(fd) }),
            }
        }
    }

    /// Reads the one that epoll reported.
    pub fn read(&self) -> io::Result<Signal> {
        let mut info = [0; size_of::<libc::signalfd_siginfo>()];
        rustix::io::read(&self.fd, &mut info)?;
        // ssi_signo comes first.
        let number = i32::from_ne_bytes([info[0], info[1], info[2], info[3]]);
        Ok(if number == libc::SIGHUP { Signal::Reload } else { Signal::Stop })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
