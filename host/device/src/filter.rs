//! Classic BPF on the raw sockets: other programs' pings never wake the daemon. What passes is a
//! reply to an echo of ours, and a peer's announcement (assembly/icmp/announcement.ts) that no
//! router has forwarded: it left with the largest TTL there is, and still has it (RFC 5082).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

const ECHO_REPLY_V4: u32 = 0;
const ECHO_V4: u32 = 8;
const ECHO_REPLY_V6: u32 = 129;
const ECHO_V6: u32 = 128;
/// Where the identifier stands in an ICMP message (RFC 792, RFC 4443), and what begins the data.
const IDENTIFIER: u32 = 4;
const DATA: u32 = 8;
/// "rekeydNH" begins the data of an announcement.
const MAGIC: [u32; 2] = [0x7265_6b65, 0x7964_4e48];
/// TTL or hop limit of what leaves our sockets, and of an announcement that comes in.
pub const MAX_HOPS: u8 = 255;
/// Where they stand: in the packet (RFC 791, 3.1), and in front of what is delivered (RFC 8200, 3).
const TTL_V4: u32 = 8;
const HOP_LIMIT_V6: u32 = libc::SKF_NET_OFF as u32 + 7;

const LOAD_BYTE: u32 = libc::BPF_LD | libc::BPF_B;
const LOAD_HALF: u32 = libc::BPF_LD | libc::BPF_H;
const LOAD_WORD: u32 = libc::BPF_LD | libc::BPF_W;

pub type Program = Vec<libc::sock_filter>;

/// What a raw ICMP socket delivers begins with the IPv4 header.
pub fn for_us_v4(identifier: u16) -> Program {
    let mut program = vec![instruction(libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH, 0, 0)];
    let types = [ECHO_REPLY_V4, ECHO_V4];
    program.extend(match_ours(libc::BPF_IND, types, identifier, TTL_V4));
    program
}

/// For a socket that only sends.
pub fn nothing() -> Program {
    vec![instruction(libc::BPF_RET | libc::BPF_K, 0, 0)]
}

/// What a raw ICMPv6 socket delivers begins with the ICMPv6 header.
pub fn for_us_v6(identifier: u16) -> Program {
    let types = [ECHO_REPLY_V6, ECHO_V6];
    match_ours(libc::BPF_ABS, types, identifier, HOP_LIMIT_V6).to_vec()
}

/// A load past the packet's end ends the program and drops the packet.
fn match_ours(
    mode: u32,
    [reply, request]: [u32; 2],
    identifier: u16,
    hops: u32,
) -> [libc::sock_filter; 14] {
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let verdict = libc::BPF_RET | libc::BPF_K;
    [
        instruction(LOAD_BYTE | mode, 0, 0),
        instruction(equal, reply, 3),
        instruction(LOAD_HALF | mode, IDENTIFIER, 0),
        instruction(equal, identifier.into(), 9),
        instruction(verdict, u32::MAX, 0),
        instruction(equal, request, 7),
        instruction(LOAD_WORD | mode, DATA, 0),
        instruction(equal, MAGIC[0], 5),
        instruction(LOAD_WORD | mode, DATA + 4, 0),
        instruction(equal, MAGIC[1], 3),
        instruction(LOAD_BYTE | libc::BPF_ABS, hops, 0),
        instruction(equal, MAX_HOPS.into(), 1),
        instruction(verdict, u32::MAX, 0),
        instruction(verdict, 0, 0),
    ]
}

/// `else_skip`: how many instructions a comparison that fails skips.
fn instruction(code: u32, k: u32, else_skip: u8) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: else_skip, k }
}

