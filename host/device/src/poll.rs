//! epoll, level-triggered.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::control::MAX_CLIENTS;

pub use rustix::event::epoll::EventFlags;

/// More than there are, so that nothing that is ready stands behind others.
const MAX_EVENTS: usize = MAX_CLIENTS + 32;

pub struct Poll {
    fd: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poll {
    pub fn new() -> io::Result<Poll> {
        let fd = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Poll { fd, events: Vec::with_capacity(MAX_EVENTS) })
    }

    pub fn add(&self, fd: impl AsFd, token: u64, interest: EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.fd, fd, epoll::EventData::new_u64(token), interest)?)
    }

    pub fn modify(&self, fd: impl AsFd, token: u64, interest: EventFlags) -> io::Result<()> {
        Ok(epoll::modify(&self.fd, fd, epoll::EventData::new_u64(token), interest)?)
    }

    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.fd, fd)?)
    }

    /// Waits until something happens, or only looks. Tokens come in ascending order.
    pub fn wait(&mut self, ready: &mut Vec<(u64, EventFlags)>, only_look: bool) -> io::Result<()> {
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        let timeout = only_look.then_some(&AT_ONCE);
        self.events.clear();
        match epoll::wait(&self.fd, spare_capacity(&mut self.events), timeout) {
            Err(rustix::io::Errno::INTR) => (),
            result => drop(result?),
        }
        ready.clear();
        ready.extend(self.events.iter().map(|event| (event.data.u64(), event.flags)));
        ready.sort_unstable_by_key(|&(token, _)| token);
        Ok(())
    }
}
