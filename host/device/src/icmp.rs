//! Raw ICMP and ICMPv6 sockets: echoes leave from the engine's memory and replies arrive in it.

use std::io;
use std::iter;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

use crate::confine::calls;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, socket_with, sockopt};

use crate::abi::{BATCH, SLOT_BYTES};
use crate::filter;
use crate::poll::{EventFlags, Poll};
use crate::random;

/// The kernel carries this mark on each of our packets to the guard. The priority and not the
/// fwmark, which would steer policy routing.
pub const PRIORITY: u32 = 0x7265_6b79;

/// Room for the bursts of 100,000 VPNs.
const SOCKET_BUFFER_BYTES: usize = 4 << 20;

// A slot: see assembly/icmp/slot.ts.
const LENGTH: usize = 4;
const INTERFACE: usize = 8;
const DESTINATION: usize = 16;
const SOURCE: usize = 32;
const MESSAGE: usize = 64;
const MAX_MESSAGE_BYTES: usize = SLOT_BYTES - MESSAGE;
/// Received slots carry the sender where sent ones carry the destination.
const SENDER: usize = DESTINATION;

/// The sockets of both versions of IP.
pub struct Icmp {
    identifier: u16,
    v4: IcmpSocket,
    /// None where the kernel has no IPv6.
    v6: Option<IcmpSocket>,
    /// Without the priority that the guard looks for. They send only: a reply comes in above.
    clear_v4: IcmpSocket,
    clear_v6: Option<IcmpSocket>,
}

impl Icmp {
    /// Opens the sockets; of all ICMP they receive only the replies to echoes of one random
    /// identifier, and peers' announcements.
    pub fn open() -> io::Result<Icmp> {
        let identifier = random::identifier()?;
        let v4 = IcmpSocket::open(4, identifier)?;
        let v6 = IcmpSocket::open_v6(|| IcmpSocket::open(6, identifier))?;
        let clear_v4 = IcmpSocket::open_clear(4)?;
        let clear_v6 = IcmpSocket::open_v6(|| IcmpSocket::open_clear(6))?;
        Ok(Icmp { identifier, v4, v6, clear_v4, clear_v6 })
    }

    pub fn has_v6(&self) -> bool {
        self.v6.is_some()
    }

    pub fn identifier(&self) -> u16 {
        self.identifier
    }

    /// Has epoll report replies, under one token for each version.
    pub fn listen(&self, poll: &Poll, tokens: [u64; 2]) -> io::Result<()> {
        self.sockets()
            .zip(tokens)
            .try_for_each(|(socket, token)| poll.add(&socket.fd, token, EventFlags::IN))
    }

    pub fn ignore(&self, poll: &Poll) -> io::Result<()> {
        self.sockets().try_for_each(|socket| poll.remove(&socket.fd))
    }

    fn sockets(&self) -> impl Iterator<Item = &IcmpSocket> {
        iter::once(&self.v4).chain(&self.v6)
    }

    fn socket(&self, version: u32) -> Option<&IcmpSocket> {
        if version == 4 { Some(&self.v4) } else { self.v6.as_ref() }
    }

    /// Fills receive slots; returns how many.
    pub fn receive(&self, version: u32, slots: &mut [u8]) -> usize {
        self.socket(version).map_or(0, |socket| socket.receive(slots))
    }

    /// Sends the slots' echoes: guarded, or past the guard. Of those the engine looks at who
    /// answers, and at nothing else.
    pub fn send_echoes(
        &self,
        version: u32,
        is_guarded: bool,
        slots: &[u8],
        refused: impl FnMut(usize, io::Error),
    ) {
        let clear = if version == 4 { Some(&self.clear_v4) } else { self.clear_v6.as_ref() };
        match clear {
            _ if is_guarded => self.send(version, slots, refused),
            Some(socket) => socket.send(slots, |_, _| ()),
            None => (),
        }
    }

    /// Sends the slots' echoes; `refused` hears of each one that the kernel did not take.
    pub fn send(&self, version: u32, slots: &[u8], mut refused: impl FnMut(usize, io::Error)) {
        match self.socket(version) {
            Some(socket) => socket.send(slots, refused),
            None => (0..slots.len() / SLOT_BYTES)
                .for_each(|index| refused(index, Errno::AFNOSUPPORT.into())),
        }
    }
}

struct IcmpSocket {
    fd: OwnedFd,
    version: u32,
}

