//! Finds the engine, compiled ahead of time, that the daemon embeds.

use std::env;
use std::path::Path;

fn main() {
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let engine = env::var("REKEYD_ENGINE").unwrap_or_else(|_| {
        let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
        format!("{root}/../../build/engine.{target}.cwasm")
    });
    println!("cargo::rerun-if-env-changed=REKEYD_ENGINE");
    println!("cargo::rerun-if-changed={engine}");
    if !Path::new(&engine).exists() {
        println!("cargo::error={engine} is missing: `npm run build` makes it");
    }
    println!("cargo::rustc-env=REKEYD_ENGINE={engine}");
    println!("cargo::rustc-env=REKEYD_TARGET={target}");
}
