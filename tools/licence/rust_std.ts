/**
 * What Rust's library consists of as we build it (tools/cross/toolchain.ts): itself, and crates in
 * the versions of `library/Cargo.lock` in its source. A test holds the list against that, and
 * against what cargo compiles.
 */

/** A part that no registry tells of. */
export interface Part {
  name: string;
  version: string;
  licence: string;
  /** SHA-256 of the crate, where it is one of crates.io's. */
  sha256?: string;
  /** A crate that the daemon is built with, and that brings the same licence's text; or a file. */
  text?: { crate: string } | { file: string };
}

/** The version of rust-toolchain.toml: with another one, look through this file. */
export const RUST = "1.95.0";

const EITHER = "MIT OR Apache-2.0";
export const TEXTS = "tools/licence/texts";

export const STD: Part = {
  name: "std",
  version: RUST,
  licence: "(MIT OR Apache-2.0) AND Unicode-3.0",
  text: { file: `${TEXTS}/Unicode-3.0.txt` },
};

export const STD_CRATES: Part[] = [
  {
    name: "cfg-if",
    version: "1.0.4",
    licence: EITHER,
    sha256: "9330f8b2ff13f34540b44e946ef35111825727b38d33286ef986142615121801",
  },
  {
    name: "compiler_builtins",
    version: "0.1.160",
    licence: "MIT AND Apache-2.0 WITH LLVM-exception AND (MIT OR Apache-2.0)",
    text: { crate: "libm" },
  },
  {
    name: "hashbrown",
    version: "0.16.1",
    licence: EITHER,
    sha256: "841d1cc9bed7f9236f321df977030373f4a4163ae1a7dbfe1a51a2c1a51d9100",
  },
  {
    name: "libc",
    version: "0.2.178",
    licence: EITHER,
    sha256: "37c93d8daa9d8a012fd8ab92f088405fb202ea0b6ab73ee2482ae66af4f42091",
  },
  {
    name: "rustc-demangle",
    version: "0.1.27",
    licence: EITHER,
    sha256: "b50b8869d9fc858ce7266cce0194bd74df58b9d0e3f6df3a9fc8eb470d95c09d",
  },
];