impl IcmpSocket {
    fn open(version: u32, identifier: u16) -> io::Result<IcmpSocket> {
        let program = match version {
            4 => filter::for_us_v4(identifier),
            _ => filter::for_us_v6(identifier),
        };
        let socket = IcmpSocket::open_filtered(version, &program)?;
        let fd = &socket.fd;
        set_priority(fd.as_fd())?;
        set_hops(fd.as_fd(), version)?;
        // Without CAP_NET_ADMIN the system's limit has to do.
        if sockopt::set_socket_recv_buffer_size_force(fd, SOCKET_BUFFER_BYTES).is_err() {
            sockopt::set_socket_recv_buffer_size(fd, SOCKET_BUFFER_BYTES)?;
        }
        sockopt::set_socket_send_buffer_size(fd, SOCKET_BUFFER_BYTES)?;
        Ok(socket)
    }

    fn open_clear(version: u32) -> io::Result<IcmpSocket> {
        IcmpSocket::open_filtered(version, &filter::nothing())
    }

    fn open_filtered(version: u32, program: &filter::Program) -> io::Result<IcmpSocket> {
        let (family, protocol) = match version {
            4 => (AddressFamily::INET, ipproto::ICMP),
            _ => (AddressFamily::INET6, ipproto::ICMPV6),
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd = socket_with(family, SocketType::RAW, flags, Some(protocol))?;
        filter::attach(fd.as_fd(), program)?;
        Ok(IcmpSocket { fd, version })
    }

    /// None where the kernel has no IPv6.
    fn open_v6(open: impl FnOnce() -> io::Result<IcmpSocket>) -> io::Result<Option<IcmpSocket>> {
        match open() {
            Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => Ok(None),
            result => result.map(Some),
        }
    }

    fn receive(&self, slots: &mut [u8]) -> usize {
        let mut batch = Batch::new();
        for (i, slot) in slots.chunks_exact_mut(SLOT_BYTES).take(BATCH).enumerate() {
            let message = &mut slot[MESSAGE..];
            batch.parts[i] =
                libc::iovec { iov_base: message.as_mut_ptr().cast(), iov_len: message.len() };
        }
        let headers = batch.headers(self.version, false);
        // SAFETY: each header points at its own part of `batch`, and through it at its own slot;
        // both outlive the call, and the kernel keeps nothing. Not libc's wrapper: musl's loops.
        let received = unsafe {
            libc::syscall(
                calls::RECVMMSG,
                self.fd.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len(),
                libc::MSG_DONTWAIT,
                ptr::null::<libc::timespec>(),
            )
        };
        // An error here is an empty queue, or one that reading it has cleared.
        let received = usize::try_from(received).unwrap_or(0);
        let lengths: Vec<u32> = headers[..received].iter().map(|header| header.msg_len).collect();
        for (i, slot) in slots.chunks_exact_mut(SLOT_BYTES).take(received).enumerate() {
            slot[LENGTH..LENGTH + 4].copy_from_slice(&lengths[i].to_le_bytes());
            slot[SENDER..SENDER + 16].copy_from_slice(&batch.address(i, self.version));
        }
        received
    }

    fn send(&self, slots: &[u8], mut refused: impl FnMut(usize, io::Error)) {
        let mut batch = Batch::new();
        let count = slots.len() / SLOT_BYTES;
        for (i, slot) in slots.chunks_exact(SLOT_BYTES).take(BATCH).enumerate() {
            batch.fill(i, self.version, slot);
        }
        let headers = &mut batch.headers(self.version, true)[..count.min(BATCH)];
        let mut next = 0;
        while next < headers.len() {
            // SAFETY: as in `receive`; the kernel only reads the slots.
            let sent = unsafe {
                libc::syscall(
                    libc::SYS_sendmmsg,
                    self.fd.as_raw_fd(),
                    headers[next..].as_mut_ptr(),
                    headers.len() - next,
                    libc::MSG_DONTWAIT,
                )
            };
            if sent > 0 {
                next += sent as usize;
            } else {
                // It stops at the first that is refused, whose error the next call tells.
                refused(next, io::Error::last_os_error());
                next += 1;
            }
        }
    }
}

fn set_priority(fd: BorrowedFd) -> io::Result<()> {
    let priority = PRIORITY as libc::c_int;
    // SAFETY: the option's value is an int, which lives through the call.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PRIORITY,
            (&raw const priority).cast(),
            size_of_val(&priority) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A peer takes an announcement only as it left here: no router on its way.
fn set_hops(fd: BorrowedFd, version: u32) -> io::Result<()> {
    match version {
        4 => sockopt::set_ip_ttl(fd, filter::MAX_HOPS.into())?,
        _ => sockopt::set_ipv6_unicast_hops(fd, Some(filter::MAX_HOPS))?,
    }
    Ok(())
}

/// Room for the largest of our control messages, an in6_pktinfo, aligned as its header.
type Control = [u64; 5];

/// What sendmmsg and recvmmsg want beside the bytes.
struct Batch {
    headers: [libc::mmsghdr; BATCH],
    parts: [libc::iovec; BATCH],
    addresses: [libc::sockaddr_in6; BATCH],
    controls: [Control; BATCH],
}

impl Batch {
    fn new() -> Batch {
        // SAFETY: all of it is plain data, for which zero is a value.
        unsafe { mem::zeroed() }
    }

    /// The headers, pointing at the rest of the batch as it stands now.
    fn headers(&mut self, version: u32, with_control: bool) -> &mut [libc::mmsghdr] {
        for i in 0..BATCH {
            let header = &mut self.headers[i].msg_hdr;
            header.msg_name = (&raw mut self.addresses[i]).cast();
            header.msg_namelen = address_bytes(version);
            header.msg_iov = &raw mut self.parts[i];
            header.msg_iovlen = 1;
            if with_control {
                header.msg_control = (&raw mut self.controls[i]).cast();
                header.msg_controllen = control_bytes(version) as _;
            }
        }
        &mut self.headers
    }

    fn fill(&mut self, i: usize, version: u32, slot: &[u8]) {
        let word = |at: usize| u32::from_le_bytes(slot[at..at + 4].try_into().unwrap());
        let address = |at: usize| <[u8; 16]>::try_from(&slot[at..at + 16]).unwrap();
        let length = (word(LENGTH) as usize).min(MAX_MESSAGE_BYTES);
        let message = &slot[MESSAGE..MESSAGE + length];
        self.parts[i] =
            libc::iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: length };
        self.set_destination(i, version, address(DESTINATION), word(INTERFACE));
        self.set_source(i, version, address(SOURCE), word(INTERFACE));
    }

    fn set_destination(&mut self, i: usize, version: u32, address: [u8; 16], interface: u32) {
        let room = &raw mut self.addresses[i];
        if version == 4 {
            let name = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: 0,
                sin_addr: in_addr(address),
                sin_zero: [0; 8],
            };
            // SAFETY: a sockaddr_in6 has room and alignment for a sockaddr_in.
            unsafe { room.cast::<libc::sockaddr_in>().write(name) };
        } else {
            self.addresses[i] = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: 0,
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: address },
                sin6_scope_id: interface,
            };
        }
    }

    /// One control message: the packet information, which chooses source and interface.
    fn set_source(&mut self, i: usize, version: u32, address: [u8; 16], interface: u32) {
        let control = (&raw mut self.controls[i]).cast::<libc::cmsghdr>();
        // SAFETY: Control has room for the header and the larger of both values (asserted below),
        // at the header's alignment; the value is written without any.
        unsafe {
            let data = libc::CMSG_DATA(control);
            if version == 4 {
                (*control).cmsg_level = libc::IPPROTO_IP;
                (*control).cmsg_type = libc::IP_PKTINFO;
                (*control).cmsg_len = libc::CMSG_LEN(size_of::<libc::in_pktinfo>() as u32) as _;
                data.cast::<libc::in_pktinfo>().write_unaligned(libc::in_pktinfo {
                    ipi_ifindex: interface as _,
                    ipi_spec_dst: in_addr(address),
                    ipi_addr: libc::in_addr { s_addr: 0 },
                });
            } else {
                (*control).cmsg_level = libc::IPPROTO_IPV6;
                (*control).cmsg_type = libc::IPV6_PKTINFO;
                (*control).cmsg_len = libc::CMSG_LEN(size_of::<libc::in6_pktinfo>() as u32) as _;
                data.cast::<libc::in6_pktinfo>().write_unaligned(libc::in6_pktinfo {
                    ipi6_addr: libc::in6_addr { s6_addr: address },
                    ipi6_ifindex: interface as _,
                });
            }
        }
    }

    /// Who sent what was received; an IPv4 address in IPv6's mapped form.
    fn address(&self, i: usize, version: u32) -> [u8; 16] {
        let address = &self.addresses[i];
        if version == 4 {
            // SAFETY: as in `set_destination`, and any bytes are a sockaddr_in.
            let name = unsafe { (&raw const *address).cast::<libc::sockaddr_in>().read() };
            let octets = name.sin_addr.s_addr.to_ne_bytes();
            Ipv4Addr::from(octets).to_ipv6_mapped().octets()
        } else {
            address.sin6_addr.s6_addr
        }
    }
}

