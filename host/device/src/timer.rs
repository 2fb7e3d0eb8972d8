//! One timerfd, set to the next deadline.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::clock::NEVER;

/// To be watched edge-triggered: setting it again is all that an expiry needs.
pub struct Timer {
    fd: OwnedFd,
    at_ms: i64,
}

impl Timer {
    pub fn new() -> io::Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Timer { fd: timerfd_create(TimerfdClockId::Monotonic, flags)?, at_ms: NEVER })
    }

    /// Sets it to a time of CLOCK_MONOTONIC; what has passed is due at once.
    pub fn set(&mut self, at_ms: i64) -> io::Result<()> {
        if at_ms != self.at_ms {
            // Zero would disarm it, which is what NEVER wants.
            let value_ms = if at_ms == NEVER { 0 } else { at_ms.max(1) };
            let it_value =
                Timespec { tv_sec: value_ms / 1000, tv_nsec: value_ms % 1000 * 1_000_000 };
            let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
            let value = Itimerspec { it_interval, it_value };
            timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &value)?;
            self.at_ms = at_ms;
        }
        Ok(())
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::poll::{EventFlags, Poll};

    #[test]
    fn it_fires_once_for_each_time_it_is_set() {
        let mut timer = Timer::new().unwrap();
        let mut poll = Poll::new().unwrap();
        poll.add(&timer, 1, EventFlags::IN | EventFlags::ET).unwrap();
        let mut ready = Vec::new();
        for _ in 0..3 {
            let at_ms = clock::now_ms() + 20;
            timer.set(at_ms).unwrap();
            poll.wait(&mut ready, true).unwrap();
            assert!(ready.is_empty());
            poll.wait(&mut ready, false).unwrap();
            assert_eq!(ready.len(), 1);
            assert!((at_ms..at_ms + 1000).contains(&clock::now_ms()));
            poll.wait(&mut ready, true).unwrap();
            assert!(ready.is_empty());
        }
        timer.set(NEVER).unwrap();
        timer.set(i64::MIN).unwrap();
        poll.wait(&mut ready, true).unwrap();
        assert_eq!(ready.len(), 1);
    }
}
