//! The kernel's sockets of netlink: bytes to and from the engine.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recvfrom, sendto,
    socket_with, sockopt,
};

// RTMGRP_* of linux/rtnetlink.h.
const LINKS: u32 = 0x1;
const IPV4_ADDRESSES: u32 = 0x10;
const IPV4_ROUTES: u32 = 0x40;
const IPV4_RULES: u32 = 0x80;
const IPV6_ADDRESSES: u32 = 0x100;
const IPV6_ROUTES: u32 = 0x400;
/// RTNLGRP_IPV6_RULE is group 19, of which RTMGRP_* has no name.
const IPV6_RULES: u32 = 1 << 18;
const IPV4: u32 = IPV4_ADDRESSES | IPV4_ROUTES | IPV4_RULES;
const IPV6: u32 = IPV6_ADDRESSES | IPV6_ROUTES | IPV6_RULES;
const GROUPS: u32 = LINKS | IPV4 | IPV6;

/// A burst of routes should not cost a new dump.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;

pub struct Netlink {
    fd: OwnedFd,
}

impl Netlink {
    /// Tells of links, addresses, routes and rules. NETLINK_ROUTE is protocol 0.
    pub fn routing() -> io::Result<Netlink> {
        let netlink = Netlink::open(None, GROUPS)?;
        netlink.dump_what_is_asked_for();
        Ok(netlink)
    }

    /// Tells of SAs, if it is asked (NETLINK_XFRM): nothing comes of itself.
    pub fn ipsec() -> io::Result<Netlink> {
        Netlink::open(Some(netlink::XFRM), 0)
    }

    fn open(protocol: Option<Protocol>, groups: u32) -> io::Result<Netlink> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
        sockopt::set_socket_recv_buffer_size(&fd, RECEIVE_BUFFER_BYTES)?;
        bind(&fd, &SocketAddrNetlink::new(0, groups))?;
        Ok(Netlink { fd })
    }

    /// Reads one datagram. None: not from the kernel, to be ignored.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let (length, _, sender) = recvfrom(&self.fd, buffer, RecvFlags::DONTWAIT)?;
        let sender = sender.and_then(|sender| SocketAddrNetlink::try_from(sender).ok());
        Ok(sender.is_some_and(|sender| sender.pid() == 0).then_some(length))
    }

    /// The kernel leaves out of a dump what the request does not ask for: of a million routes those
    /// that are rekeyd's. Before Linux 4.20 it tells all.
    fn dump_what_is_asked_for(&self) {
        let on: libc::c_int = 1;
        // SAFETY: the option is an int, which outlives the call.
        unsafe {
            libc::setsockopt(
                self.fd.as_raw_fd(),
                libc::SOL_NETLINK,
                libc::NETLINK_GET_STRICT_CHK,
                (&raw const on).cast(),
                size_of_val(&on) as libc::socklen_t,
            );
        }
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
