//! What goes into the engine and what it asks for (assembly/index.ts, assembly/action.ts,
//! assembly/icmp/slot.ts).

use std::ops::Range;

use crate::clock;

/// Echoes in one batch, each way (assembly/limits.ts).
pub const BATCH: usize = 64;
/// One echo with its addresses (assembly/icmp/slot.ts).
pub const SLOT_BYTES: usize = 1536;
/// A slot's part before its message, and where that has its length (assembly/icmp/slot.ts).
const SLOT_HEAD_BYTES: usize = 64;
const SLOT_LENGTH: usize = 4;

/// In an action's argument: echoes that are meant to leave unencrypted (assembly/action.ts).
const UNGUARDED: u32 = 0x100;

/// One input. Bytes that belong to it stand in the engine's input buffer or receive slots.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    Start { key: [i64; 2], seed: i64, identifier: u16, utc_offset_s: i32 },
    Configure { path_len: usize, len: usize, edited: bool },
    Network { len: usize },
    NetworkLost,
    Tick,
    Chores,
    Replies { version: u32, count: usize },
    Unsent { version: u32, index: usize, errno: i32 },
    ViciOpened,
    ViciClosed { errno: i32 },
    ViciBytes { len: usize },
    Command { client: u32, len: usize },
    Recorder { on: bool, errno: i32 },
    HookEnded { outcome: u32, detail: i32, len: usize },
    HookTold { what: u32, runs: bool, len: usize },
    Saved { errno: i32 },
    Facts { len: usize },
    XfrmOpened { errno: i32 },
    Xfrm { len: usize },
}

impl Input {
    /// The call's number in a recording, and its arguments (docs/recording.md).
    pub fn call(self) -> (u8, [i32; 3]) {
        match self {
            Input::Start { .. } => (0, [0; 3]),
            Input::Configure { path_len, len, edited } => {
                (1, [path_len as i32, len as i32, edited.into()])
            }
            Input::Network { len } => (2, [len as i32, 0, 0]),
            Input::NetworkLost => (3, [0; 3]),
            Input::Tick => (4, [0; 3]),
            Input::Chores => (5, [0; 3]),
            Input::Replies { version, count } => (6, [version as i32, count as i32, 0]),
            Input::Unsent { version, index, errno } => (7, [version as i32, index as i32, errno]),
            Input::ViciOpened => (8, [0; 3]),
            Input::ViciClosed { errno } => (9, [errno, 0, 0]),
            Input::ViciBytes { len } => (10, [len as i32, 0, 0]),
            Input::Command { client, len } => (11, [client as i32, len as i32, 0]),
            Input::Recorder { on, errno } => (12, [on.into(), errno, 0]),
            Input::HookEnded { outcome, detail, len } => (13, [outcome as i32, detail, len as i32]),
            Input::HookTold { what, runs, len } => (14, [what as i32, runs.into(), len as i32]),
            Input::Saved { errno } => (15, [errno, 0, 0]),
            Input::Facts { len } => (16, [len as i32, 0, 0]),
            Input::XfrmOpened { errno } => (17, [errno, 0, 0]),
            Input::Xfrm { len } => (18, [len as i32, 0, 0]),
        }
    }

    /// The input of such a call; START is none.
    pub fn of_call(call: u8, [a, b, c]: [i32; 3]) -> Option<Input> {
        let size = |number: i32| number as u32 as usize;
        Some(match call {
            1 => Input::Configure { path_len: size(a), len: size(b), edited: c != 0 },
            2 => Input::Network { len: size(a) },
            3 => Input::NetworkLost,
            4 => Input::Tick,
            5 => Input::Chores,
            6 => Input::Replies { version: a as u32, count: size(b) },
            7 => Input::Unsent { version: a as u32, index: size(b), errno: c },
            8 => Input::ViciOpened,
            9 => Input::ViciClosed { errno: a },
            10 => Input::ViciBytes { len: size(a) },
            11 => Input::Command { client: a as u32, len: size(b) },
            12 => Input::Recorder { on: a != 0, errno: b },
            13 => Input::HookEnded { outcome: a as u32, detail: b, len: size(c) },
            14 => Input::HookTold { what: a as u32, runs: b != 0, len: size(c) },
            15 => Input::Saved { errno: a },
            16 => Input::Facts { len: size(a) },
            17 => Input::XfrmOpened { errno: a },
            18 => Input::Xfrm { len: size(a) },
            _ => return None,
        })
    }

