//! The records of a recording (docs/recording.md): what they hold, byte for byte.

use std::io;

use crate::abi::{self, Action, Input, SLOT_BYTES, Times};
use crate::engine::Engine;

pub const MAGIC: &[u8; 16] = b"rekeyd-record-1\n";
/// Kind, length, payload and CRC of a record.
pub const HEAD_BYTES: usize = 8;
pub const CRC_BYTES: usize = 4;
/// No payload is longer.
pub const MAX_PAYLOAD_BYTES: usize = 8 << 20;
/// No record is longer.
pub const MAX_BYTES: usize = HEAD_BYTES + MAX_PAYLOAD_BYTES + CRC_BYTES;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub enum Kind {
    Engine = 1,
    Start,
    Memory,
    Page,
    Global,
    Ready,
    Input,
    Actions,
    Trap,
}

impl Kind {
    pub fn of(number: u8) -> Option<Kind> {
        use Kind::*;
        let all = [Engine, Start, Memory, Page, Global, Ready, Input, Actions, Trap];
        all.into_iter().find(|&kind| kind as u8 == number)
    }
}

const PAGE_BYTES: usize = 4096;
const WASM_PAGE_BYTES: usize = 64 << 10;
const SECRET_BYTES: usize = 16;
const MAX_TRAP_BYTES: usize = 512;

/// SHA-256 of the engine.wasm that the artifact was made from.
pub const ENGINE_SHA256: &str = env!("REKEYD_ENGINE_SHA256");

/// Appends a record, whose payload `write` appends.
fn record(out: &mut Vec<u8>, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([kind as u8, 0, 0, 0, 0, 0, 0, 0]);
    write(out);
    let length = (out.len() - start - HEAD_BYTES) as u32;
    out[start + 4..start + HEAD_BYTES].copy_from_slice(&length.to_le_bytes());
    let crc = crc32(&out[start..]);
    out.extend(crc.to_le_bytes());
}

/// Begins a segment.
pub fn engine(out: &mut Vec<u8>, began_ms: i64, number: u32) {
    out.extend(MAGIC);
    record(out, Kind::Engine, |out| {
        out.extend(sha256());
        out.extend(began_ms.to_le_bytes());
        out.extend(number.to_le_bytes());
        out.extend(env!("REKEYD_VERSION").bytes());
    });
}

fn sha256() -> impl Iterator<Item = u8> {
    let digit = |i: usize| (ENGINE_SHA256.as_bytes()[i] as char).to_digit(16).unwrap_or(0) as u8;
    (0..32).map(move |i| digit(2 * i) << 4 | digit(2 * i + 1))
}

/// Bytes from the beginning of a segment to the end of its number.
pub const NUMBER_END: usize = MAGIC.len() + HEAD_BYTES + 32 + 8 + 4;

/// The number of the segment that begins so, if one does.
pub fn number(head: &[u8; NUMBER_END]) -> Option<u32> {
    let is_segment = head.starts_with(MAGIC) && head[MAGIC.len()] == Kind::Engine as u8;
    is_segment.then(|| u32::from_le_bytes(*head.last_chunk().expect("it is longer")))
}

/// Appends an input. Echoes stand in the engine's slots, which are as before afterwards.
pub fn input(out: &mut Vec<u8>, engine: &mut Engine, input: Input, times: Times) -> io::Result<()> {
    if let Input::Start { seed, identifier, utc_offset_s, .. } = input {
        record(out, Kind::Start, |out| {
            out.extend(seed.to_le_bytes());
            out.extend(i32::from(identifier).to_le_bytes());
            out.extend(utc_offset_s.to_le_bytes());
            put_times(out, times);
        });
        return Ok(());
    }
    let (call, numbers) = input.call();
    if let Input::Replies { version, count } = input {
        let mut result = Ok(());
        record(out, Kind::Input, |out| {
            put_input(out, call, numbers, times);
            result = engine.copy_replies(out, version, count);
        });
        return result;
    }
    record(out, Kind::Input, |out| {
        put_input(out, call, numbers, times);
        out.extend(engine.input_bytes(input));
    });
    Ok(())
}

fn put_input(out: &mut Vec<u8>, call: u8, numbers: [i32; 3], times: Times) {
    out.extend([call, 0, 0, 0]);
    numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
    put_times(out, times);
}

