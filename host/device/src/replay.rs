//! `rekeyd replay FILE`: plays a recording (docs/recording.md) on this machine. What is played is
//! recorded once more: the engine did as recorded if that gives the same bytes.

use std::error::Error;
use std::fmt;
use std::fs;
use std::path::Path;

use crate::abi::{self, Input, SLOT_BYTES, Times};
use crate::engine::{Engine, Program};
use crate::record::{self, Kind};
use crate::recording::{Record, Records, Segment};

/// Whatever it is: nothing that is recorded hangs on it.
const KEY: [i64; 2] = [1, 2];

// As `npm run replay` has them.
const DIFFERENT: u8 = 1;
const NO_RECORDING: u8 = 2;
const OTHER_ENGINE: u8 = 3;

/// How a replay ended.
pub enum Verdict {
    /// As many calls, and snapshots, are the same.
    Same { calls: u32, snapshots: u32 },
    /// What is recorded at this byte came out otherwise.
    Different { at: usize },
    /// It begins with an engine that runs, of another module: SHA-256.
    NeedsEngine { sha256: String },
    /// No recording, from this byte on.
    Invalid { at: usize, why: &'static str },
}

/// Plays a file.
pub fn replay(program: &Program, path: &Path) -> Result<Verdict, Box<dyn Error>> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Player::new(program, &bytes).play()
}

impl Verdict {
    pub fn exit_status(&self) -> u8 {
        match self {
            Verdict::Same { .. } => 0,
            Verdict::Different { .. } => DIFFERENT,
            Verdict::Invalid { .. } => NO_RECORDING,
            Verdict::NeedsEngine { .. } => OTHER_ENGINE,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Verdict::Same { calls, snapshots } => {
                write!(f, "the engine did as recorded: {calls} calls, {snapshots} snapshots")
            }
            Verdict::Different { at } => {
                write!(f, "the engine does something else than what is recorded at byte {at}")
            }
            Verdict::Invalid { at, why } => write!(f, "no recording: at byte {at} {why}"),
            Verdict::NeedsEngine { sha256 } => {
                write!(f, "it begins with a running engine, and needs engine {sha256}")
            }
        }
    }
}

/// Why it goes no further.
enum Stop {
    Verdict(Verdict),
    Error(Box<dyn Error>),
}

impl<E: Into<Box<dyn Error>>> From<E> for Stop {
    fn from(error: E) -> Stop {
        Stop::Error(error.into())
    }
}

fn invalid(record: &Record, why: &'static str) -> Stop {
    Stop::Verdict(Verdict::Invalid { at: record.at, why })
}

struct Player<'a> {
    program: &'a Program,
    records: Records<'a>,
    engine: Option<Engine>,
    segment: Option<Segment>,
    /// Whether it goes on where the last one ended.
    follows: bool,
    calls: u32,
    snapshots: u32,
    /// What was recorded once more.
    again: Vec<u8>,
}

