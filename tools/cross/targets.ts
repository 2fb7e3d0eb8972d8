/** The processors that rekeyd is shipped for, each under the names that it has elsewhere. */
export interface Target {
  /** Rust's name. */
  triple: string;
  /** Debian's name of the architecture. */
  debian: "amd64" | "arm64" | "armhf";
  /** OpenWrt's names of those of its architectures that run these programs. */
  openwrt: string[];
  /** What the engine becomes: the processor's own code, or that of wasmtime's interpreter. */
  engine: "native" | "pulley32";
  /** What compiles wasmtime's few lines of C: Debian's gcc for the architecture. */
  c_compiler: string;
  /** Where musl comes from: a target of rustup's, or Debian's package of the architecture. */
  musl: "rustup" | "debian";
  /** QEMU that runs a program of it on another processor. */
  emulator: string;
  /** rekeyd with its engine is to have no more. */
  budget_bytes: number;
}

export const TARGETS: Target[] = [
  {
    triple: "x86_64-unknown-linux-musl",
    debian: "amd64",
    openwrt: ["x86_64"],
    engine: "native",
    c_compiler: "x86_64-linux-gnu-gcc",
    musl: "rustup",
    emulator: "qemu-x86_64-static",
    budget_bytes: 1_500_000,
  },
  {
    triple: "aarch64-unknown-linux-musl",
    debian: "arm64",
    openwrt: ["aarch64_cortex-a53", "aarch64_cortex-a72", "aarch64_cortex-a76", "aarch64_generic"],
    engine: "native",
    c_compiler: "aarch64-linux-gnu-gcc",
    musl: "rustup",
    emulator: "qemu-aarch64-static",
    budget_bytes: 1_500_000,
  },
  {
    triple: "armv7-unknown-linux-musleabihf",
    debian: "armhf",
    openwrt: [
      "arm_cortex-a5_vfpv4",
      "arm_cortex-a7_neon-vfpv4",
      "arm_cortex-a7_vfpv4",
      "arm_cortex-a8_vfpv3",
      "arm_cortex-a9_neon",
      "arm_cortex-a9_vfpv3-d16",
      "arm_cortex-a15_neon-vfpv4",
    ],
    engine: "pulley32",
    c_compiler: "arm-linux-gnueabihf-gcc",
    musl: "debian",
    emulator: "qemu-arm-static",
    budget_bytes: 1_400_000,
  },
];

/** Where the programs for a target are. */
export function crossFolder(triple: string): string {
  return `build/cross/${triple}`;
}

/** The target of this name; an error that names all there are. */
export function targetOf(triple: string): Target {
  const found = TARGETS.find((target) => target.triple === triple);
  if (found !== undefined) return found;
  const all = TARGETS.map((target) => target.triple).join(", ");
  throw new Error(`there is no target '${triple}': ${all}`);
}
