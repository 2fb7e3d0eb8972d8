//! Compiles the engine's WebAssembly ahead of time: `compile-engine ENGINE.wasm ENGINE.cwasm`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::*;
use sha2::{Digest, Sha256};

mod data;
mod padding;
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
    let artifact = engine.precompile_module(&data::join_segments(&wasm)?)?;
    let sha256: String = Sha256::digest(&wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    write(&output.with_extension("sha256"), format!("{sha256}\n").as_bytes())?;
    write(output, &padding::trim(&artifact)?)
}

fn write(output: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    // Under another name first: a broken-off run leaves no half artifact for the daemon's build.
    let partial = output.with_extension("partial");
    fs::write(&partial, bytes)
        .and_then(|()| fs::rename(&partial, output))
        .map_err(|error| format!("{}: {error}", output.display()))?;
    Ok(())
}
