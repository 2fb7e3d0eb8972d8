//! The two sockets of netlink that an engine has. A fresh engine gets fresh ones: no answer to the
//! one before is on its way in them.

use std::io;

use crate::abi::Input;
use crate::netlink::Netlink;
use crate::poll::{EventFlags, Poll};

#[derive(Default)]
pub struct Kernel {
    routing: Option<Netlink>,
    ipsec: Option<Netlink>,
}

impl Kernel {
    /// Opens both, and answers what the engine is to be told: a kernel may have no IPsec.
    pub fn open(&mut self, poll: &Poll, routing: u64, ipsec: u64) -> io::Result<Input> {
        let socket = Netlink::routing()?;
        poll.add(&socket, routing, EventFlags::IN)?;
        self.routing = Some(socket);
        self.ipsec = None;
        let errno = match Netlink::ipsec() {
            Ok(socket) => {
                poll.add(&socket, ipsec, EventFlags::IN)?;
                self.ipsec = Some(socket);
                0
            }
            Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
        };
        Ok(Input::XfrmOpened { errno })
    }

    /// Closes both.
    pub fn close(&mut self) {
        *self = Kernel::default();
    }

    /// Reads what the routing socket has.
    pub fn receive_routing(&self, buffer: &mut [u8]) -> Option<Input> {
        match self.routing.as_ref()?.receive(buffer) {
            Ok(len) => len.map(|len| Input::Network { len }),
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Some(Input::NetworkLost),
            Err(_) => None,
        }
    }

    /// Reads what the other one has. What is lost is asked for again.
    pub fn receive_ipsec(&self, buffer: &mut [u8]) -> Option<Input> {
        let len = self.ipsec.as_ref()?.receive(buffer).ok()?;
        len.map(|len| Input::Xfrm { len })
    }

    pub fn send_routing(&self, bytes: &[u8]) -> io::Result<()> {
        self.routing.as_ref().map_or(Ok(()), |socket| socket.send(bytes))
    }

    /// What could not be sent is not answered, and the engine asks again.
    pub fn send_ipsec(&self, bytes: &[u8]) {
        if let Some(socket) = &self.ipsec {
            let _ = socket.send(bytes);
        }
    }
}