    /// How many bytes of the input buffer belong to it.
    pub fn len(self) -> usize {
        match self {
            Input::Configure { path_len, len, .. } => path_len.saturating_add(len),
            Input::Network { len }
            | Input::ViciBytes { len }
            | Input::Command { len, .. }
            | Input::HookEnded { len, .. }
            | Input::HookTold { len, .. }
            | Input::Facts { len }
            | Input::Xfrm { len } => len,
            _ => 0,
        }
    }
}

/// The time that an input comes with.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub now_ms: i64,
    pub wall_ms: i64,
}

impl Times {
    pub fn now() -> Times {
        Times { now_ms: clock::now_ms(), wall_ms: clock::wall_ms() }
    }
}

/// What the engine wants done. Ranges are of its memory, and hold until its next input.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    SendEchoes { version: u32, is_guarded: bool, slots: Range<usize> },
    ViciConnect { path: Range<usize> },
    ViciSend { bytes: Range<usize> },
    ViciClose,
    Log { severity: u32, text: Range<usize> },
    Reply { client: u32, bytes: Range<usize> },
    ConfigError { line: Range<usize> },
    NetlinkSend { bytes: Range<usize> },
    ConfigTaken { summary: Range<usize> },
    Recorder { on: bool },
    SaveRecording { client: u32, file: Range<usize> },
    LogJson { severity: u32, line: Range<usize> },
    LogFields { severity: u32, fields: Range<usize> },
    RunHook { what: u32, message: Range<usize> },
    ConfigChanged { text: Range<usize> },
    SaveConfig { force: bool },
    TellFacts,
    XfrmSend { bytes: Range<usize> },
}

impl Action {
    pub fn decode(record: &[u8], memory_len: usize) -> Option<Action> {
        let word = |i: usize| u32::from_le_bytes(record[4 * i..4 * i + 4].try_into().unwrap());
        let (kind, argument, start, length) =
            (word(0), word(1), word(2) as usize, word(3) as usize);
        let bytes = start..start.checked_add(length)?;
        let action = match kind {
            1 if length <= BATCH => {
                let slots = start..start.checked_add(length * SLOT_BYTES)?;
                let is_guarded = argument & UNGUARDED == 0;
                Action::SendEchoes { version: argument & !UNGUARDED, is_guarded, slots }
            }
            2 => Action::ViciConnect { path: bytes },
            3 => Action::ViciSend { bytes },
            4 => Action::ViciClose,
            5 => Action::Log { severity: argument, text: bytes },
            6 => Action::Reply { client: argument, bytes },
            7 => Action::ConfigError { line: bytes },
            8 => Action::NetlinkSend { bytes },
            9 => Action::ConfigTaken { summary: bytes },
            10 => Action::Recorder { on: argument != 0 },
            11 => Action::SaveRecording { client: argument, file: bytes },
            12 => Action::LogJson { severity: argument, line: bytes },
            13 => Action::LogFields { severity: argument, fields: bytes },
            14 => Action::RunHook { what: argument, message: bytes },
            15 => Action::ConfigChanged { text: bytes },
            16 => Action::SaveConfig { force: argument != 0 },
            17 => Action::TellFacts,
            18 => Action::XfrmSend { bytes },
            _ => return None,
        };
        let end = match &action {
            Action::ViciClose | Action::Recorder { .. } => 0,
            Action::SaveConfig { .. } | Action::TellFacts => 0,
            Action::SendEchoes { slots, .. } => slots.end,
            _ => start + length,
        };
        (end <= memory_len).then_some(action)
    }

