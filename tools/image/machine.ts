/**
 * The machines that a router's image is made for, which are QEMU's "virt" of two processors. The
 * image that is shipped is the first one's; tests run on the other one, too: ROUTER=armhf has
 * tools and tests take that.
 */

interface Kind {
  /** Rust's name of the processor. */
  triple: string;
  /** Where packages have what belongs to the architecture, and the loader of their programs. */
  libraries: string;
  loader: string;
  /** Debian's kernel, and how QEMU takes it. */
  kernel: string;
  kernel_file: "kernel.gz" | "kernel";
  qemu: string;
  options: string[];
  /** What `uname -m` says. */
  uname: string;
}

const KINDS = {
  arm64: {
    triple: "aarch64-unknown-linux-musl",
    libraries: "aarch64-linux-gnu",
    loader: "ld-linux-aarch64.so.1",
    kernel: "linux-image-arm64",
    kernel_file: "kernel.gz",
    qemu: "qemu-system-aarch64",
    options: ["-M", "virt", "-cpu", "max,pauth=off"],
    uname: "aarch64",
  },
  armhf: {
    triple: "armv7-unknown-linux-musleabihf",
    libraries: "arm-linux-gnueabihf",
    loader: "ld-linux-armhf.so.3",
    kernel: "linux-image-armmp",
    kernel_file: "kernel",
    qemu: "qemu-system-arm",
    // Devices below 4 GiB: this kernel sees no others.
    options: ["-M", "virt,highmem=off", "-cpu", "cortex-a15"],
    uname: "armv7l",
  },
} satisfies Record<string, Kind>;

const SHIPPED = "arm64";

/** Debian's name of the architecture. */
export const ARCHITECTURE = chosen();
export const IS_SHIPPED = ARCHITECTURE === SHIPPED;
export const KIND: Kind = KINDS[ARCHITECTURE];

function chosen(): keyof typeof KINDS {
  const name = process.env["ROUTER"] ?? SHIPPED;
  if (name in KINDS) return name as keyof typeof KINDS;
  throw new Error(`ROUTER=${name}: ${Object.keys(KINDS).join(" or ")} may stand there`);
}
