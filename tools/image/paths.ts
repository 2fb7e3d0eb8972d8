import { readFileSync } from "node:fs";
import { crossFolder } from "../cross/targets.ts";

/** Where the router's image is described, and where it is built. */
export const SOURCE = "host/image";
export const IMAGE = "build/image";

/** What QEMU boots. */
export const KERNEL = `${IMAGE}/kernel.gz`;
export const INITRAMFS = `${IMAGE}/initramfs.gz`;
export const ROUTER = `${IMAGE}/router.img`;
export const MANIFEST = `${IMAGE}/manifest.txt`;

/** Debian's name of the router's architecture, and Rust's. */
export const ARCHITECTURE = "arm64";
export const TARGET = "aarch64-unknown-linux-musl";

/** Our programs for the router; tools/cross.ts makes them. */
export const DAEMON = `${crossFolder(TARGET)}/rekeyd`;
export const WEB = `${crossFolder(TARGET)}/rekeyd-web`;

/** Lines of a list in host/image: without comments and empty ones. */
export function descriptionLines(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}
