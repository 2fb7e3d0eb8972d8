/** Tarballs whose bytes tell nothing of who made them, where and when. */
import { cpSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { run } from "../image/command.ts";

/** A file by its name in the tarball: where it is now, or where a symbolic link leads. */
export type Entry = { name: string } & ({ from: string } | { link: string });

/** Packs the entries, below a folder `top`, into `archive`; `.tar.xz` is compressed. */
export function pack(archive: string, top: string, entries: Entry[], epoch_s: number): void {
  const stage = `${archive}.stage`;
  rmSync(stage, { recursive: true, force: true });
  for (const entry of entries) {
    const to = join(stage, top, entry.name);
    mkdirSync(dirname(to), { recursive: true });
    if ("from" in entry) cpSync(entry.from, to);
    else symlinkSync(entry.link, to);
  }
  const tar = archive.replace(/\.xz$/, "");
  const same = ["--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"];
  const order = ["--sort=name", `--mtime=@${epoch_s}`, "--format=ustar"];
  run("tar", ["-C", stage, ...order, ...same, "-cf", resolve(tar), top]);
  rmSync(stage, { recursive: true });
  // With several threads the bytes would depend on their number.
  if (archive !== tar) run("xz", ["--force", "-9", "--threads=1", tar]);
}
