/** The kernel and, of its 3,700 modules, those that the router needs. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { run } from "./command.ts";
import { KIND } from "./machine.ts";
import { descriptionLines } from "./paths.ts";

const IMAGE = KIND.kernel_file;

export interface Kernel {
  version: string;
  /** Compressed, or compressed by itself. */
  image: string;
  /** When it was built: everything in the image bears this time. */
  epoch_s: number;
}

/** Takes from a kernel's package its image, and the modules with what those depend on. */
export function unpackKernel(archive: string, modules: string[], into: string): void {
  process.umask(0o022);
  rmSync(into, { recursive: true, force: true });
  const whole = `${into}.whole`;
  rmSync(whole, { recursive: true, force: true });
  run("dpkg-deb", ["--extract", archive, whole]);
  // From Debian 13 on the package has them below /usr.
  if (!existsSync(join(whole, "lib"))) symlinkSync("usr/lib", join(whole, "lib"));
  const version = readdirSync(join(whole, "lib/modules"))[0] ?? "";
  run("depmod", ["-b", whole, version]);
  const image = join(whole, `boot/vmlinuz-${version}`);
  mkdirSync(into, { recursive: true });
  const bytes = readFileSync(image);
  const is_gz = IMAGE === "kernel.gz";
  writeFileSync(join(into, IMAGE), is_gz ? gzipSync(bytes, { level: 9 }) : bytes);
  const { atime, mtime } = statSync(image);
  utimesSync(join(into, IMAGE), atime, mtime);
  const folder = `lib/modules/${version}`;
  for (const name of ["modules.builtin", "modules.builtin.modinfo", "modules.order"]) {
    cpSync(join(whole, folder, name), join(into, folder, name));
  }
  for (const path of insertionOrder(whole, version, modules)) {
    mkdirSync(dirname(join(into, path)), { recursive: true });
    cpSync(join(whole, path), join(into, path));
    if (path.endsWith(".xz")) run("xz", ["--decompress", join(into, path)]);
  }
  run("depmod", ["-b", into, version]);
  const copyright = `usr/share/doc/linux-image-${version}/copyright`;
  cpSync(join(whole, copyright), join(into, copyright));
  rmSync(whole, { recursive: true });
}

/** What unpackKernel() has left in `folder`. */
export function kernelIn(folder: string): Kernel {
  const version = readdirSync(join(folder, "lib/modules"))[0] ?? "";
  const image = join(folder, IMAGE);
  return { version, image, epoch_s: Math.floor(statSync(image).mtimeMs / 1000) };
}

/** Names of modules in a list like host/image/modules. */
export function moduleNames(list: string): string[] {
  return descriptionLines(list).flatMap((line) => line.split(/\s+/));
}

/** Files of the modules and what they depend on, below `root`: each after those that it needs. */
export function insertionOrder(root: string, version: string, modules: string[]): string[] {
  const args = ["-d", root, "-S", version, "--show-depends", "-a", ...modules];
  const files = [...run("modprobe", args).matchAll(/^insmod (\S+)/gm)].map(([, path = ""]) =>
    path.slice(path.indexOf("/lib/modules/") + 1),
  );
  return [...new Set(files)];
}
