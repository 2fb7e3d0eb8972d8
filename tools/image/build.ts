/**
 * Builds the router's image in build/image, as far as it is not built from these sources:
 *
 *     host/image/packages  -> archives    Debian's packages, downloaded
 *     linux-image          -> modules     the kernel and the modules of host/image/modules
 *     all of it, rekeyd    -> router.img  the root, which is the flash: squashfs
 *     host/image/initramfs -> initramfs   what mounts it
 *
 * The same inputs give the same bytes: names are sorted, owners are root, and every time is the
 * kernel's, or SOURCE_DATE_EPOCH.
 */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { whenChanged } from "../stamp.ts";
import { filesBelow } from "../tree.ts";
import { archives, download, packageName } from "./apt.ts";
import { cpio } from "./cpio.ts";
import { insertionOrder, kernelIn, moduleNames, unpackKernel } from "./kernel.ts";
import { writeManifest } from "./manifest.ts";
import {
  DAEMON,
  descriptionLines,
  IMAGE,
  INITRAMFS,
  KERNEL,
  MANIFEST,
  ROUTER,
  SOURCE,
  WEB,
} from "./paths.ts";
import { BUSYBOX, layOver, linkBusybox, makeRoot, squash, unpack } from "./root.ts";

const ARCHIVES = `${IMAGE}/archives`;
const MODULES = `${IMAGE}/modules`;

/** Modules of the initramfs: what the root lies on. */
const ROOT_MODULES = ["virtio_pci", "virtio_blk", "squashfs", "overlay"];

const MAX_COMPRESSION = { level: 9 };

/** Builds what is missing; the daemons must be there. */
export function buildImage(): void {
  mkdirSync(IMAGE, { recursive: true });
  const { wanted, left_out } = packages();
  whenChanged(
    "Debian's packages for the router",
    [`${SOURCE}/packages`, "tools/image/apt.ts"],
    [ARCHIVES],
    () => {
      rmSync(ARCHIVES, { recursive: true, force: true });
      download(wanted, ARCHIVES);
    },
  );
  const all = archives(ARCHIVES).filter((path) => !left_out.has(packageName(path)));
  const kernel = all.find(isKernel);
  if (kernel === undefined) throw new Error("no kernel among Debian's packages");
  whenChanged(
    "the router's kernel",
    [`${SOURCE}/modules`, "tools/image/kernel.ts", kernel],
    [MODULES],
    () => unpackKernel(kernel, moduleNames(`${SOURCE}/modules`), MODULES),
  );
  const sources = [...filesBelow(SOURCE, ""), ...filesBelow("tools/image", ".ts")].filter((path) =>
    statSync(path).isFile(),
  );
  whenChanged(
    `${IMAGE}/router.img`,
    [...sources, DAEMON, WEB, ...all],
    [ROUTER, INITRAMFS, KERNEL, MANIFEST],
    () => assemble(all, IMAGE),
  );
}

/** Puts the image together in `into` from packages, modules and daemons that are there. */
export function assemble(packages: string[], into: string): void {
  const root = join(into, "root");
  const kernel = kernelIn(MODULES);
  const epoch_s = Number(process.env["SOURCE_DATE_EPOCH"] ?? kernel.epoch_s);
  makeRoot(root);
  for (const path of packages) if (!isKernel(path)) unpack(path, root);
  cpSync(join(MODULES, "lib/modules"), join(root, "usr/lib/modules"), { recursive: true });
  linkBusybox(root);
  layOver(`${SOURCE}/root`, root);
  for (const [from, to] of [
    [DAEMON, "rekeyd"],
    [DAEMON, "rekeyctl"],
    [WEB, "rekeyd-web"],
  ] as const) {
    cpSync(from, join(root, "usr/sbin", to));
    chmodSync(join(root, "usr/sbin", to), 0o755);
  }
  writeManifest(packages, join(into, "manifest.txt"));
  squash(root, join(into, "router.img"), epoch_s);
  writeFileSync(
    join(into, "initramfs.gz"),
    gzipSync(initramfs(root, join(into, "initramfs"), kernel.version, epoch_s), MAX_COMPRESSION),
  );
  cpSync(kernel.image, join(into, "kernel.gz"));
  rmSync(root, { recursive: true });
}

/** busybox, the modules that the root lies on, in the order they go in, and /init. */
function initramfs(root: string, folder: string, version: string, epoch_s: number): Buffer {
  rmSync(folder, { recursive: true, force: true });
  for (const name of ["bin", "dev", "proc", "sys", "rom", "layer", "overlay", "new", "modules"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  cpSync(join(root, BUSYBOX), join(folder, "bin/busybox"));
  layOver(`${SOURCE}/initramfs`, folder);
  const order = insertionOrder(MODULES, version, ROOT_MODULES);
  for (const path of order) cpSync(join(MODULES, path), join(folder, "modules", basename(path)));
  const list = order.map((path) => `/modules/${basename(path)}\n`).join("");
  writeFileSync(join(folder, "modules/order"), list);
  const archive = cpio(folder, epoch_s);
  rmSync(folder, { recursive: true });
  return archive;
}

function isKernel(archive: string): boolean {
  return /\/linux-image-/.test(archive) && !/\/linux-image-arm64_/.test(archive);
}

function packages(): { wanted: string[]; left_out: Set<string> } {
  const lines = descriptionLines(readFileSync(`${SOURCE}/packages`, "utf8"));
  return {
    wanted: lines.filter((line) => !line.startsWith("- ")),
    left_out: new Set(lines.filter((line) => line.startsWith("- ")).map((line) => line.slice(2))),
  };
}
