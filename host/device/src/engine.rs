//! The engine: one WebAssembly instance and its calls (assembly/index.ts).

use std::io;
use std::ops::Range;

use wasmtime::{
    Caller, Error, Extern, Func, Instance, Memory, Module, Mutability, Result, Store, TypedFunc,
    Val, format_err,
};

use crate::abi::{self, Action, BATCH, Input, SLOT_BYTES, Times};
use crate::artifact;
use crate::fault::Fault;

const ACTION_BYTES: usize = 16;
/// One read from the vici stream or from netlink.
const READ_BYTES: usize = 64 << 10;
const MAX_TRAP_MESSAGE_BYTES: usize = 512;

/// The engine's code, from which instances are made.
pub struct Program {
    engine: wasmtime::Engine,
    module: Module,
}

impl Program {
    pub fn load() -> Result<Program> {
        let (engine, module) = artifact::load()?;
        Ok(Program { engine, module })
    }

    /// A fresh instance, in a store of its own: instances pile up in a store until it is dropped.
    pub fn instantiate(&self) -> Result<Engine> {
        let mut store = Store::new(&self.engine, TrapMessage::default());
        let trap = Func::wrap(&mut store, keep_trap_message);
        let instance = Instance::new(&mut store, &self.module, &[trap.into()]).map_err(explain)?;
        Engine::new(store, instance)
    }
}