const _: () = assert!(control_bytes(6) <= size_of::<Control>());
const _: () = assert!(align_of::<libc::cmsghdr>() <= align_of::<Control>());

const fn control_bytes(version: u32) -> usize {
    let value = match version {
        4 => size_of::<libc::in_pktinfo>(),
        _ => size_of::<libc::in6_pktinfo>(),
    };
    // SAFETY: it only computes.
    unsafe { libc::CMSG_SPACE(value as u32) as usize }
}

fn address_bytes(version: u32) -> libc::socklen_t {
    (match version {
        4 => size_of::<libc::sockaddr_in>(),
        _ => size_of::<libc::sockaddr_in6>(),
    }) as libc::socklen_t
}

fn in_addr(mapped: [u8; 16]) -> libc::in_addr {
    let address = Ipv6Addr::from(mapped).to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED);
    libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::process::Command;
    use std::thread;
    use std::time::{Duration, Instant};

    /// Runs in a thread with a network of its own; says so and does nothing where that takes
    /// rights that this user lacks.
    pub fn in_own_network(test: impl FnOnce() + Send + 'static) {
        let body = move || {
            // SAFETY: it only moves this thread into a new namespace.
            if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
                return eprintln!("not tested: {}", io::Error::last_os_error());
            }
            ip("link set lo up");
            test();
        };
        thread::spawn(body).join().unwrap();
    }

    pub fn ip(command: &str) {
        let status = Command::new("ip").args(command.split(' ')).status().unwrap();
        assert!(status.success(), "ip {command}");
    }

    /// Gives this network an address, and waits until packets come there: IPv6's are not reachable
    /// at once.
    pub fn add_address(address: &str) {
        ip(&format!("addr add {address} dev lo"));
        let begin = Instant::now();
        while UdpSocket::bind((address, 0)).and_then(|own| own.connect((address, 9))).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(5), "{address}");
        }
    }

    /// A send slot with an echo request whose kernel checksum does not matter (IPv6) or is right.
    pub fn echo(version: u32, identifier: u16, source: &str, destination: &str) -> Vec<u8> {
        let mut slot = vec![0; SLOT_BYTES];
        slot[LENGTH] = 64;
        slot[DESTINATION..][..16].copy_from_slice(&address(destination));
        slot[SOURCE..][..16].copy_from_slice(&address(source));
        let message = &mut slot[MESSAGE..];
        message[0] = if version == 4 { 8 } else { 128 };
        message[4..6].copy_from_slice(&identifier.to_be_bytes());
        let sum = (u32::from(message[0]) << 8) + u32::from(identifier);
        let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        slot
    }

    fn address(text: &str) -> [u8; 16] {
        match text.parse().unwrap() {
            std::net::IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            std::net::IpAddr::V6(v6) => v6.octets(),
        }
    }

    /// What the kernel said to each refused echo.
    pub fn send(icmp: &Icmp, version: u32, slots: &[u8]) -> Vec<(usize, i32)> {
        let mut refused = Vec::new();
        icmp.send(version, slots, |i, error| refused.push((i, error.raw_os_error().unwrap())));
        refused
    }

    pub fn receive(icmp: &Icmp, version: u32) -> Vec<Vec<u8>> {
        let mut slots = vec![0; BATCH * SLOT_BYTES];
        let begin = Instant::now();
        loop {
            let count = icmp.receive(version, &mut slots);
            if count > 0 || begin.elapsed() > Duration::from_secs(2) {
                return slots.chunks(SLOT_BYTES).take(count).map(<[u8]>::to_vec).collect();
            }
        }
    }

    #[test]
    fn echoes_come_back_from_where_they_went() {
        in_own_network(|| {
            add_address("10.1.0.1");
            add_address("fd01::1");
            let icmp = Icmp::open().unwrap();
            for (version, source, destination, header) in
                [(4, "10.1.0.1", "127.0.0.9", 20), (6, "fd01::1", "::1", 0)]
            {
                let foreign = echo(version, !icmp.identifier(), source, destination);
                let ours = echo(version, icmp.identifier(), source, destination);
                assert_eq!(send(&icmp, version, &[foreign, ours.clone(), ours].concat()), []);
                let replies = receive(&icmp, version);
                assert_eq!(replies.len(), 2);
                for slot in replies {
                    assert_eq!(slot[LENGTH], 64 + header);
                    assert_eq!(slot[SENDER..][..16], address(destination));
                    assert_eq!(slot[MESSAGE + header as usize], if version == 4 { 0 } else { 129 });
                }
            }
        });
    }

    #[test]
    fn one_refused_echo_holds_up_no_other() {
        in_own_network(|| {
            let icmp = Icmp::open().unwrap();
            let good = echo(4, icmp.identifier(), "127.0.0.1", "127.0.0.1");
            let bad = echo(4, icmp.identifier(), "127.0.0.1", "192.0.2.1");
            let foreign = echo(4, icmp.identifier(), "192.0.2.1", "127.0.0.1");
            let batch = [bad.clone(), good.clone(), foreign, good, bad].concat();
            let refused = send(&icmp, 4, &batch);
            assert_eq!(
                refused,
                [(0, libc::ENETUNREACH), (2, libc::ENETUNREACH), (4, libc::ENETUNREACH)]
            );
            assert_eq!(receive(&icmp, 4).len(), 2);
        });
    }
}
