//! The daemon's side of the hooks: hands what the engine asks for to the helper, and keeps what a
//! fresh engine has to know of them.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::poll::{EventFlags, Poll};

/// The longest answer: two numbers and a name whose length is a byte.
const MAX_ANSWER_BYTES: usize = 8 + 255;
/// VPNs that are kept (assembly/limits.ts, MAX_VPNS).
const MAX_TOLD: usize = 100_000;

/// What the latest hook of a VPN was run for, in the engine's numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    pub what: u32,
    pub runs: bool,
}

/// A hook that has ended, in the engine's numbers.
#[derive(Debug, PartialEq)]
pub struct Ended {
    pub outcome: u32,
    pub detail: i32,
    pub name: Vec<u8>,
}

/// The helper has ended, and with it all hooks.
#[derive(Debug, PartialEq)]
pub struct Gone;

pub struct Hooks {
    /// None: the helper is no more.
    helper: Option<OwnedFd>,
    told: HashMap<Vec<u8>, Told>,
}

impl Hooks {
    pub fn new(helper: OwnedFd) -> Hooks {
        Hooks { helper: Some(helper), told: HashMap::new() }
    }

    pub fn register(&self, poll: &Poll, token: u64) -> io::Result<()> {
        self.helper.as_ref().map_or(Ok(()), |helper| poll.add(helper, token, EventFlags::IN))
    }

    /// Whether there is still somebody to run hooks.
    pub fn is_alive(&self) -> bool {
        self.helper.is_some()
    }

    /// Asks for a hook. It never waits: there is room for more than the engine asks for.
    pub fn run(&mut self, what: u32, message: &[u8]) -> Result<(), Gone> {
        let helper = self.helper.as_ref().ok_or(Gone)?;
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        if send(helper, message, flags).is_err() {
            return Err(self.lose());
        }
        if let Some((&length, rest)) = message.split_first()
            && let Some(name) = rest.get(..length.into())
            && (self.told.len() < MAX_TOLD || self.told.contains_key(name))
        {
            self.told.insert(name.to_vec(), Told { what, runs: true });
        }
        Ok(())
    }

    /// The next hook that has ended, if there is one.
    pub fn receive(&mut self) -> Result<Option<Ended>, Gone> {
        let helper = self.helper.as_ref().ok_or(Gone)?;
        let mut bytes = [0; MAX_ANSWER_BYTES];
        let length = match recv(helper, &mut bytes, RecvFlags::DONTWAIT) {
            Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
            Ok((length @ 1.., _)) => length,
            _ => return Err(self.lose()),
        };
        let word = |at: usize| bytes[at..at + 4].try_into().unwrap_or_default();
        let name = bytes[..length].get(8..).unwrap_or_default().to_vec();
        if let Some(told) = self.told.get_mut(&name) {
            told.runs = false;
        }
        let (outcome, detail) = (u32::from_ne_bytes(word(0)), i32::from_ne_bytes(word(4)));
        Ok(Some(Ended { outcome, detail, name }))
    }

    /// What a fresh engine has to know, VPN by VPN.
    pub fn told(&self) -> Vec<(Vec<u8>, Told)> {
        self.told.iter().map(|(name, &told)| (name.clone(), told)).collect()
    }

    fn lose(&mut self) -> Gone {
        self.helper = None;
        self.told.values_mut().for_each(|told| told.runs = false);
        Gone
    }
}
