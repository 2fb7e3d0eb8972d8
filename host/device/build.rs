//! Finds the engine, compiled ahead of time, that the daemon embeds; and the version.

#[path = "../package_version.rs"]
mod package_version;

use std::env;
use std::path::Path;

fn main() {
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let root = Path::new(&root).join("../..");
    package_version::set(&root);
    let engine = env::var("REKEYD_ENGINE")
        .unwrap_or_else(|_| format!("{}/build/engine.{target}.cwasm", root.display()));
    println!("cargo::rerun-if-env-changed=REKEYD_ENGINE");
    println!("cargo::rerun-if-changed={engine}");
    let sha256 = Path::new(&engine).with_extension("sha256");
    println!("cargo::rerun-if-changed={}", sha256.display());
    let sha256 = std::fs::read_to_string(sha256).unwrap_or_default();
    if !Path::new(&engine).exists() || sha256.is_empty() {
        println!("cargo::error={engine} is missing: `npm run build` makes it");
    }
    println!("cargo::rustc-env=REKEYD_ENGINE={engine}");
    println!("cargo::rustc-env=REKEYD_ENGINE_SHA256={}", sha256.trim());
    // Where wasmtime has no compiler for the processor, its interpreter runs the engine.
    let runs_on = if target.starts_with("arm") { "pulley32" } else { &target };
    println!("cargo::rustc-env=REKEYD_TARGET={runs_on}");
}