/// Says what to do where there is no room for its memory.
fn explain(error: Error) -> Error {
    format_err!(
        "the engine cannot start: {error:#}; it reserves address space (4 GiB on 64 bits), \
         though it takes little memory: 'ulimit -v unlimited', or LimitAS=infinity for systemd"
    )
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

/// A running instance.
pub struct Engine {
    store: Store<TrapMessage>,
    instance: Instance,
    memory: Memory,
    exports: Exports,
    input: Range<usize>,
    receive_slots: Range<usize>,
    actions: usize,
    secret: usize,
}

type StartArguments = (i64, i64, i64, i32, i32, i64, i64);

struct Exports {
    start: TypedFunc<StartArguments, i32>,
    configure: TypedFunc<(i32, i32, i32, i64, i64), i32>,
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
    recorder: TypedFunc<(i32, i32, i64, i64), i32>,
    hook_ended: TypedFunc<(i32, i32, i32, i64, i64), i32>,
    hook_told: TypedFunc<(i32, i32, i32, i64, i64), i32>,
    saved: TypedFunc<(i32, i64, i64), i32>,
    facts: TypedFunc<(i32, i64, i64), i32>,
    xfrm_opened: TypedFunc<(i32, i64, i64), i32>,
    xfrm: TypedFunc<(i32, i64, i64), i32>,
    deadline: TypedFunc<(), i64>,
    conceal: TypedFunc<(i32, i32, i32), ()>,
    reveal: TypedFunc<(i32, i32, i32), ()>,
    wipe: TypedFunc<(), ()>,
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
        let secret = constant("secret")?;
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
            recorder: instance.get_typed_func(&mut store, "recorder")?,
            hook_ended: instance.get_typed_func(&mut store, "hookEnded")?,
            hook_told: instance.get_typed_func(&mut store, "hookTold")?,
            saved: instance.get_typed_func(&mut store, "saved")?,
            facts: instance.get_typed_func(&mut store, "facts")?,
            xfrm_opened: instance.get_typed_func(&mut store, "xfrmOpened")?,
            xfrm: instance.get_typed_func(&mut store, "xfrm")?,
            deadline: instance.get_typed_func(&mut store, "deadline")?,
            conceal: instance.get_typed_func(&mut store, "conceal")?,
            reveal: instance.get_typed_func(&mut store, "reveal")?,
            wipe: instance.get_typed_func(&mut store, "wipe")?,
        };
        if input.end.max(receive_slots.end) > memory.data_size(&store) {
            return Err(format_err!("the engine's buffers lie outside its memory"));
        }
        Ok(Engine { store, instance, memory, exports, input, receive_slots, actions, secret })
    }

    /// Where the bytes of the next input go.
    pub fn input_mut(&mut self) -> &mut [u8] {
        &mut self.memory.data_mut(&mut self.store)[self.input.clone()]
    }

    /// The part of it that one read may fill.
    pub fn read_buffer(&mut self) -> &mut [u8] {
        let input = self.input_mut();
        let length = input.len().min(READ_BYTES);
        &mut input[..length]
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

    /// Where the first `count` of them are.
    pub fn receive_slots(&self, count: usize) -> Range<usize> {
        let start = self.receive_slots.start;
        start..start + count.min(BATCH) * SLOT_BYTES
    }

    /// The bytes of an input, unless it claims more than the buffer has.
    pub fn input_bytes(&self, input: Input) -> &[u8] {
        self.bytes(self.input.clone()).get(..input.len()).unwrap_or_default()
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
    pub fn feed(
        &mut self,
        input: Input,
        times: Times,
        actions: &mut Vec<Action>,
    ) -> Result<(), Fault> {
        actions.clear();
        let result =
            self.call(input, times).and_then(|count| self.collect(count as usize, actions));
        result.map_err(|error| {
            actions.clear();
            let said = self.store.data_mut().0.take();
            let is_said = said.is_some();
            let message = said.unwrap_or_else(|| error.root_cause().to_string());
            Fault::new(input, message, is_said, &self.bytes_of(input))
        })
    }

    fn call(&mut self, input: Input, times: Times) -> Result<i32> {
        let (now, wall) = (times.now_ms, times.wall_ms);
        let (exports, store) = (&self.exports, &mut self.store);
        match input {
            Input::Start { key, seed, identifier, utc_offset_s } => exports
                .start
                .call(store, (key[0], key[1], seed, identifier.into(), utc_offset_s, now, wall)),
            Input::Configure { path_len, len, edited } => {
                let arguments = (path_len as i32, len as i32, edited.into(), now, wall);
                exports.configure.call(store, arguments)
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
            Input::Recorder { on, errno } => {
                exports.recorder.call(store, (on.into(), errno, now, wall))
            }
            Input::HookEnded { outcome, detail, len } => {
                exports.hook_ended.call(store, (outcome as i32, detail, len as i32, now, wall))
            }
            Input::HookTold { what, runs, len } => {
                exports.hook_told.call(store, (what as i32, runs.into(), len as i32, now, wall))
            }
            Input::Saved { errno } => exports.saved.call(store, (errno, now, wall)),
            Input::Facts { len } => exports.facts.call(store, (len as i32, now, wall)),
            Input::XfrmOpened { errno } => exports.xfrm_opened.call(store, (errno, now, wall)),
            Input::Xfrm { len } => exports.xfrm.call(store, (len as i32, now, wall)),
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

    /// The bytes of an input that trapped, perhaps because its lengths are wrong. Of replies none
    /// if their tokens cannot be concealed.
    fn bytes_of(&mut self, input: Input) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Input::Replies { version, count } = input {
            if self.copy_replies(&mut bytes, version, count).is_err() {
                bytes.clear();
            }
        } else {
            let all = self.bytes(self.input.clone());
            bytes.extend(&all[..input.len().min(all.len())]);
        }
        bytes
    }
}

/// For tests of what a trap does.
#[cfg(any(test, feature = "fault"))]
impl Engine {
    /// An input on which the engine traps, if the request is one for that.
    pub fn fault(&mut self, client: u32, request: &[u8]) -> Option<Input> {
        match request {
            b"fault" => {
                self.input_mut().fill(0);
                self.write_input(&[request]);
                Some(Input::Command { client, len: u32::MAX as usize })
            }
            b"fault memory" => {
                self.misplace_names(u32::MAX);
                let len = self.write_input(&[b"get vpn fault"]);
                Some(Input::Command { client, len })
            }
            _ => None,
        }
    }

    /// What finds a VPN by its name is sought there.
    pub fn misplace_names(&mut self, address: u32) {
        let name = "assembly/monitor/registry/vpns_by_name";
        let global = self.instance.get_global(&mut self.store, name).unwrap();
        global.set(&mut self.store, Val::I32(address as i32)).unwrap();
    }
}

/// What a recording needs of an engine.
impl Engine {
    /// Hides the tokens in slots, in their place.
    pub fn conceal(&mut self, slots: usize, version: u32, count: usize) -> io::Result<()> {
        let arguments = (slots as i32, version as i32, count as i32);
        self.exports.conceal.call(&mut self.store, arguments).map_err(other)
    }

    /// Undoes that.
    pub fn reveal(&mut self, slots: usize, version: u32, count: usize) -> io::Result<()> {
        let arguments = (slots as i32, version as i32, count as i32);
        self.exports.reveal.call(&mut self.store, arguments).map_err(other)
    }

    /// Appends the slots that a batch of replies came in, with their tokens concealed.
    pub fn copy_replies(
        &mut self,
        out: &mut Vec<u8>,
        version: u32,
        count: usize,
    ) -> io::Result<()> {
        let slots = self.receive_slots(count);
        self.conceal(slots.start, version, count)?;
        abi::copy_slots(out, self.bytes(slots.clone()));
        self.reveal(slots.start, version, count)
    }

    /// Clears what no later call reads.
    pub fn wipe(&mut self) -> io::Result<()> {
        self.exports.wipe.call(&mut self.store, ()).map_err(other)
    }

    /// Where the key stands in memory.
    pub fn secret(&self) -> usize {
        self.secret
    }

    pub fn memory(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    /// Has the memory grow to so many pages.
    pub fn grow(&mut self, pages: u64) -> Result<()> {
        let more = pages.saturating_sub(self.memory.size(&self.store));
        self.memory.grow(&mut self.store, more).map(drop)
    }

    /// Puts bytes into the memory, if they fit there.
    pub fn put(&mut self, address: usize, bytes: &[u8]) -> Option<()> {
        self.memory.write(&mut self.store, address, bytes).ok()
    }

    /// Sets a mutable global from its bits, if there is one of this name.
    pub fn set_global(&mut self, name: &str, bits: u64) -> Option<()> {
        let global = self.instance.get_global(&mut self.store, name)?;
        let value = match global.get(&mut self.store) {
            Val::I32(_) => Val::I32(bits as i32),
            _ => Val::I64(bits as i64),
        };
        global.set(&mut self.store, value).ok()
    }

    /// Names and bits of the mutable globals, all of which are exported.
    pub fn globals(&mut self) -> Vec<(String, u64)> {
        let exports = self.instance.exports(&mut self.store);
        let globals = exports.filter_map(|export| {
            let name = export.name().to_string();
            export.into_global().map(|global| (name, global))
        });
        let globals: Vec<_> = globals.collect();
        let mut values = Vec::with_capacity(globals.len());
        for (name, global) in globals {
            if global.ty(&self.store).mutability() == Mutability::Var {
                let bits = match global.get(&mut self.store) {
                    Val::I32(value) => u64::from(value as u32),
                    Val::I64(value) => value as u64,
                    // The engine has no others.
                    _ => continue,
                };
                values.push((name, bits));
            }
        }
        values
    }
}

fn other(error: Error) -> io::Error {
    io::Error::other(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_artifact_was_made_with_this_config() {
        let mut engine = Program::load().unwrap().instantiate().unwrap();
        assert_eq!(engine.receive_slots_mut().len(), BATCH * SLOT_BYTES);
        assert!(engine.input_mut().len() > 1 << 20);
    }

    #[test]
    fn replies_on_which_it_trapped_tell_no_token() {
        let mut engine = Program::load().unwrap().instantiate().unwrap();
        let start = Input::Start { key: [1, 2], seed: 4, identifier: 3, utc_offset_s: 0 };
        engine.feed(start, Times::now(), &mut Vec::new()).unwrap();
        // An IPv4 header, an echo of 64 bytes, and what an earlier packet has left behind it.
        let (head, length) = (64, 20 + 64);
        let slots = engine.receive_slots_mut();
        slots.fill(0x5a);
        slots[4..8].copy_from_slice(&u32::to_le_bytes(length as u32));
        slots[head..head + 4].copy_from_slice(&[0x45, 0, 0, length as u8]);
        slots[head + 9] = libc::IPPROTO_ICMP as u8;
        let bytes = engine.bytes_of(Input::Replies { version: 4, count: 1 });
        assert_eq!(bytes.len(), head + length);
        let token = &bytes[head + 20 + 32..][..8];
        assert_eq!(token, [0xff; 8]);
        assert!(!bytes[head + 20 + 8..].contains(&0x5a));
        assert!(engine.bytes_of(Input::Replies { version: 4, count: BATCH + 1 }).is_empty());
    }

    #[test]
    fn the_largest_memory_is_the_one_that_is_configured() {
        let program = Program::load().unwrap();
        let memory = program.module.get_export("memory").unwrap();
        let pages = memory.unwrap_memory().maximum().unwrap();
        assert_eq!(pages << 16, crate::wasm_config::MAX_MEMORY_BYTES);
    }

    #[test]
    fn a_bad_file_is_refused_and_a_good_one_is_not() {
        let mut engine = Program::load().unwrap().instantiate().unwrap();
        let mut actions = Vec::new();
        let start = Input::Start { key: [1, 2], seed: 4, identifier: 3, utc_offset_s: 0 };
        engine.feed(start, Times::now(), &mut actions).unwrap();
        for (text, is_good) in
            [("config vpn 'a'\n\toption gateway 'g'\n", true), ("confg\n", false)]
        {
            let len = engine.write_input(&[b"file", text.as_bytes()]) - 4;
            let configure = Input::Configure { path_len: 4, len, edited: false };
            engine.feed(configure, Times::now(), &mut actions).unwrap();
            let is_error = |action: &Action| matches!(action, Action::ConfigError { .. });
            assert_eq!(!actions.iter().any(is_error), is_good, "{text}");
        }
    }
}
