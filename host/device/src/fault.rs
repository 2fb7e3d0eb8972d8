//! The record of an engine that trapped: enough to feed the same input to another one.

use std::fmt;

use crate::abi::Input;

/// Of the input's bytes this much is kept, and so much of it shown in a line.
const MAX_BYTES: usize = 16 << 10;
const LINE_BYTES: usize = 1024;

/// Why an engine trapped, and on what.
#[derive(Debug)]
pub struct Fault {
    input: Input,
    pub message: String,
    /// Whether the message is the engine's own.
    pub said: bool,
    /// Length of the input's bytes.
    length: usize,
    /// They themselves, but for what is too much and for zeros at the end.
    bytes: Vec<u8>,
}

impl Fault {
    pub fn new(input: Input, message: String, said: bool, bytes: &[u8]) -> Fault {
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let kept = bytes[..end.min(MAX_BYTES)].to_vec();
        Fault { input, message, said, length: bytes.len(), bytes: kept }
    }

    /// Lines for the log that hold the input's bytes.
    pub fn dump(&self) -> impl Iterator<Item = String> {
        self.bytes.chunks(LINE_BYTES).enumerate().map(|(i, line)| {
            let hex: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let (start, end) = (i * LINE_BYTES, i * LINE_BYTES + line.len());
            format!("its input of {} bytes, from {start} to {end}: {hex}", self.length)
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "the engine trapped: {}, on {:?}", self.message, self.input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dump_is_bounded() {
        let mut bytes = vec![0; 5000];
        bytes[..5].copy_from_slice(b"fault");
        bytes[1024] = 0xab;
        let input = Input::ViciBytes { len: 5000 };
        let fault = Fault::new(input, "assembly/index.ts:1:2: no".into(), true, &bytes);
        let lines: Vec<String> = fault.dump().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("its input of 5000 bytes, from 0 to 1024: 6661756c7400"));
        assert_eq!(lines[1], "its input of 5000 bytes, from 1024 to 1025: ab");
        let text = "the engine trapped: assembly/index.ts:1:2: no, on ViciBytes { len: 5000 }";
        assert_eq!(fault.to_string(), text);

        let fault = Fault::new(Input::Tick, String::new(), false, &[1; 1 << 20]);
        assert_eq!(fault.dump().count(), MAX_BYTES / LINE_BYTES);
        assert_eq!(Fault::new(Input::Tick, String::new(), false, &[]).dump().count(), 0);
    }
}
