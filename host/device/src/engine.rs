//! The engine: one WebAssembly instance, what goes into it and what it asks for. All of its ABI
//! that the host knows is here (assembly/index.ts, assembly/action.ts, assembly/icmp/slot.ts).

use std::ops::Range;

use wasmtime::{
    Caller, Extern, Func, Instance, Memory, Module, Result, Store, TypedFunc, format_err,
};

use crate::clock;
use crate::fault::Fault;
use crate::wasm_config::wasm_config;

/// The engine, compiled ahead of time for this target by compile-engine.
static ARTIFACT: &[u8] = include_bytes!(env!("REKEYD_ENGINE"));

/// Echoes in one batch, each way (assembly/limits.ts).
pub const BATCH: usize = 64;
/// One echo with its addresses (assembly/icmp/slot.ts).
pub const SLOT_BYTES: usize = 1536;

const ACTION_BYTES: usize = 16;
const MAX_TRAP_MESSAGE_BYTES: usize = 512;

/// The engine's code, from which instances are made.
pub struct Program {
    engine: wasmtime::Engine,
    module: Module,
}

impl Program {
    pub fn load() -> Result<Program> {
        let engine = wasmtime::Engine::new(&wasm_config(env!("REKEYD_TARGET"))?)?;
        // SAFETY: the artifact was made by compile-engine, with the same wasmtime, in this build.
        let module = unsafe { Module::deserialize(&engine, ARTIFACT)? };
        Ok(Program { engine, module })
    }

    /// A fresh instance, in a store of its own: instances pile up in a store until it is dropped.
    pub fn instantiate(&self) -> Result<Engine> {
        let mut store = Store::new(&self.engine, TrapMessage::default());
        let trap = Func::wrap(&mut store, keep_trap_message);
        let instance = Instance::new(&mut store, &self.module, &[trap.into()])?;
        Engine::new(store, instance)
    }
}

/// What the engine said before it trapped.
#[derive(Default)]
struct TrapMessage(Option<String>);

/// The module's only import, `host.trap`: why and where an assertion failed.
fn keep_trap_message(mut caller: Caller<'_, TrapMessage>, message: i32, length: i32) {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let length = (length as u32 as usize).min(MAX_TRAP_MESSAGE_BYTES);
    let mut bytes = vec![0; length];
    if let Some(memory) = memory
        && memory.read(&caller, message as u32 as usize, &mut bytes).is_ok()
    {
        caller.data_mut().0 = Some(String::from_utf8_lossy(&bytes).into_owned());
    }
}

/// One input. Bytes that belong to it stand in the engine's input buffer or receive slots.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    Start { key: [i64; 2], identifier: u16, utc_offset_s: i32 },
    Configure { path_len: usize, len: usize },
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
}

/// What the engine wants done. Ranges are of its memory, and hold until its next input.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    SendEchoes { version: u32, slots: Range<usize> },
    ViciConnect { path: Range<usize> },
    ViciSend { bytes: Range<usize> },
    ViciClose,
    Log { severity: u32, text: Range<usize> },
    Reply { client: u32, bytes: Range<usize> },
    ConfigError { line: Range<usize> },
    NetlinkSend { bytes: Range<usize> },
    ConfigTaken { summary: Range<usize> },
}

impl Action {
    fn decode(record: &[u8], memory_len: usize) -> Option<Action> {
        let word = |i: usize| u32::from_le_bytes(record[4 * i..4 * i + 4].try_into().unwrap());
        let (kind, argument, start, length) =
            (word(0), word(1), word(2) as usize, word(3) as usize);
        let bytes = start..start.checked_add(length)?;
        let action = match kind {
            1 if length <= BATCH => {
                let slots = start..start + length * SLOT_BYTES;
                Action::SendEchoes { version: argument, slots }
            }
            2 => Action::ViciConnect { path: bytes },
            3 => Action::ViciSend { bytes },
            4 => Action::ViciClose,
            5 => Action::Log { severity: argument, text: bytes },
            6 => Action::Reply { client: argument, bytes },
            7 => Action::ConfigError { line: bytes },
            8 => Action::NetlinkSend { bytes },
            9 => Action::ConfigTaken { summary: bytes },
            _ => return None,
        };
        let end = match &action {
            Action::ViciClose => 0,
            Action::SendEchoes { slots, .. } => slots.end,
            _ => start + length,
        };
        (end <= memory_len).then_some(action)
    }
}

/// A running instance.
pub struct Engine {
    store: Store<TrapMessage>,
    memory: Memory,
    exports: Exports,
    input: Range<usize>,
    receive_slots: Range<usize>,
    actions: usize,
}