fn put_times(out: &mut Vec<u8>, times: Times) {
    out.extend(times.now_ms.to_le_bytes());
    out.extend(times.wall_ms.to_le_bytes());
}

/// Appends what the last input has led to, before it is carried out.
pub fn actions(out: &mut Vec<u8>, engine: &mut Engine, actions: &[Action]) -> io::Result<()> {
    let echoes = |action: &Action| match action {
        Action::SendEchoes { version, slots, .. } => {
            Some((slots.start, *version, slots.len() / SLOT_BYTES))
        }
        _ => None,
    };
    for (start, version, count) in actions.iter().filter_map(echoes) {
        engine.conceal(start, version, count)?;
    }
    record(out, Kind::Actions, |out| {
        for action in actions {
            let (kind, argument, range) = action.parts();
            let bytes = engine.bytes(range);
            out.extend(kind.to_le_bytes());
            out.extend(argument.to_le_bytes());
            let at = out.len();
            out.extend([0; 4]);
            match action {
                Action::SendEchoes { .. } => abi::copy_slots(out, bytes),
                _ => out.extend(bytes),
            }
            let length = (out.len() - at - 4) as u32;
            out[at..at + 4].copy_from_slice(&length.to_le_bytes());
        }
    });
    for (start, version, count) in actions.iter().filter_map(echoes) {
        engine.reveal(start, version, count)?;
    }
    Ok(())
}

/// Appends why the engine trapped; `said`: in its own words.
pub fn trap(out: &mut Vec<u8>, said: bool, message: &str) {
    record(out, Kind::Trap, |out| {
        out.extend([u8::from(said), 0, 0, 0]);
        out.extend(&message.as_bytes()[..message.len().min(MAX_TRAP_BYTES)]);
    });
}

/// Appends the engine's whole state. `write` may take what is there after each record, and must
/// after the last.
pub fn snapshot(
    out: &mut Vec<u8>,
    engine: &mut Engine,
    times: Times,
    mut write: impl FnMut(&mut Vec<u8>, bool) -> io::Result<()>,
) -> io::Result<()> {
    engine.wipe()?;
    let globals = engine.globals();
    let secret = engine.secret()..engine.secret() + SECRET_BYTES;
    let memory = engine.memory();
    let wasm_pages = (memory.len() / WASM_PAGE_BYTES) as u32;
    record(out, Kind::Memory, |out| out.extend(wasm_pages.to_le_bytes()));
    let mut pages: u32 = 0;
    for (i, page) in memory.chunks_exact(PAGE_BYTES).enumerate() {
        let address = i * PAGE_BYTES;
        let is_secret = |at: usize| secret.contains(&(address + at));
        let holds_secret = address < secret.end && secret.start < address + PAGE_BYTES;
        if is_zero(page) {
            continue;
        }
        record(out, Kind::Page, |out| {
            out.extend((address as u32).to_le_bytes());
            if holds_secret {
                let bytes = page.iter().enumerate();
                out.extend(bytes.map(|(at, &byte)| if is_secret(at) { 0 } else { byte }));
            } else {
                out.extend(page);
            }
        });
        pages += 1;
        write(out, false)?;
    }
    for (name, value) in &globals {
        record(out, Kind::Global, |out| {
            out.extend(value.to_le_bytes());
            out.extend(name.bytes());
        });
    }
    record(out, Kind::Ready, |out| {
        put_times(out, times);
        out.extend(pages.to_le_bytes());
        out.extend((globals.len() as u32).to_le_bytes());
    });
    write(out, true)
}

fn is_zero(page: &[u8]) -> bool {
    // In words: the compiler makes few instructions of it.
    page.chunks_exact(8).all(|word| word == [0; 8])
}

/// CRC-32 of IEEE 802.3, as zlib computes it.
pub fn crc32(bytes: &[u8]) -> u32 {
    let step =
        |crc: u32, &byte: &u8| crc >> 8 ^ CRC_TABLE[((crc ^ u32::from(byte)) & 0xff) as usize];
    !bytes.iter().fold(u32::MAX, step)
}

static CRC_TABLE: [u32; 256] = crc_table();

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_checksum_of_zlib() {
        let mut out = Vec::new();
        trap(&mut out, false, "");
        assert_eq!(out, [9, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0x04, 0xf2, 0x36, 0x62]);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
