//! The one `Config` of the build-time compiler and of the daemon: wasmtime refuses an artifact
//! that was made with another. compile-engine includes this file as it is.

use wasmtime::{Config, Result};

/// The engine's `maximumMemory` (asconfig.json, there in pages of 64 KiB).
pub const MAX_MEMORY_BYTES: u64 = 2048 << 16;

/// What the engine can address, and as much behind it as an access can reach past its address.
const ADDRESSABLE_BYTES: u64 = 4 << 30;
const GUARD_BYTES: u64 = 64 << 10;

/// Enough for the engine, which never recurses on input; overflowing it is a trap.
const WASM_STACK_BYTES: usize = 256 << 10;

/// How the engine is compiled and run on `target`.
pub fn wasm_config(target: &str) -> Result<Config> {
    let mut config = Config::new();
    // Named even where it is the host: otherwise this machine's CPU features would creep in.
    config.target(target)?;
    if target.starts_with("pulley") {
        // Interpreted: each access is checked.
        config.signals_based_traps(false);
        config.memory_guard_size(0);
        config.memory_reservation(MAX_MEMORY_BYTES);
    } else {
        // No access is checked: the engine can reach nothing but its own reservation, and where
        // that is not yet memory, the kernel's SIGSEGV is the trap (docs/decisions.md).
        config.signals_based_traps(true);
        config.memory_guard_size(GUARD_BYTES);
        config.memory_reservation(ADDRESSABLE_BYTES);
    }
    config.guard_before_linear_memory(false);
    // The memory never moves, so growth copies nothing.
    config.memory_reservation_for_growth(0);
    config.memory_may_move(false);
    config.memory_init_cow(false);
    config.max_wasm_stack(WASM_STACK_BYTES);
    // `abort` reports file and line itself.
    config.generate_address_map(false);
    config.wasm_backtrace_max_frames(None);
    // For debuggers and for unwinding through the engine, which nobody does.
    config.debug_symbols(false);
    config.native_unwind_info(false);
    Ok(config)
}
