//! Reads recordings (docs/recording.md): the records that record.rs writes.

use crate::abi::{Input, Times};
use crate::record::{CRC_BYTES, HEAD_BYTES, Kind, MAGIC, MAX_PAYLOAD_BYTES, crc32};

const SHA256_BYTES: usize = 32;
const SEED_END: usize = 8;
/// In an INPUT, where its bytes begin.
const INPUT_HEAD_BYTES: usize = 32;

/// What begins a segment.
pub struct Segment {
    /// Of the module, in hexadecimal.
    pub sha256: String,
    began_ms: i64,
    number: u32,
}

impl Segment {
    /// Whether it goes on where the other one ends.
    pub fn follows(&self, last: &Segment) -> bool {
        self.began_ms == last.began_ms && self.number == last.number.wrapping_add(1)
    }
}

/// A record that is read.
pub struct Record<'a> {
    pub kind: Kind,
    /// Where it begins.
    pub at: usize,
    /// All of it, and what it holds.
    pub bytes: &'a [u8],
    pub payload: &'a [u8],
}

impl Record<'_> {
    /// Of ENGINE.
    pub fn segment(&self) -> Option<Segment> {
        let sha256 = self.payload.get(..SHA256_BYTES)?;
        let sha256 = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let (began_ms, number) = (self.long(SHA256_BYTES)?, self.word(SHA256_BYTES + 8)?);
        Some(Segment { sha256, began_ms, number })
    }

    /// Of START, under a key.
    pub fn start(&self, key: [i64; 2]) -> Option<(Input, Times)> {
        let identifier = self.word(SEED_END)? as u16;
        let utc_offset_s = self.word(SEED_END + 4)? as i32;
        let times = self.times_at(SEED_END + 8)?;
        Some((Input::Start { key, seed: self.long(0)?, identifier, utc_offset_s }, times))
    }

    /// Of INPUT.
    pub fn input(&self) -> Option<(Input, Times)> {
        let number = |i: usize| self.word(4 + 4 * i).map(|word| word as i32);
        let numbers = [number(0)?, number(1)?, number(2)?];
        Some((Input::of_call(*self.payload.first()?, numbers)?, self.times_at(16)?))
    }

    /// Of INPUT; START has none.
    pub fn input_bytes(&self) -> &[u8] {
        match self.kind {
            Kind::Input => self.payload.get(INPUT_HEAD_BYTES..).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Of READY.
    pub fn times(&self) -> Option<Times> {
        self.times_at(0)
    }

    pub fn word(&self, at: usize) -> Option<u32> {
        self.payload.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    fn long(&self, at: usize) -> Option<i64> {
        self.payload.get(at..)?.first_chunk().map(|bytes| i64::from_le_bytes(*bytes))
    }

    fn times_at(&self, at: usize) -> Option<Times> {
        Some(Times { now_ms: self.long(at)?, wall_ms: self.long(at + 8)? })
    }
}

/// Reads records; a segment's first bytes are passed over.
pub struct Records<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub fn of(all: &'a [u8]) -> Records<'a> {
        Records { all, at: 0 }
    }

    /// Where the next one begins.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn between(&self, start: usize, end: usize) -> &'a [u8] {
        &self.all[start..end]
    }

    /// None: the file ends, perhaps within a record.
    pub fn next(&mut self) -> Result<Option<Record<'a>>, &'static str> {
        let is_begin = self.all[self.at..].starts_with(MAGIC);
        if self.at == 0 && !is_begin {
            return Err("should stand 'rekeyd-record-1'");
        }
        let at = self.at + if is_begin { MAGIC.len() } else { 0 };
        let Some(Ok(head)) = self.all.get(at..at + HEAD_BYTES).map(<[u8; HEAD_BYTES]>::try_from)
        else {
            return Ok(None);
        };
        let kind = Kind::of(head[0]).ok_or("is no kind of record")?;
        if is_begin != (kind == Kind::Engine) {
            return Err("a segment should begin, or none");
        }
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if length > MAX_PAYLOAD_BYTES {
            return Err("is more than a record can hold");
        }
        let end = at + HEAD_BYTES + length;
        let Some(crc) = self.all.get(end..end + CRC_BYTES) else { return Ok(None) };
        if crc != crc32(&self.all[at..end]).to_le_bytes() {
            return Err("the checksum is wrong");
        }
        self.at = end + CRC_BYTES;
        let payload = &self.all[at + HEAD_BYTES..end];
        Ok(Some(Record { kind, at, bytes: &self.all[at..self.at], payload }))
    }
}
