import { readFileSync } from "node:fs";
import { crossFolder } from "../cross/targets.ts";
import { ARCHITECTURE, IS_SHIPPED, KIND } from "./machine.ts";

/** Where the router's image is described, and where it is built. */
export const SOURCE = "host/image";
export const IMAGE = IS_SHIPPED ? "build/image" : `build/image-${ARCHITECTURE}`;

/** What QEMU boots. */
export const KERNEL = `${IMAGE}/${KIND.kernel_file}`;
export const INITRAMFS = `${IMAGE}/initramfs.gz`;
export const ROUTER = `${IMAGE}/router.img`;
export const MANIFEST = `${IMAGE}/manifest.txt`;

/** Rust's name of the router's processor. */
export const TARGET = KIND.triple;

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
