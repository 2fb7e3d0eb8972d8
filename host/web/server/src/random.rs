//! What nobody guesses.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// 256 bits from the kernel, as 64 hexadecimal digits.
pub fn hexadecimal() -> io::Result<String> {
    let mut bytes = [0; 32];
    let mut filled = 0;
    while filled < bytes.len() {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty())?;
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