impl<'a> Player<'a> {
    fn new(program: &'a Program, bytes: &'a [u8]) -> Player<'a> {
        Player {
            program,
            records: Records::of(bytes),
            engine: None,
            segment: None,
            follows: false,
            calls: 0,
            snapshots: 0,
            again: Vec::new(),
        }
    }

    fn play(mut self) -> Result<Verdict, Box<dyn Error>> {
        match self.run() {
            Ok(()) => Ok(Verdict::Same { calls: self.calls, snapshots: self.snapshots }),
            Err(Stop::Verdict(verdict)) => Ok(verdict),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        while let Some(record) = self.next()? {
            match record.kind {
                Kind::Engine => self.begin(&record)?,
                Kind::Start => {
                    let engine = self.program.instantiate()?;
                    self.engine = Some(engine);
                    let start = record.start(KEY).ok_or_else(|| invalid(&record, "is no START"))?;
                    self.call(&record, start)?;
                }
                Kind::Memory => self.snapshot(&record)?,
                Kind::Input => {
                    let input =
                        record.input().ok_or_else(|| invalid(&record, "is no call of ours"))?;
                    self.call(&record, input)?;
                }
                _ => return Err(invalid(&record, "is what may not stand here")),
            }
        }
        // A file that ends within a segment's beginning is good up to there.
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Record<'a>>, Stop> {
        let at = self.records.at();
        self.records.next().map_err(|why| Stop::Verdict(Verdict::Invalid { at, why }))
    }

    fn begin(&mut self, record: &Record) -> Result<(), Stop> {
        let segment = record.segment().ok_or_else(|| invalid(record, "is no ENGINE"))?;
        self.follows = self.segment.as_ref().is_some_and(|last| segment.follows(last));
        self.segment = Some(segment);
        Ok(())
    }

    /// Makes a call, and holds what is recorded of it against what was.
    fn call(&mut self, record: &Record, (input, times): (Input, Times)) -> Result<(), Stop> {
        let engine = self.engine.as_mut().ok_or_else(|| invalid(record, "has no beginning"))?;
        let bytes = record.input_bytes();
        if let Input::Replies { version, count } = input {
            put_slots(engine, bytes, count).ok_or_else(|| invalid(record, "has slots cut off"))?;
            engine.reveal(engine.receive_slots(count).start, version, count)?;
        } else {
            engine.write_input(&[bytes]);
        }
        self.again.clear();
        record::input(&mut self.again, engine, input, times)?;
        if self.again != record.bytes {
            return Err(invalid(record, "is a call that was never made"));
        }
        self.again.clear();
        let mut actions = Vec::new();
        let mut said = true;
        match engine.feed(input, times, &mut actions) {
            Ok(()) => record::actions(&mut self.again, engine, &actions)?,
            Err(fault) => {
                said = fault.said;
                record::trap(&mut self.again, said, &fault.message);
            }
        }
        // One that the daemon did not survive has no answer.
        if let Some(answer) = self.next()? {
            // What is said of a trap for the engine differs between hosts.
            let both_trap = !said && answer.kind == Kind::Trap && answer.payload.starts_with(&[0]);
            if self.again != answer.bytes && !both_trap {
                return Err(Stop::Verdict(Verdict::Different { at: answer.at }));
            }
            self.calls += 1;
        }
        Ok(())
    }

    /// What a segment begins with: the engine is in this state, or is put into it.
    fn snapshot(&mut self, memory: &Record) -> Result<(), Stop> {
        let mut parts = vec![];
        let ready = loop {
            match self.next()? {
                None => return Ok(()),
                Some(record) if record.kind == Kind::Ready => break record,
                Some(record) => parts.push(record),
            }
        };
        let times = ready.times().ok_or_else(|| invalid(&ready, "is no READY"))?;
        let segment = self.segment.as_ref().ok_or_else(|| invalid(memory, "has no ENGINE"))?;
        let is_ours = segment.sha256 == record::ENGINE_SHA256;
        match &mut self.engine {
            // Another engine that behaves the same goes on in a memory of its own.
            Some(_) if self.follows && !is_ours => return Ok(()),
            Some(engine) if self.follows => {
                self.again.clear();
                record::snapshot(&mut self.again, engine, times, |_, _| Ok(()))?;
                let end = self.records.at();
                if self.again != self.records.between(memory.at, end) {
                    return Err(Stop::Verdict(Verdict::Different { at: memory.at }));
                }
                self.snapshots += 1;
            }
            _ if !is_ours => {
                let sha256 = segment.sha256.clone();
                return Err(Stop::Verdict(Verdict::NeedsEngine { sha256 }));
            }
            _ => {
                let mut engine = self.program.instantiate()?;
                let restored = restore(&mut engine, memory, &parts);
                restored.ok_or_else(|| invalid(memory, "begins no state of this engine"))?;
                self.engine = Some(engine);
            }
        }
        Ok(())
    }
}

/// Puts received echoes back into the slots that they came in.
fn put_slots(engine: &mut Engine, mut bytes: &[u8], count: usize) -> Option<()> {
    let range = engine.receive_slots(count);
    let slots = engine.receive_slots_mut();
    for slot in slots[..range.len()].chunks_exact_mut(SLOT_BYTES) {
        let (own, rest) = bytes.split_at_checked(abi::filled(bytes))?;
        slot.fill(0);
        slot[..own.len()].copy_from_slice(own);
        bytes = rest;
    }
    bytes.is_empty().then_some(())
}

fn restore(engine: &mut Engine, memory: &Record, parts: &[Record]) -> Option<()> {
    engine.grow(u64::from(memory.word(0)?)).ok()?;
    for part in parts {
        match part.kind {
            Kind::Page => engine.put(part.word(0)? as usize, part.payload.get(4..)?)?,
            Kind::Global => {
                let (bits, name) = part.payload.split_first_chunk()?;
                let name = std::str::from_utf8(name).ok()?;
                engine.set_global(name, u64::from_le_bytes(*bits))?;
            }
            _ => return None,
        }
    }
    let key = KEY.map(i64::to_le_bytes).concat();
    engine.put(engine.secret(), &key)
}
