//! Classic BPF on the raw sockets: other programs' pings never wake the daemon.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

const ECHO_REPLY_V4: u32 = 0;
const ECHO_REPLY_V6: u32 = 129;
/// Where the identifier stands in an ICMP message (RFC 792, RFC 4443).
const IDENTIFIER: u32 = 4;

const LOAD_BYTE: u32 = libc::BPF_LD | libc::BPF_B;
const LOAD_HALF: u32 = libc::BPF_LD | libc::BPF_H;

pub type Program = Vec<libc::sock_filter>;

/// What a raw ICMP socket delivers begins with the IPv4 header.
pub fn echo_replies_v4(identifier: u16) -> Program {
    let mut program = vec![instruction(libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH, 0, 0)];
    program.extend(match_echo(libc::BPF_IND, ECHO_REPLY_V4, identifier));
    program
}

/// For a socket that only sends.
pub fn nothing() -> Program {
    vec![instruction(libc::BPF_RET | libc::BPF_K, 0, 0)]
}

/// What a raw ICMPv6 socket delivers begins with the ICMPv6 header.
pub fn echo_replies_v6(identifier: u16) -> Program {
    match_echo(libc::BPF_ABS, ECHO_REPLY_V6, identifier).to_vec()
}

/// A load past the packet's end ends the program and drops the packet.
fn match_echo(mode: u32, kind: u32, identifier: u16) -> [libc::sock_filter; 6] {
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    [
        instruction(LOAD_BYTE | mode, 0, 0),
        instruction(equal, kind, 3),
        instruction(LOAD_HALF | mode, IDENTIFIER, 0),
        instruction(equal, identifier.into(), 1),
        instruction(libc::BPF_RET | libc::BPF_K, u32::MAX, 0),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0),
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
    fn only_our_echo_replies_pass() {
        let program = echo_replies_v4(0x1234);
        assert!(passes(&program, &ipv4(5, &[0, 0, 0, 0, 0x12, 0x34, 0, 1])));
        assert!(passes(&program, &ipv4(15, &[0, 0, 0, 0, 0x12, 0x34, 0, 1])));
        assert!(!passes(&program, &ipv4(5, &[8, 0, 0, 0, 0x12, 0x34, 0, 1])));
        assert!(!passes(&program, &ipv4(5, &[0, 0, 0, 0, 0x12, 0x35, 0, 1])));
        assert!(!passes(&program, &ipv4(5, &[0, 0, 0, 0, 0x12])));
        assert!(!passes(&program, &[0x45]));

        let program = echo_replies_v6(0x1234);
        assert!(passes(&program, &[129, 0, 0, 0, 0x12, 0x34, 0, 1]));
        assert!(!passes(&program, &[128, 0, 0, 0, 0x12, 0x34, 0, 1]));
        assert!(!passes(&program, &[129, 0, 0, 0, 0x34, 0x12, 0, 1]));
        assert!(!passes(&program, &[129]));
    }
}
