//! What nobody may guess.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// The key of the engine's tokens.
pub fn key() -> io::Result<[i64; 2]> {
    Ok([i64::from_ne_bytes(bytes()?), i64::from_ne_bytes(bytes()?)])
}

/// The seed of the engine's jitter. Recordings hold it, so nothing of the key may hang on it.
pub fn seed() -> io::Result<i64> {
    Ok(i64::from_ne_bytes(bytes()?))
}

/// An ICMP identifier: any but 0, which some systems use for themselves.
pub fn identifier() -> io::Result<u16> {
    Ok(u16::from_ne_bytes(bytes()?).max(1))
}

fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    // Never in part when it is so few.
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(bytes)
}
