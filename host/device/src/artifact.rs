//! The engine, compiled ahead of time for this target by compile-engine. It is run where it lies
//! in the program: nothing is copied, and no memory becomes executable.

use std::ptr::NonNull;
use std::sync::{Arc, LazyLock};

use wasmtime::{CustomCodeMemory, Engine, Module, Result, format_err};

use crate::wasm_config::wasm_config;

/// AArch64 addresses its code in pages of this size.
#[repr(C, align(4096))]
struct InPage<Bytes>(Bytes);

/// Among the program's code, unless it is interpreted.
#[cfg_attr(target_pointer_width = "64", unsafe(link_section = ".text.engine"))]
static ARTIFACT: InPage<[u8; include_bytes!(env!("REKEYD_ENGINE")).len()]> =
    InPage(*include_bytes!(env!("REKEYD_ENGINE")));

/// The code is what it is to become: executable already.
struct InPlace;

impl CustomCodeMemory for InPlace {
    fn required_alignment(&self) -> usize {
        1
    }

    fn publish_executable(&self, _: *const u8, _: usize) -> Result<()> {
        Ok(())
    }

    fn unpublish_executable(&self, _: *const u8, _: usize) -> Result<()> {
        Ok(())
    }
}

/// The one module, because wasmtime wants each place of code for itself.
static MODULE: LazyLock<Result<(Engine, Module)>> = LazyLock::new(deserialize);

pub fn load() -> Result<(Engine, Module)> {
    match &*MODULE {
        Ok(module) => Ok(module.clone()),
        Err(error) => Err(format_err!("{error:#}")),
    }
}

fn deserialize() -> Result<(Engine, Module)> {
    let mut config = wasm_config(env!("REKEYD_TARGET"))?;
    config.with_custom_code_memory(Some(Arc::new(InPlace)));
    let engine = Engine::new(&config)?;
    // SAFETY: the artifact was made by compile-engine, with the same wasmtime, in this build; it
    // is there for good, and nothing writes to it.
    let module = unsafe { Module::deserialize_raw(&engine, NonNull::from(&ARTIFACT.0))? };
    Ok((engine, module))
}

#[cfg(test)]
mod tests {
    use crate::abi::{Input, Times};
    use crate::engine::{self, Program};
    use crate::privilege::drop_privileges;
    use std::env;
    use std::hint::black_box;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::thread;

    /// An engine that runs under the daemon's filter of system calls.
    fn confined_engine() -> engine::Engine {
        let mut engine = Program::load().unwrap().instantiate().unwrap();
        let start = Input::Start { key: [1, 2], seed: 4, identifier: 3, utc_offset_s: 0 };
        engine.feed(start, Times::now(), &mut Vec::new()).unwrap();
        drop_privileges(&[], &[]).unwrap();
        engine
    }

    #[test]
    fn an_access_past_the_memory_is_a_trap() {
        thread::spawn(|| {
            let mut engine = confined_engine();
            let len = engine.write_input(&[b"get vpn nobody"]);
            let command = Input::Command { client: 1, len };
            let times = Times::now();
            assert!(engine.feed(command, times, &mut Vec::new()).is_ok());
            for address in [engine.memory().len() as u32, 1 << 31, u32::MAX] {
                engine.misplace_names(address);
                let fault = engine.feed(command, times, &mut Vec::new()).unwrap_err();
                assert_eq!(fault.message, "wasm trap: out of bounds memory access");
                assert!(!fault.said);
            }
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_failed_assertion_is_a_trap_that_says_so() {
        thread::spawn(|| {
            let mut engine = confined_engine();
            let input = engine.fault(1, b"fault").unwrap();
            let fault = engine.feed(input, Times::now(), &mut Vec::new()).unwrap_err();
            assert!(fault.said, "{}", fault.message);
            assert!(fault.message.starts_with("assembly/index.ts:"), "{}", fault.message);
        })
        .join()
        .unwrap();
    }

    /// What handles the engine's traps must not take the host's own faults for some.
    #[test]
    fn a_fault_of_the_host_still_ends_it() {
        const IS_CHILD: &str = "REKEYD_TEST_FAULT";
        if env::var_os(IS_CHILD).is_some() {
            let _engine = confined_engine();
            // SAFETY: the kernel ends the process here, which is what is tested.
            black_box(unsafe { black_box(8 as *const u8).read_volatile() });
            return;
        }
        let test = "artifact::tests::a_fault_of_the_host_still_ends_it";
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test])
            .env(IS_CHILD, "")
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(libc::SIGSEGV), "{child:?}");
    }
}
