/** The router's root: Debian's packages unpacked, what it doesn't need left out, ours laid over. */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { join, relative } from "node:path";
import { filesBelow } from "../tree.ts";
import { pipe, run } from "./command.ts";

export const BUSYBOX = "usr/bin/busybox";

/** Folders that are there although no package brings them. */
const FOLDERS = [
  "dev",
  "proc",
  "sys",
  "run",
  "tmp",
  "root",
  "rom",
  "overlay",
  "usr/bin",
  "usr/sbin",
];

/** /bin, /lib, ... are links into /usr, as Debian has it. */
const MERGED = ["bin", "sbin", "lib"];

/** Nobody reads it on a router, or it belongs to programs that are not there. */
const UNREAD = [
  "./boot",
  "./etc/apparmor.d",
  "./etc/cron.*",
  "./etc/init.d/*",
  "./etc/default",
  "./etc/logcheck",
  "./etc/pam.d",
  "./etc/rc?.d",
  "./etc/security",
  "./etc/selinux",
  "./etc/strongswan.d/*",
  "./etc/systemd",
  "./lib/modules",
  "./lib/systemd",
  "./lib/udev",
  "./usr/include",
  "./usr/lib/systemd",
  "./usr/lib/udev",
  "./usr/share/bash-completion",
  "./usr/share/bug",
  // Of documents the licences alone stay: */copyright.
  "./usr/share/doc/*/[!c]*",
  "./usr/share/doc/*/c[!o]*",
  "./usr/share/doc/*/co[!p]*",
  "./usr/share/doc-base",
  "./usr/share/initramfs-tools",
  "./usr/share/lintian",
  "./usr/share/locale",
  "./usr/share/man",
  "./usr/share/perl5",
  "./usr/share/info",
  "./usr/share/pkgconfig",
  "./usr/share/zsh",
  "./usr/lib/tmpfiles.d",
  "./usr/lib/*/gconv",
  "./usr/lib/*/perl*",
  "./usr/lib/*/tc/q_atm.so",
  "./usr/sbin/arpd",
];

/** A folder like a fresh root of Debian. */
export function makeRoot(root: string): void {
  rmSync(root, { recursive: true, force: true });
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  for (const name of MERGED) {
    mkdirSync(join(root, "usr", name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const name of ["run", "tmp"]) {
    mkdirSync(join(root, "var"), { recursive: true });
    symlinkSync(`../${name}`, join(root, "var", name));
  }
}

/** Unpacks a package over `root`. No script of its runs. */
export function unpack(archive: string, root: string): void {
  const excludes = UNREAD.map((pattern) => `--exclude=${pattern}`);
  pipe(
    ["dpkg-deb", "--fsys-tarfile", archive],
    ["tar", "-x", "-C", root, "--keep-directory-symlink", "--no-same-owner", ...excludes],
  );
}

/** Gives busybox the name of each of its programs, where no package has brought a better one. */
export function linkBusybox(root: string): void {
  for (const name of applets(readFileSync(join(root, BUSYBOX)))) {
    const taken = ["usr/bin", "usr/sbin"].some((folder) => existsSync(join(root, folder, name)));
    if (!taken) symlinkSync("busybox", join(root, "usr/bin", name));
  }
}

/** The names that busybox answers to: it can't be asked here, but they stand in it in a row. */
export function applets(program: Buffer): string[] {
  const start = program.indexOf("\0[\0[[\0") + 1;
  const end = program.indexOf("\0\0", start);
  if (start === 0 || end < 0) throw new Error("busybox names no programs");
  return program.toString("latin1", start, end).split("\0");
}

/** Copies a folder of ours over the root. Of modes git keeps only whether a file can be run. */
export function layOver(folder: string, root: string): void {
  cpSync(folder, root, { recursive: true, verbatimSymlinks: true });
  for (const path of filesBelow(folder, "")) {
    const can_run = (statSync(path).mode & 0o100) !== 0;
    chmodSync(join(root, relative(folder, path)), can_run ? 0o755 : 0o644);
  }
}

/** Writes a folder as squashfs: the same folder gives the same bytes. */
export function squash(root: string, image: string, epoch_s: number): void {
  const time = String(epoch_s);
  const same = ["-all-root", "-no-xattrs", "-all-time", time, "-mkfs-time", time];
  const quiet = ["-noappend", "-no-progress", "-quiet"];
  run("mksquashfs", [root, image, "-comp", "xz", "-b", "256K", ...same, ...quiet], {
    // mksquashfs refuses two ways to say the same.
    SOURCE_DATE_EPOCH: undefined,
  });
}
