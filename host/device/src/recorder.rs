//! The flight recorder: writes down what the engine is told and what it asks for. When to record is
//! the engine's decision; what goes wrong here ends the recording and nothing else.

use std::io;
use std::path::{Path, PathBuf};

use crate::abi::{Action, Input, Times};
use crate::clock;
use crate::engine::Engine;
use crate::fault::Fault;
use crate::record;
use crate::ring::Ring;

/// More than this stays reserved only while it is needed.
const BUFFER_BYTES: usize = 64 << 10;

pub struct Recorder {
    /// The error that its files could not be opened for.
    ring: Result<Ring, i32>,
    state: State,
    /// Records that are not written yet.
    buffer: Vec<u8>,
    /// When the recording began, UTC.
    began_ms: i64,
    /// What RECORDER asked for.
    asked: Option<bool>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Off,
    /// A fresh engine has not said yet whether it is to be recorded; the buffer has all so far.
    Opening,
    On,
    /// An error ended it, which the engine does not know yet.
    Failed(i32),
}

impl Recorder {
    pub fn open(folder: &Path) -> Recorder {
        let ring = Ring::open(folder).map_err(|error| errno(&error));
        Recorder { ring, state: State::Off, buffer: Vec::new(), began_ms: 0, asked: None }
    }

    /// A fresh engine is about to get its first input.
    pub fn begin(&mut self) {
        self.buffer.clear();
        self.asked = None;
        self.state = State::Opening;
    }

    /// The engine has its configuration: it is recorded by now, or not from its start on.
    pub fn settle(&mut self) {
        if self.state == State::Opening {
            self.state = State::Off;
            self.buffer = Vec::new();
        }
    }

    /// Before each call of the engine.
    pub fn input(&mut self, engine: &mut Engine, input: Input, times: Times) {
        if matches!(self.state, State::On | State::Opening) {
            let result = record::input(&mut self.buffer, engine, input, times);
            self.written(result);
        }
    }

    /// After each call, before its actions are carried out.
    pub fn actions(&mut self, engine: &mut Engine, actions: &[Action]) {
        if matches!(self.state, State::On | State::Opening) {
            let result = record::actions(&mut self.buffer, engine, actions);
            self.written(result);
        }
    }

    /// After a call that trapped: ends the recording and keeps it; says where.
    pub fn trap(&mut self, fault: &Fault) -> Option<io::Result<PathBuf>> {
        let was_on = self.state == State::On;
        if was_on {
            record::trap(&mut self.buffer, fault.said, &fault.message);
            self.written(Ok(()));
        }
        self.state = State::Off;
        self.buffer = Vec::new();
        self.ring.as_ref().ok().filter(|_| was_on).map(|ring| ring.keep().map(Path::to_path_buf))
    }

    /// RECORDER: `mind` does it when all actions are carried out.
    pub fn ask(&mut self, on: bool) {
        self.asked = Some(on);
    }

    /// Between two calls, when nothing is left to be carried out: begins, goes on to the next
    /// segment, or ends. Some: what the engine is to be told of that.
    pub fn mind(&mut self, engine: &mut Engine) -> Option<Input> {
        let told = match self.asked.take() {
            Some(true) => {
                self.began_ms = clock::wall_ms();
                self.begin_segment(engine);
                (self.state == State::On).then_some(Input::Recorder { on: true, errno: 0 })
            }
            Some(false) => {
                self.state = State::Off;
                Some(Input::Recorder { on: false, errno: 0 })
            }
            None => None,
        };
        if self.state == State::On && self.ring.as_ref().is_ok_and(Ring::is_full) {
            self.begin_segment(engine);
        }
        if let State::Failed(errno) = self.state {
            self.state = State::Off;
            self.buffer = Vec::new();
            return Some(Input::Recorder { on: false, errno });
        }
        told
    }

    /// All that is recorded, behind `head`.
    pub fn saved(&self, head: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = head.to_vec();
        match &self.ring {
            Ok(ring) => ring.read(&mut bytes)?,
            Err(errno) => return Err(io::Error::from_raw_os_error(*errno)),
        }
        Ok(bytes)
    }

    /// What an opening engine has been told so far begins a segment; else a snapshot does.
    fn begin_segment(&mut self, engine: &mut Engine) {
        let is_opening = self.state == State::Opening;
        let so_far = if is_opening { std::mem::take(&mut self.buffer) } else { Vec::new() };
        let result = self.write_begin(engine, is_opening.then_some(&so_far[..]));
        self.state = match result {
            Ok(()) => State::On,
            Err(error) => State::Failed(errno(&error)),
        };
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES);
    }

    fn write_begin(&mut self, engine: &mut Engine, so_far: Option<&[u8]>) -> io::Result<()> {
        let ring = self.ring.as_mut().map_err(|errno| io::Error::from_raw_os_error(*errno))?;
        let number = ring.turn()?;
        let buffer = &mut self.buffer;
        buffer.clear();
        record::engine(buffer, self.began_ms, number);
        match so_far {
            Some(bytes) => {
                ring.append(buffer)?;
                ring.append(bytes)?;
            }
            None => record::snapshot(buffer, engine, Times::now(), |buffer, is_end| {
                if is_end || buffer.len() >= BUFFER_BYTES {
                    ring.append(buffer)?;
                    buffer.clear();
                }
                Ok(())
            })?,
        }
        ring.begun();
        Ok(())
    }

    /// Writes the record that was just made.
    fn written(&mut self, result: io::Result<()>) {
        if self.state == State::Opening {
            return;
        }
        let result = match (&mut self.ring, result) {
            (Ok(ring), Ok(())) if self.buffer.len() <= record::MAX_BYTES => {
                ring.append(&self.buffer)
            }
            (_, result) => result.and(Err(io::Error::from_raw_os_error(libc::EFBIG))),
        };
        if let Err(error) = result {
            self.state = State::Failed(errno(&error));
        }
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES);
    }
}

fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

#[cfg(test)]
mod tests;
