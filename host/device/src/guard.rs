//! The kernel's guard against an echo that leaves in the clear, should its SA vanish between the
//! engine's look and the sending. In nft's words:
//!
//! ```text
//! table inet rekeyd-PID {
//!     flags owner
//!     chain postrouting {
//!         type filter hook postrouting priority 300; policy accept;
//!         meta priority != 7265:6b79 accept           # not one of ours
//!         meta l4proto != 1 meta l4proto != 58 accept # already ESP: it keeps the priority
//!         meta oifkind "xfrm" accept                  # and likewise vti, vti6: only with an SA
//!         meta oifkind "tun" oifname "ipsec*" accept  # kernel-libipsec
//!         rt ipsec exists accept                      # about to be transformed
//!         counter drop                                # sendmsg fails with EPERM
//!     }
//! }
//! ```
//!
//! It is written straight to the kernel and owned by the socket that wrote it: nobody else's
//! `flush ruleset` takes it away, and it goes when the daemon goes.

use std::io;
use std::mem::size_of;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
    sockopt,
};

use crate::icmp::PRIORITY;

// linux/netfilter/nf_tables.h, as far as libc lacks it.
const NFT_TABLE_F_OWNER: u32 = 2;
const NFT_META_OIFKIND: u32 = 27;
const NFT_RT_XFRM: u32 = 4;
const NFTA_TABLE_NAME: u16 = 1;
const NFTA_TABLE_FLAGS: u16 = 2;
const NFTA_CHAIN_TABLE: u16 = 1;
const NFTA_CHAIN_NAME: u16 = 3;
const NFTA_CHAIN_HOOK: u16 = 4;
const NFTA_CHAIN_POLICY: u16 = 5;
const NFTA_CHAIN_TYPE: u16 = 7;
const NFTA_HOOK_HOOKNUM: u16 = 1;
const NFTA_HOOK_PRIORITY: u16 = 2;
const NFTA_RULE_TABLE: u16 = 1;
const NFTA_RULE_CHAIN: u16 = 2;
const NFTA_RULE_EXPRESSIONS: u16 = 4;
const NFTA_LIST_ELEM: u16 = 1;
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_META_DREG: u16 = 1;
const NFTA_META_KEY: u16 = 2;
const NFTA_RT_DREG: u16 = 1;
const NFTA_RT_KEY: u16 = 2;
const NFTA_CMP_SREG: u16 = 1;
const NFTA_CMP_OP: u16 = 2;
const NFTA_CMP_DATA: u16 = 3;
const NFTA_IMMEDIATE_DREG: u16 = 1;
const NFTA_IMMEDIATE_DATA: u16 = 2;
const NFTA_DATA_VALUE: u16 = 1;
const NFTA_DATA_VERDICT: u16 = 2;
const NFTA_VERDICT_CODE: u16 = 1;

const CHAIN: &[u8] = b"postrouting\0";
/// After whatever may still reroute the packet (mangle, NAT). The hook `output` would be told the
/// interface from before a mark led it elsewhere.
const HOOK_PRIORITY: i32 = 300;
const KERNEL_TIMEOUT: Duration = Duration::from_secs(5);

