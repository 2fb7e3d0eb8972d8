//! Compiles the engine's WebAssembly ahead of time: `compile-engine ENGINE.wasm ENGINE.cwasm`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;

#[path = "../../src/wasm_config.rs"]
mod wasm_config;

const USAGE: &str = "usage: compile-engine [--target TRIPLE] ENGINE.wasm ENGINE.cwasm";

fn main() -> ExitCode {
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compile-engine: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), Box<dyn Error>> {
    let mut target = env!("TARGET").to_string();
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("target") => target = arguments.value()?.string()?,
            Value(path) => paths.push(path.into()),
            _ => return Err(USAGE.into()),
        }
    }
    let [input, output] = &paths[..] else {
        return Err(USAGE.into());
    };
    let wasm = fs::read(input).map_err(|error| format!("{}: {error}", input.display()))?;
    let engine = wasmtime::Engine::new(&wasm_config::wasm_config(&target)?)?;
    let artifact = engine.precompile_module(&wasm)?;
    // Under another name first: a broken-off run leaves no half artifact for the daemon's build.
    let partial = output.with_extension("partial");
    fs::write(&partial, artifact)
        .and_then(|()| fs::rename(&partial, output))
        .map_err(|error| format!("{}: {error}", output.display()))?;
    Ok(())
}
