//! The kernel's news of links, addresses and routes: bytes to and from the engine.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recvfrom, sendto,
    socket_with, sockopt,
};

// RTMGRP_* of linux/rtnetlink.h.
const LINKS: u32 = 0x1;
const IPV4_ADDRESSES: u32 = 0x10;
const IPV4_ROUTES: u32 = 0x40;
const IPV6_ADDRESSES: u32 = 0x100;
const IPV6_ROUTES: u32 = 0x400;
const GROUPS: u32 = LINKS | IPV4_ADDRESSES | IPV4_ROUTES | IPV6_ADDRESSES | IPV6_ROUTES;

/// A burst of routes should not cost a new dump.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;

pub struct Netlink {
    fd: OwnedFd,
}

impl Netlink {
    pub fn open() -> io::Result<Netlink> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        // NETLINK_ROUTE is protocol 0.
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        sockopt::set_socket_recv_buffer_size(&fd, RECEIVE_BUFFER_BYTES)?;
        bind(&fd, &SocketAddrNetlink::new(0, GROUPS))?;
        Ok(Netlink { fd })
    }

    /// Reads one datagram. None: not from the kernel, to be ignored.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let (length, _, sender) = recvfrom(&self.fd, buffer, RecvFlags::DONTWAIT)?;
        let sender = sender.and_then(|sender| SocketAddrNetlink::try_from(sender).ok());
        Ok(sender.is_some_and(|sender| sender.pid() == 0).then_some(length))
    }

    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        sendto(&self.fd, bytes, SendFlags::DONTWAIT, &SocketAddrNetlink::new(0, 0))?;
        Ok(())
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