/// One expression of a rule. Values load into register 1, where the next one compares them.
enum Expression<'a> {
    Meta(u32),
    Route(u32),
    Is(&'a [u8]),
    IsNot(&'a [u8]),
    Counter,
    Verdict(i32),
}

/// The guard stands for as long as this lives.
pub struct Guard {
    _owner: OwnedFd,
}

impl Guard {
    pub fn install() -> io::Result<Guard> {
        let flags = SocketFlags::CLOEXEC;
        let protocol = Some(netlink::NETFILTER);
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
        sockopt::set_socket_timeout(&fd, sockopt::Timeout::Recv, Some(KERNEL_TIMEOUT))?;
        let table = format!("rekeyd-{}\0", std::process::id());
        let (batch, requests) = ruleset(table.as_bytes());
        sendto(&fd, &batch, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        // One acknowledgement for each request, or an error for the first that is wrong.
        let mut acknowledged = 0;
        let mut buffer = [0; 8192];
        while acknowledged < requests {
            let (length, _) = recv(&fd, &mut buffer, RecvFlags::empty())?;
            acknowledged += count_acknowledgements(&buffer[..length])?;
        }
        Ok(Guard { _owner: fd })
    }
}

/// The whole table as one transaction, and how many requests of it are acknowledged.
fn ruleset(table: &[u8]) -> (Vec<u8>, u32) {
    use Expression::*;
    const ACCEPT: Expression = Verdict(libc::NF_ACCEPT);
    const L4PROTO: Expression = Meta(libc::NFT_META_L4PROTO as u32);
    const OIFKIND: Expression = Meta(NFT_META_OIFKIND);
    const OIFNAME: Expression = Meta(libc::NFT_META_OIFNAME as u32);
    let priority = PRIORITY.to_ne_bytes();
    let rules: &[&[Expression]] = &[
        &[Meta(libc::NFT_META_PRIORITY as u32), IsNot(&priority), ACCEPT],
        &[
            L4PROTO,
            IsNot(&[libc::IPPROTO_ICMP as u8]),
            IsNot(&[libc::IPPROTO_ICMPV6 as u8]),
            ACCEPT,
        ],
        &[OIFKIND, Is(b"xfrm\0"), ACCEPT],
        &[OIFKIND, Is(b"vti\0"), ACCEPT],
        &[OIFKIND, Is(b"vti6\0"), ACCEPT],
        &[OIFKIND, Is(b"tun\0"), OIFNAME, Is(b"ipsec"), ACCEPT],
        &[Route(NFT_RT_XFRM), Is(&[1]), ACCEPT],
        &[Counter, Verdict(libc::NF_DROP)],
    ];

    let mut batch = Batch::default();
    batch.message(libc::NFNL_MSG_BATCH_BEGIN, 0, |_| ());
    batch.request(libc::NFT_MSG_NEWTABLE, |m| {
        m.attribute(NFTA_TABLE_NAME, table);
        m.word(NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
    });
    batch.request(libc::NFT_MSG_NEWCHAIN, |m| {
        m.attribute(NFTA_CHAIN_TABLE, table);
        m.attribute(NFTA_CHAIN_NAME, CHAIN);
        m.nested(NFTA_CHAIN_HOOK, |m| {
            m.word(NFTA_HOOK_HOOKNUM, libc::NF_INET_POST_ROUTING as u32);
            m.word(NFTA_HOOK_PRIORITY, HOOK_PRIORITY as u32);
        });
        m.word(NFTA_CHAIN_POLICY, libc::NF_ACCEPT as u32);
        m.attribute(NFTA_CHAIN_TYPE, b"filter\0");
    });
    for rule in rules {
        batch.request(libc::NFT_MSG_NEWRULE, |m| {
            m.attribute(NFTA_RULE_TABLE, table);
            m.attribute(NFTA_RULE_CHAIN, CHAIN);
            m.nested(NFTA_RULE_EXPRESSIONS, |m| {
                for expression in *rule {
                    m.nested(NFTA_LIST_ELEM, |m| expression.encode(m));
                }
            });
        });
    }
    batch.message(libc::NFNL_MSG_BATCH_END, 0, |_| ());
    (batch.bytes, 2 + rules.len() as u32)
}

impl Expression<'_> {
    fn encode(&self, m: &mut Batch) {
        const REGISTER: u32 = libc::NFT_REG_1 as u32;
        let name: &[u8] = match self {
            Expression::Meta(_) => b"meta\0",
            Expression::Route(_) => b"rt\0",
            Expression::Is(_) | Expression::IsNot(_) => b"cmp\0",
            Expression::Counter => b"counter\0",
            Expression::Verdict(_) => b"immediate\0",
        };
        m.attribute(NFTA_EXPR_NAME, name);
        m.nested(NFTA_EXPR_DATA, |m| match *self {
            Expression::Meta(key) => {
                m.word(NFTA_META_DREG, REGISTER);
                m.word(NFTA_META_KEY, key);
            }
            Expression::Route(key) => {
                m.word(NFTA_RT_DREG, REGISTER);
                m.word(NFTA_RT_KEY, key);
            }
            Expression::Is(value) => m.comparison(REGISTER, libc::NFT_CMP_EQ, value),
            Expression::IsNot(value) => m.comparison(REGISTER, libc::NFT_CMP_NEQ, value),
            Expression::Counter => (),
            Expression::Verdict(code) => {
                m.word(NFTA_IMMEDIATE_DREG, libc::NFT_REG_VERDICT as u32);
                m.nested(NFTA_IMMEDIATE_DATA, |m| {
                    m.nested(NFTA_DATA_VERDICT, |m| m.word(NFTA_VERDICT_CODE, code as u32));
                });
            }
        });
    }
}

/// Netlink messages, one after the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
}

impl Batch {
    /// A message of nfnetlink: nlmsghdr, nfgenmsg, attributes.
    fn message(&mut self, kind: libc::c_int, flags: libc::c_int, body: impl FnOnce(&mut Batch)) {
        let start = self.bytes.len();
        let is_batch = kind == libc::NFNL_MSG_BATCH_BEGIN || kind == libc::NFNL_MSG_BATCH_END;
        self.bytes.extend([0; 4]);
        self.bytes.extend((kind as u16).to_ne_bytes());
        self.bytes.extend(((libc::NLM_F_REQUEST | flags) as u16).to_ne_bytes());
        self.bytes.extend([0; 8]);
        let (family, subsystem) = match is_batch {
            true => (libc::AF_UNSPEC, libc::NFNL_SUBSYS_NFTABLES as u16),
            false => (libc::NFPROTO_INET, 0),
        };
        self.bytes.extend([family as u8, 0]);
        self.bytes.extend(subsystem.to_be_bytes());
        body(self);
        let length = (self.bytes.len() - start) as u32;
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }

    /// A message that makes something of nftables, and is acknowledged.
    fn request(&mut self, kind: libc::c_int, body: impl FnOnce(&mut Batch)) {
        let flags = libc::NLM_F_CREATE | libc::NLM_F_APPEND | libc::NLM_F_ACK;
        self.message(libc::NFNL_SUBSYS_NFTABLES << 8 | kind, flags, body);
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.bytes.extend((value.len() as u16 + 4).to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn word(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_be_bytes());
    }

    fn nested(&mut self, kind: u16, body: impl FnOnce(&mut Batch)) {
        let start = self.bytes.len();
        self.attribute(kind | libc::NLA_F_NESTED as u16, &[]);
        body(self);
        let length = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
    }

    fn comparison(&mut self, register: u32, operation: libc::c_int, value: &[u8]) {
        self.word(NFTA_CMP_SREG, register);
        self.word(NFTA_CMP_OP, operation as u32);
        self.nested(NFTA_CMP_DATA, |m| m.attribute(NFTA_DATA_VALUE, value));
    }
}

/// Counts the NLMSG_ERROR messages that say 0; another number is the kernel's refusal.
fn count_acknowledgements(mut bytes: &[u8]) -> io::Result<u32> {
    const HEADER: usize = size_of::<libc::nlmsghdr>();
    let mut count = 0;
    while bytes.len() >= HEADER + 4 {
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        let length = word(0) as usize;
        if word(4) & 0xffff == libc::NLMSG_ERROR as u32 {
            match word(HEADER) as i32 {
                0 => count += 1,
                errno => return Err(io::Error::from_raw_os_error(errno.wrapping_neg())),
            }
        }
        // Past the end of a small machine's numbers it would wrap around, and never end.
        let step = length.max(HEADER).checked_next_multiple_of(4);
        bytes = step.and_then(|step| bytes.get(step..)).unwrap_or_default();
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::Chance;
    use crate::icmp::Icmp;
    use crate::icmp::tests::{add_address, echo, in_own_network, ip, send};
    use std::process::Command;

    #[test]
    fn any_bytes_are_counted_to_their_end() {
        let mut chance = Chance(1);
        let mut acknowledged = 0;
        for _ in 0..100_000 {
            let mut bytes = Vec::new();
            for _ in 0..chance.below(5) {
                let length = if chance.below(4) == 0 { chance.word() } else { 20 };
                let error = if chance.below(4) == 0 { chance.word() } else { 0 };
                let kind = if chance.below(8) == 0 { chance.word() } else { 2 };
                for word in [length, kind, chance.word(), 0, error] {
                    bytes.extend(word.to_ne_bytes());
                }
            }
            bytes.truncate(bytes.len() - chance.below(bytes.len() + 1).min(chance.below(24)));
            if let Ok(count) = count_acknowledgements(&bytes) {
                assert!(count as usize <= bytes.len() / 16);
                acknowledged += count;
            }
        }
        assert!(acknowledged > 10_000);
    }

    #[test]
    fn echoes_leave_through_a_tunnel_only() {
        in_own_network(|| {
            for interface in ["ipsec0", "other0"] {
                ip(&format!("tuntap add {interface} mode tun"));
                ip(&format!("link set {interface} up"));
            }
            add_address("10.1.0.1");
            add_address("fd01::1");
            for (prefix, interface) in [("10.2.0.0/24", "ipsec0"), ("10.3.0.0/24", "other0")] {
                ip(&format!("route add {prefix} dev {interface}"));
            }
            ip("-6 route add fd02::/64 dev ipsec0");
            ip("-6 route add fd03::/64 dev other0");
            let icmp = Icmp::open().unwrap();
            let try_all = || {
                [("10.2.0.1", 4), ("10.3.0.1", 4), ("127.0.0.1", 4), ("fd02::1", 6), ("fd03::1", 6)]
                    .map(|(destination, version)| {
                        let source = if version == 4 { "10.1.0.1" } else { "fd01::1" };
                        let slot = echo(version, icmp.identifier(), source, destination);
                        send(&icmp, version, &slot).is_empty()
                    })
            };
            assert_eq!(try_all(), [true; 5]);
            let guard = Guard::install().unwrap();
            let guarded = [true, false, false, true, false];
            assert_eq!(try_all(), guarded);
            // Nobody else takes it away, and nobody else is held back.
            let _ = Command::new("nft").args(["flush", "ruleset"]).status();
            assert_eq!(try_all(), guarded);
            let ping = Command::new("ping").args(["-q", "-c1", "-W1", "127.0.0.1"]).output();
            assert!(ping.unwrap().status.success());
            drop(guard);
            assert_eq!(try_all(), [true; 5]);
        });
    }
}
