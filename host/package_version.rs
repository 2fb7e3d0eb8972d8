//! The version of everything that is shipped, for the build scripts: package.json names it alone.

use std::path::Path;

/// Reads it from package.json in `root`, and has cargo hand it to the crate as REKEYD_VERSION.
pub fn set(root: &Path) {
    let path = root.join("package.json");
    println!("cargo::rerun-if-changed={}", path.display());
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let version = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("\"version\": \"")?.strip_suffix("\","))
        .unwrap_or_else(|| panic!("{}: no line \"version\": \"...\",", path.display()));
    println!("cargo::rustc-env=REKEYD_VERSION={version}");
}
