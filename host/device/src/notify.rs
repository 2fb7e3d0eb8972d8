//! What the service manager that started the daemon is told (sd_notify(3)): a datagram to the
//! socket that NOTIFY_SOCKET names. Without one nobody is told anything.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::clock::{self, NEVER};

/// The manager is told that the daemon lives whenever that is a good time, from the first part of
/// its patience on, and at the latest at the second: then the timer wakes the daemon for it.
const EARLY: i64 = 4;
const LATE: i64 = 2;

#[derive(Default)]
pub struct Notify {
    socket: Option<UnixDatagram>,
    /// How long the manager waits for a sign of life; None: it does not.
    patience_ms: Option<i64>,
    alive_at_ms: i64,
}

impl Notify {
    /// What the environment says. To be called before the daemon gives up its rights.
    pub fn open() -> io::Result<Notify> {
        let Some(name) = env::var_os("NOTIFY_SOCKET") else {
            return Ok(Notify::default());
        };
        let number = |name| env::var(name).ok().and_then(|text| text.parse::<i64>().ok());
        let is_for_us = number("WATCHDOG_PID").is_none_or(|id| id == std::process::id().into());
        let patience_us = number("WATCHDOG_USEC").filter(|_| is_for_us);
        Notify::to(name.as_bytes(), patience_us.map(|us| us / 1000).filter(|&ms| ms > 0))
    }

    fn to(name: &[u8], patience_ms: Option<i64>) -> io::Result<Notify> {
        let address = match name {
            [b'@', abstract_name @ ..] => SocketAddr::from_abstract_name(abstract_name)?,
            path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A manager that does not read holds nobody up.
        socket.set_nonblocking(true)?;
        Ok(Notify { socket: Some(socket), patience_ms, ..Notify::default() })
    }

    /// The configuration is in force; `status` is the line that `systemctl status` shows.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// The configuration is about to be read again; `ready` ends that.
    pub fn reloading(&self) {
        let now_us = clock::now_ms() * 1000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={now_us}"));
    }

    pub fn stopping(&self, status: &str) {
        self.tell(&format!("STOPPING=1\nSTATUS={}", one_line(status)));
    }

    /// When the daemon must have said that it lives.
    pub fn deadline_ms(&self) -> i64 {
        self.patience_ms.map_or(NEVER, |patience_ms| self.alive_at_ms + patience_ms / LATE)
    }

    /// The loop goes round: says so, if it is time.
    pub fn alive(&mut self, now_ms: i64) {
        if self.patience_ms.is_some_and(|ms| now_ms >= self.alive_at_ms + ms / EARLY) {
            self.alive_at_ms = now_ms;
            self.tell("WATCHDOG=1");
        }
    }

    /// An error is nobody's who could mend it: the manager has its own time limits.
    fn tell(&self, text: &str) {
        if let Some(socket) = &self.socket {
            let _ = socket.send(text.as_bytes());
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn manager(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 1000];
        let length = socket.recv(&mut bytes).unwrap_or(0);
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    fn bind(address: &SocketAddr) -> UnixDatagram {
        let socket = UnixDatagram::bind_addr(address).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("rekeyd-notify-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_manager_is_told_by_either_kind_of_name() {
        let path = path("kinds");
        let abstract_name = format!("rekeyd-notify-{}", std::process::id());
        let named = bind(&SocketAddr::from_pathname(&path).unwrap());
        let unnamed = bind(&SocketAddr::from_abstract_name(&abstract_name).unwrap());
        let at = format!("@{abstract_name}");
        for (socket, name) in [(named, path.as_os_str().as_bytes()), (unnamed, at.as_bytes())] {
            let mut notify = Notify::to(name, None).unwrap();
            notify.ready("2 VPNs\nX=1");
            assert_eq!(manager(&socket), "READY=1\nSTATUS=2 VPNs X=1");
            notify.reloading();
            let told = manager(&socket);
            assert!(told.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{told}");
            notify.stopping("so");
            assert_eq!(manager(&socket), "STOPPING=1\nSTATUS=so");
            assert_eq!(notify.deadline_ms(), NEVER);
            notify.alive(NEVER);
            assert_eq!(manager(&socket), "");
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn signs_of_life_come_with_other_work_or_in_time() {
        let path = path("watchdog");
        let socket = bind(&SocketAddr::from_pathname(&path).unwrap());
        let mut notify = Notify::to(path.as_os_str().as_bytes(), Some(60_000)).unwrap();
        let begin_ms = 1_000_000;
        notify.alive(begin_ms);
        assert_eq!(manager(&socket), "WATCHDOG=1");
        assert_eq!(notify.deadline_ms(), begin_ms + 30_000);
        notify.alive(begin_ms + 14_999);
        assert_eq!(manager(&socket), "");
        notify.alive(begin_ms + 15_000);
        assert_eq!(manager(&socket), "WATCHDOG=1");
        assert_eq!(notify.deadline_ms(), begin_ms + 45_000);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_manager_that_sleeps_or_is_gone_holds_nobody_up() {
        let path = path("asleep");
        let socket = bind(&SocketAddr::from_pathname(&path).unwrap());
        let notify = Notify::to(path.as_os_str().as_bytes(), None).unwrap();
        (0..1000).for_each(|_| notify.ready(""));
        drop(socket);
        notify.ready("");
        std::fs::remove_file(&path).unwrap();
        assert!(Notify::to(path.as_os_str().as_bytes(), None).is_err());
        assert!(Notify::to(b"", None).is_err());
    }
}
