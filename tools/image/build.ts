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
import { chmodSync, cpSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { whenChanged } from "../stamp.ts";
import { filesBelow } from "../tree.ts";
import { archives, download, packageName } from "./apt.ts";
import { cpio } from "./cpio.ts";
import { type Kernel, insertionOrder, kernelIn, moduleNames, unpackKernel } from "./kernel.ts";
import { checkLibraries, removeUnneeded } from "./libraries.ts";
import { ARCHITECTURE, KIND } from "./machine.ts";
import { manifest } from "./manifest.ts";
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

/** Debian's packages. */
const LIST = `${SOURCE}/packages`;
const ARCHIVES = `${IMAGE}/archives`;
const MODULES = `${IMAGE}/modules`;

/** Modules of the initramfs: what the root lies on. */
const ROOT_MODULES = ["virtio_pci", "virtio_blk", "squashfs", "overlay"];

/** What busybox is linked to. */
const LIBRARIES = [
  `lib/${KIND.loader}`,
  `lib/${KIND.libraries}/libc.so.6`,
  `lib/${KIND.libraries}/libresolv.so.2`,
];

const MAX_COMPRESSION = { level: 9 };

/** Builds what is missing; the daemons must be there. */
export function buildImage(): void {
  const all = downloadPackages();
  const kernel = all.find(isKernel);
  if (kernel === undefined) throw new Error("no kernel among Debian's packages");
  whenChanged(
    "the router's kernel",
    [`${SOURCE}/modules`, "tools/image/kernel.ts", kernel],
    [MODULES],
    () => unpackKernel(kernel, moduleNames(`${SOURCE}/modules`), MODULES),
  );
  whenChanged(
    ROUTER,
    [...filesIn(SOURCE), ...filesIn("tools/image"), DAEMON, WEB, ...all],
    [ROUTER, INITRAMFS, KERNEL, MANIFEST],
    () => assemble(all, IMAGE),
  );
}

/** The packages of the router, which are downloaded unless they are there. */
export function downloadPackages(): string[] {
  mkdirSync(IMAGE, { recursive: true });
  whenChanged(
    "Debian's packages for the router",
    [LIST, "tools/image/libraries.ts"],
    [ARCHIVES],
    () => {
      rmSync(ARCHIVES, { recursive: true, force: true });
      const named = [...descriptionLines(LIST), KIND.kernel];
      download(ARCHITECTURE, named, ARCHIVES);
      removeUnneeded(ARCHIVES, named);
    },
  );
  return archives(ARCHIVES);
}

/** Puts the image together in `into` from packages, the kernel and daemons that are there. */
export function assemble(packages: string[], into: string, modules = MODULES): void {
  process.umask(0o022);
  const root = join(into, "root");
  const kernel = kernelIn(modules);
  makeRoot(root);
  for (const path of packages) if (!isKernel(path)) unpack(path, root);
  cpSync(join(modules, "lib/modules"), join(root, "usr/lib/modules"), { recursive: true });
  cpSync(join(modules, "usr/share/doc"), join(root, "usr/share/doc"), { recursive: true });
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
  checkLibraries(root);
  const components = manifest(packages, root);
  writeFileSync(join(into, "manifest.txt"), components);
  writeFileSync(join(root, "usr/share/doc/manifest.txt"), components);
  squash(root, join(into, "router.img"), epoch_s(kernel));
  writeFileSync(
    join(into, "initramfs.gz"),
    gzipSync(initramfs(root, join(into, "initramfs"), modules), MAX_COMPRESSION),
  );
  cpSync(kernel.image, join(into, basename(KERNEL)));
  rmSync(root, { recursive: true });
}

/** busybox, the modules that the root lies on, in the order they go in, and /init. */
function initramfs(root: string, folder: string, modules: string): Buffer {
  const kernel = kernelIn(modules);
  rmSync(folder, { recursive: true, force: true });
  for (const name of ["bin", "dev", "proc", "sys", "rom", "layer", "overlay", "new", "modules"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  cpSync(join(root, BUSYBOX), join(folder, "bin/busybox"));
  for (const path of LIBRARIES) {
    cpSync(join(root, "usr", path), join(folder, path), { dereference: true });
  }
  layOver(`${SOURCE}/initramfs`, folder);
  const order = insertionOrder(modules, kernel.version, ROOT_MODULES);
  for (const path of order) cpSync(join(modules, path), join(folder, "modules", basename(path)));
  const list = order.map((path) => `/modules/${basename(path)}\n`).join("");
  writeFileSync(join(folder, "modules/order"), list);
  const archive = cpio(folder, epoch_s(kernel));
  rmSync(folder, { recursive: true });
  return archive;
}

export function isKernel(archive: string): boolean {
  return /^linux-image-[0-9]/.test(packageName(archive));
}

/** The time that everything in an image bears. */
function epoch_s(kernel: Kernel): number {
  return Number(process.env["SOURCE_DATE_EPOCH"] ?? kernel.epoch_s);
}

function filesIn(folder: string): string[] {
  return filesBelow(folder, "").filter((path) => statSync(path).isFile());
}