pub fn attach(fd: BorrowedFd, program: &[libc::sock_filter]) -> io::Result<()> {
    let program =
        libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program, which it only reads, during the call.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size_of_val(&program) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::icmp::Icmp;
    use crate::icmp::tests::{add_address, echo, in_own_network, receive, send};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixDatagram;

    /// The kernel runs socket filters on any socket: datagrams stand for packets here.
    fn passes(program: &Program, packet: &[u8]) -> bool {
        let (sender, receiver) = UnixDatagram::pair().unwrap();
        attach(receiver.as_fd(), program).unwrap();
        receiver.set_nonblocking(true).unwrap();
        let _ = sender.send(packet);
        receiver.recv(&mut [0; 100]).is_ok_and(|length| length == packet.len())
    }

    fn ipv4(header_words: u8, icmp: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 4 * header_words as usize];
        packet[0] = 0x40 | header_words;
        packet.extend(icmp);
        packet
    }

    #[test]
    fn of_replies_only_ours_pass() {
        let program = for_us_v4(0x1234);
        assert!(passes(&program, &ipv4(5, &[0, 0, 0, 0, 0x12, 0x34, 0, 1])));
        assert!(passes(&program, &ipv4(15, &[0, 0, 0, 0, 0x12, 0x34, 0, 1])));
        assert!(!passes(&program, &ipv4(5, &[8, 0, 0, 0, 0x12, 0x34, 0, 1])));
        assert!(!passes(&program, &ipv4(5, &[0, 0, 0, 0, 0x12, 0x35, 0, 1])));
        assert!(!passes(&program, &ipv4(5, &[0, 0, 0, 0, 0x12])));
        assert!(!passes(&program, &[0x45]));

        let program = for_us_v6(0x1234);
        assert!(passes(&program, &[129, 0, 0, 0, 0x12, 0x34, 0, 1]));
        assert!(!passes(&program, &[128, 0, 0, 0, 0x12, 0x34, 0, 1]));
        assert!(!passes(&program, &[129, 0, 0, 0, 0x34, 0x12, 0, 1]));
        assert!(!passes(&program, &[129]));
    }

    #[test]
    fn of_requests_only_announcements_pass_that_came_straight() {
        let announcement = |ttl: u8, kind: u8, magic: &[u8; 8]| {
            let mut packet = ipv4(6, &[kind, 0, 0, 0, 0xff, 0xff, 0, 1]);
            packet[TTL_V4 as usize] = ttl;
            packet.extend(magic);
            packet
        };
        let program = for_us_v4(0x1234);
        assert!(passes(&program, &announcement(255, 8, b"rekeydNH")));
        assert!(!passes(&program, &announcement(254, 8, b"rekeydNH")));
        assert!(!passes(&program, &announcement(255, 0, b"rekeydNH")));
        assert!(!passes(&program, &announcement(255, 8, b"rekeydNI")));
        assert!(!passes(&program, &announcement(255, 8, b"RekeydNH")));
        let short = announcement(255, 8, b"rekeydNH");
        for length in 0..short.len() {
            assert!(!passes(&program, &short[..length]));
        }
    }

    /// An announcement of another rekeyd's, so that the kernel's reply to it is none to us.
    fn announcement(icmp: &Icmp, version: u32, own: &str) -> Vec<u8> {
        const MESSAGE: usize = 64;
        let mut slot = echo(version, !icmp.identifier(), own, own);
        let message = &mut slot[MESSAGE..][..64];
        message[8..16].copy_from_slice(b"rekeydNH");
        message[2..4].fill(0);
        let words = message.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
        let sum: u32 = words.sum();
        let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        slot
    }

    #[test]
    fn an_announcement_goes_from_socket_to_socket() {
        in_own_network(|| {
            add_address("10.1.0.1");
            add_address("fd01::1");
            let icmp = Icmp::open().unwrap();
            for (version, own) in [(4, "10.1.0.1"), (6, "fd01::1")] {
                let slot = announcement(&icmp, version, own);
                // The sockets past the guard have the system's hop limit, which is less.
                icmp.send_echoes(version, false, &slot, |_, error| panic!("{error}"));
                assert_eq!(send(&icmp, version, &slot), []);
                assert_eq!(receive(&icmp, version).len(), 1);
            }
        });
    }
}