struct Exports {
    start: TypedFunc<(i64, i64, i32, i32, i64, i64), i32>,
    configure: TypedFunc<(i32, i32, i64, i64), i32>,
    network: TypedFunc<(i32, i64, i64), i32>,
    network_lost: TypedFunc<(i64, i64), i32>,
    tick: TypedFunc<(i64, i64), i32>,
    chores: TypedFunc<(i64, i64), i32>,
    replies: TypedFunc<(i32, i32, i64, i64), i32>,
    unsent: TypedFunc<(i32, i32, i32, i64, i64), i32>,
    vici_opened: TypedFunc<(i64, i64), i32>,
    vici_closed: TypedFunc<(i32, i64, i64), i32>,
    vici_bytes: TypedFunc<(i32, i64, i64), i32>,
    command: TypedFunc<(i32, i32, i64, i64), i32>,
    deadline: TypedFunc<(), i64>,
}

impl Engine {
    fn new(mut store: Store<TrapMessage>, instance: Instance) -> Result<Engine> {
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| format_err!("the engine exports no memory"))?;
        let mut constant = |name| -> Result<usize> {
            let function = instance.get_typed_func::<(), i32>(&mut store, name)?;
            Ok(function.call(&mut store, ())? as u32 as usize)
        };
        if constant("batch")? != BATCH || constant("slotBytes")? != SLOT_BYTES {
            return Err(format_err!("the engine's echo slots are not the host's"));
        }
        let input = constant("input")?;
        let input = input..input + constant("inputBytes")?;
        let receive_slots = constant("receiveSlots")?;
        let receive_slots = receive_slots..receive_slots + BATCH * SLOT_BYTES;
        let actions = constant("actions")?;
        let exports = Exports {
            start: instance.get_typed_func(&mut store, "start")?,
            configure: instance.get_typed_func(&mut store, "configure")?,
            network: instance.get_typed_func(&mut store, "network")?,
            network_lost: instance.get_typed_func(&mut store, "networkLost")?,
            tick: instance.get_typed_func(&mut store, "tick")?,
            chores: instance.get_typed_func(&mut store, "chores")?,
            replies: instance.get_typed_func(&mut store, "replies")?,
            unsent: instance.get_typed_func(&mut store, "unsent")?,
            vici_opened: instance.get_typed_func(&mut store, "viciOpened")?,
            vici_closed: instance.get_typed_func(&mut store, "viciClosed")?,
            vici_bytes: instance.get_typed_func(&mut store, "viciBytes")?,
            command: instance.get_typed_func(&mut store, "command")?,
            deadline: instance.get_typed_func(&mut store, "deadline")?,
        };
        if input.end.max(receive_slots.end) > memory.data_size(&store) {
            return Err(format_err!("the engine's buffers lie outside its memory"));
        }
        Ok(Engine { store, memory, exports, input, receive_slots, actions })
    }

    /// Where the bytes of the next input go.
    pub fn input_mut(&mut self) -> &mut [u8] {
        &mut self.memory.data_mut(&mut self.store)[self.input.clone()]
    }

    /// Copies the bytes of the next input in, as many as fit.
    pub fn write_input(&mut self, parts: &[&[u8]]) -> usize {
        let mut buffer = self.input_mut();
        let mut written = 0;
        for part in parts {
            let length = part.len().min(buffer.len());
            buffer[..length].copy_from_slice(&part[..length]);
            buffer = &mut buffer[length..];
            written += length;
        }
        written
    }

    /// Where received echoes go: BATCH slots of SLOT_BYTES.
    pub fn receive_slots_mut(&mut self) -> &mut [u8] {
        &mut self.memory.data_mut(&mut self.store)[self.receive_slots.clone()]
    }

    /// What an action points at.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.memory.data(&self.store)[range]
    }

    /// When the engine wants its next Tick and Chores, in ms of CLOCK_MONOTONIC.
    pub fn deadline_ms(&mut self) -> i64 {
        // It reads one variable; if that ever trapped, the Tick would show why.
        self.exports.deadline.call(&mut self.store, ()).unwrap_or(i64::MIN)
    }

    /// Feeds one input and collects what the engine wants done about it.
    pub fn feed(&mut self, input: Input, actions: &mut Vec<Action>) -> Result<(), Fault> {
        actions.clear();
        let result = self.call(input).and_then(|count| self.collect(count as usize, actions));
        result.map_err(|error| {
            actions.clear();
            let message = self.store.data_mut().0.take();
            let message = message.unwrap_or_else(|| error.root_cause().to_string());
            Fault::new(input, message, self.bytes_of(input))
        })
    }

    fn call(&mut self, input: Input) -> Result<i32> {
        let (now, wall) = (clock::now_ms(), clock::wall_ms());
        let (exports, store) = (&self.exports, &mut self.store);
        match input {
            Input::Start { key, identifier, utc_offset_s } => exports
                .start
                .call(store, (key[0], key[1], identifier.into(), utc_offset_s, now, wall)),
            Input::Configure { path_len, len } => {
                exports.configure.call(store, (path_len as i32, len as i32, now, wall))
            }
            Input::Network { len } => exports.network.call(store, (len as i32, now, wall)),
            Input::NetworkLost => exports.network_lost.call(store, (now, wall)),
            Input::Tick => exports.tick.call(store, (now, wall)),
            Input::Chores => exports.chores.call(store, (now, wall)),
            Input::Replies { version, count } => {
                exports.replies.call(store, (version as i32, count as i32, now, wall))
            }
            Input::Unsent { version, index, errno } => {
                exports.unsent.call(store, (version as i32, index as i32, errno, now, wall))
            }
            Input::ViciOpened => exports.vici_opened.call(store, (now, wall)),
            Input::ViciClosed { errno } => exports.vici_closed.call(store, (errno, now, wall)),
            Input::ViciBytes { len } => exports.vici_bytes.call(store, (len as i32, now, wall)),
            Input::Command { client, len } => {
                exports.command.call(store, (client as i32, len as i32, now, wall))
            }
        }
    }

    fn collect(&self, count: usize, actions: &mut Vec<Action>) -> Result<()> {
        let memory = self.memory.data(&self.store);
        let records = memory.get(self.actions..).unwrap_or_default().chunks_exact(ACTION_BYTES);
        if count > records.len() {
            return Err(format_err!("impossible count of actions: {count}"));
        }
        for record in records.take(count) {
            let action = Action::decode(record, memory.len());
            actions.push(action.ok_or_else(|| format_err!("impossible action: {record:?}"))?);
        }
        Ok(())
    }

    /// The bytes of an input that trapped, perhaps because its lengths are wrong.
    fn bytes_of(&self, input: Input) -> &[u8] {
        let (range, length) = match input {
            Input::Configure { path_len, len } => (&self.input, path_len + len),
            Input::Network { len } | Input::ViciBytes { len } | Input::Command { len, .. } => {
                (&self.input, len)
            }
            Input::Replies { count, .. } => (&self.receive_slots, count * SLOT_BYTES),
            _ => return &[],
        };
        let bytes = self.bytes(range.clone());
        &bytes[..length.min(bytes.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, argument: u32, start: u32, length: u32) -> Vec<u8> {
        [kind, argument, start, length].iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn actions_decode() {
        let log = Action::decode(&record(5, 6, 100, 20), 120);
        assert_eq!(log, Some(Action::Log { severity: 6, text: 100..120 }));
        let echoes = Action::decode(&record(1, 4, 64, 2), 64 + 2 * SLOT_BYTES);
        assert_eq!(echoes, Some(Action::SendEchoes { version: 4, slots: 64..64 + 2 * SLOT_BYTES }));
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
    fn the_artifact_was_made_with_this_config() {
        let mut engine = Program::load().unwrap().instantiate().unwrap();
        assert_eq!(engine.receive_slots_mut().len(), BATCH * SLOT_BYTES);
        assert!(engine.input_mut().len() > 1 << 20);
    }

    #[test]
    fn the_reservation_is_the_largest_memory() {
        let program = Program::load().unwrap();
        let memory = program.module.get_export("memory").unwrap();
        let pages = memory.unwrap_memory().maximum().unwrap();
        assert_eq!(pages << 16, crate::wasm_config::MAX_MEMORY_BYTES);
    }

    #[test]
    fn a_bad_file_is_refused_and_a_good_one_is_not() {
        let mut engine = Program::load().unwrap().instantiate().unwrap();
        let mut actions = Vec::new();
        let start = Input::Start { key: [1, 2], identifier: 3, utc_offset_s: 0 };
        engine.feed(start, &mut actions).unwrap();
        for (text, is_good) in
            [("config vpn 'a'\n\toption gateway 'g'\n", true), ("confg\n", false)]
        {
            let len = engine.write_input(&[b"file", text.as_bytes()]) - 4;
            engine.feed(Input::Configure { path_len: 4, len }, &mut actions).unwrap();
            let is_error = |action: &Action| matches!(action, Action::ConfigError { .. });
            assert_eq!(!actions.iter().any(is_error), is_good, "{text}");
        }
    }
}