    /// Its kind, its argument, and the bytes that it points at.
    pub fn parts(&self) -> (u32, u32, Range<usize>) {
        match self.clone() {
            Action::SendEchoes { version, is_guarded: true, slots } => (1, version, slots),
            Action::SendEchoes { version, slots, .. } => (1, version | UNGUARDED, slots),
            Action::ViciConnect { path } => (2, 0, path),
            Action::ViciSend { bytes } => (3, 0, bytes),
            Action::ViciClose => (4, 0, 0..0),
            Action::Log { severity, text } => (5, severity, text),
            Action::Reply { client, bytes } => (6, client, bytes),
            Action::ConfigError { line } => (7, 0, line),
            Action::NetlinkSend { bytes } => (8, 0, bytes),
            Action::ConfigTaken { summary } => (9, 0, summary),
            Action::Recorder { on } => (10, on.into(), 0..0),
            Action::SaveRecording { client, file } => (11, client, file),
            Action::LogJson { severity, line } => (12, severity, line),
            Action::LogFields { severity, fields } => (13, severity, fields),
            Action::RunHook { what, message } => (14, what, message),
            Action::ConfigChanged { text } => (15, 0, text),
            Action::SaveConfig { force } => (16, force.into(), 0..0),
            Action::TellFacts => (17, 0, 0..0),
            Action::XfrmSend { bytes } => (18, 0, bytes),
        }
    }
}

/// Appends slots, each cut to what is in use of it.
pub fn copy_slots(out: &mut Vec<u8>, slots: &[u8]) {
    for slot in slots.chunks_exact(SLOT_BYTES) {
        out.extend(&slot[..filled(slot)]);
    }
}

/// Bytes of a slot that are in use.
pub fn filled(slot: &[u8]) -> usize {
    let length = slot.get(SLOT_LENGTH..).and_then(|bytes| bytes.first_chunk());
    let length = length.map_or(0, |bytes| u32::from_le_bytes(*bytes));
    SLOT_HEAD_BYTES.saturating_add(length as usize).min(SLOT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::Chance;

    fn record(kind: u32, argument: u32, start: u32, length: u32) -> Vec<u8> {
        [kind, argument, start, length].iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn actions_decode() {
        let log = Action::decode(&record(5, 6, 100, 20), 120);
        assert_eq!(log, Some(Action::Log { severity: 6, text: 100..120 }));
        let echoes = Action::decode(&record(1, 4, 64, 2), 64 + 2 * SLOT_BYTES);
        let slots = 64..64 + 2 * SLOT_BYTES;
        let sent = Action::SendEchoes { version: 4, is_guarded: true, slots: slots.clone() };
        assert_eq!(echoes, Some(sent));
        let clear = Action::decode(&record(1, 4 | UNGUARDED, 64, 2), slots.end);
        assert_eq!(clear, Some(Action::SendEchoes { version: 4, is_guarded: false, slots }));
    }

    #[test]
    fn whatever_a_record_says_its_bytes_are_inside() {
        let mut chance = Chance(1);
        let mut taken = 0;
        for _ in 0..200_000 {
            let kind = chance.below(24) as u32;
            let memory_len = chance.word() as usize;
            let record = record(kind, chance.word(), chance.word(), chance.word());
            if let Some(action) = Action::decode(&record, memory_len) {
                let (same_kind, _, bytes) = action.parts();
                assert_eq!(same_kind, kind);
                assert!(bytes.start <= bytes.end && bytes.end <= memory_len, "{action:?}");
                taken += 1;
            }
        }
        assert!(taken > 1000);
    }

    #[test]
    fn actions_that_point_outside_are_refused() {
        assert_eq!(Action::decode(&record(5, 6, 100, 21), 120), None);
        assert_eq!(Action::decode(&record(6, 0, u32::MAX, u32::MAX), 1 << 20), None);
        assert_eq!(Action::decode(&record(1, 4, 64, 2), 63 + 2 * SLOT_BYTES), None);
        assert_eq!(Action::decode(&record(1, 4, 0, BATCH as u32 + 1), usize::MAX), None);
        assert_eq!(Action::decode(&record(99, 0, 0, 0), 1 << 20), None);
    }

    #[test]
    fn a_slot_is_cut_where_its_message_ends() {
        let mut slot = [1; SLOT_BYTES];
        for (length, cut) in [(0u32, 64), (84, 148), (1472, 1536), (1473, 1536), (u32::MAX, 1536)] {
            slot[4..8].copy_from_slice(&length.to_le_bytes());
            assert_eq!(filled(&slot), cut);
        }
    }
}
