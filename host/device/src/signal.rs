//! Signals as something to read: SIGHUP, SIGTERM and SIGINT, and for a screen SIGWINCH.

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
    /// SIGWINCH: the terminal has another size.
    Resize,
}

pub struct Signals {
    fd: OwnedFd,
    set: libc::sigset_t,
    /// Whether the program goes on when this goes.
    is_for_a_while: bool,
}

impl Signals {
    /// Those of a daemon. A file that may not grow is an error of its write, and not its end.
    pub fn open() -> io::Result<Signals> {
        // SAFETY: it changes what the process does at a signal, and no memory.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        Signals::of(&[libc::SIGHUP, libc::SIGTERM, libc::SIGINT], false)
    }

    /// Those of a program that holds a terminal.
    pub fn open_for_screen() -> io::Result<Signals> {
        Signals::of(&[libc::SIGHUP, libc::SIGTERM, libc::SIGINT, libc::SIGWINCH], true)
    }

    /// From here on these signals interrupt nothing: they wait to be read.
    fn of(signals: &[libc::c_int], is_for_a_while: bool) -> io::Result<Signals> {
        // SAFETY: sigemptyset makes a set of it before its use, and the descriptor that signalfd
        // returns is owned by nobody else.
        unsafe {
            let mut set: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&mut set);
            for &signal in signals {
                libc::sigaddset(&mut set, signal);
            }
            if libc::sigprocmask(libc::SIG_BLOCK, &set, ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            match libc::signalfd(-1, &set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) {
                -1 => Err(io::Error::last_os_error()),
                fd => Ok(Signals { fd: OwnedFd::from_raw_fd(fd), set, is_for_a_while }),
            }
        }
    }

    /// Reads the one that epoll reported.
    pub fn read(&self) -> io::Result<Signal> {
        let mut info = [0; size_of::<libc::signalfd_siginfo>()];
        rustix::io::read(&self.fd, &mut info)?;
        // ssi_signo comes first.
        let number = i32::from_ne_bytes([info[0], info[1], info[2], info[3]]);
        Ok(match number {
            libc::SIGHUP => Signal::Reload,
            libc::SIGWINCH => Signal::Resize,
            _ => Signal::Stop,
        })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        if self.is_for_a_while {
            // SAFETY: the set is the one that was blocked. An error leaves the signals blocked.
            unsafe { libc::sigprocmask(libc::SIG_UNBLOCK, &self.set, ptr::null_mut()) };
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
