/**
 * What Rust itself links into our programs: its library with the crates that this consists of, and
 * for musl's targets the C library and the unwinder that come with them. Rust's documents of
 * licences leave some of the crates out, so they stand here, as `library/Cargo.lock` of Rust's
 * sources (component rust-src) has them. tests/release/licence.test.ts holds the list against it,
 * and against the libraries that are installed.
 */
export interface RustPart {
  name: string;
  version: string;
  licence: string;
  /** SHA-256 of the crate, where it is one of crates.io's. */
  sha256?: string;
  /** Where the licence's text is, if not in the one text for all: a crate of ours, or a file. */
  text?: { crate: string } | { file: string };
}

/** The version of rust-toolchain.toml: with another one, look through this file. */
export const RUST = "1.95.0";

const EITHER = "MIT OR Apache-2.0";
const TEXTS = "tools/licence/texts";

export const STD: RustPart = {
  name: "std",
  version: RUST,
  licence: "(MIT OR Apache-2.0) AND Unicode-3.0",
  text: { file: `${TEXTS}/Unicode-3.0.txt` },
};

export const STD_CRATES: RustPart[] = [
  {
    name: "addr2line",
    version: "0.25.1",
    licence: EITHER,
    sha256: "1b5d307320b3181d6d7954e663bd7c774a838b8220fe0593c86d9fb09f498b4b",
  },
  {
    name: "adler2",
    version: "2.0.1",
    licence: "0BSD OR MIT OR Apache-2.0",
    sha256: "320119579fcad9c21884f5c4861d16174d0e06250625266f50fe6898340abefa",
  },
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
    name: "gimli",
    version: "0.32.3",
    licence: EITHER,
    sha256: "e629b9b98ef3dd8afe6ca2bd0f89306cec16d43d907889945bc5d6687f2f13c7",
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
    name: "memchr",
    version: "2.7.6",
    licence: "Unlicense OR MIT",
    sha256: "f52b00d39961fc5b2736ea853c9cc86238e165017a493d1d5c8eac6bdc4cc273",
    text: { crate: "memchr" },
  },
  {
    name: "miniz_oxide",
    version: "0.8.9",
    licence: "MIT OR Zlib OR Apache-2.0",
    sha256: "1fa76a2c86f704bdb222d66965fb3d63269ce38518b83cb0575fca855ebb6316",
  },
  {
    name: "object",
    version: "0.37.3",
    licence: EITHER,
    sha256: "ff76201f031d8863c38aa7f905eca4f53abbfa15f609db4277d44cd8938f33fe",
  },
  {
    name: "rustc-demangle",
    version: "0.1.27",
    licence: EITHER,
    sha256: "b50b8869d9fc858ce7266cce0194bd74df58b9d0e3f6df3a9fc8eb470d95c09d",
  },
];

/** `self-contained/libc.a` and `libunwind.a` of musl's targets. */
export const MUSL_TARGET: RustPart[] = [
  {
    name: "musl",
    version: "1.2.5",
    licence: "MIT",
    text: { file: `${TEXTS}/musl.txt` },
  },
  {
    name: "libunwind",
    version: "22.1.2",
    licence: "Apache-2.0 WITH LLVM-exception",
  },
];
