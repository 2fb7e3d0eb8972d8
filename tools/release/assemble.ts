/** Puts a release's artifacts together from what is built. Nothing is compiled here. */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { crossFolder, type Target } from "../cross/targets.ts";
import { INITRAMFS, KERNEL, MANIFEST, ROUTER, TARGET } from "../image/paths.ts";
import { THIRD_PARTY } from "../licence/third_party.ts";
import { buildPackages } from "../package/deb.ts";
import { writeFeed } from "../openwrt_feed.ts";
import { VERSION } from "../version.ts";
import { pack } from "./archive.ts";
import { filesIn, programEntries, sourceEntries } from "./contents.ts";
import { notesOf } from "./notes.ts";
import { imageBom, programsBom, type Bom } from "./sbom.ts";

export const SUMS = "SHA256SUMS";

export interface Release {
  /** The folder, which is made anew. */
  out: string;
  /** Whose programs are in build/cross. */
  targets: Target[];
  /** Whether the router's image is in build/image. */
  image: boolean;
  /** The time that all files in it bear. */
  epoch_s: number;
}

export function assemble({ out, targets, image, epoch_s }: Release): void {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const name = `rekeyd-${VERSION}`;

  const source = join(out, `${name}.tar.xz`);
  pack(source, name, sourceEntries(targets), epoch_s);

  const feed = join(out, "feed");
  writeFeed(feed, VERSION, sha256(source));
  const entries = filesIn(feed).map((from) => ({ name: from.slice(feed.length + 1), from }));
  pack(join(out, `${name}-openwrt-feed.tar.xz`), `${name}-openwrt-feed`, entries, epoch_s);
  rmSync(feed, { recursive: true });

  for (const target of targets) {
    const { triple } = target;
    const top = `${name}-${triple}`;
    pack(join(out, `${top}.tar.xz`), top, programEntries(target), epoch_s);
    buildPackages({
      version: VERSION,
      architecture: target.debian,
      programs: crossFolder(triple),
      date_s: epoch_s,
      out,
    });
    const bill = programsBom(triple, crossFolder(triple), epoch_s);
    writeBill(join(out, `${top}.cdx.json`), bill);
  }

  if (image) {
    const top = `${name}-router-aarch64`;
    const files = [KERNEL, INITRAMFS, ROUTER, MANIFEST, THIRD_PARTY];
    const image_entries = files.map((from) => ({ name: basename(from), from }));
    pack(join(out, `${top}.tar`), top, image_entries, epoch_s);
    const bill = imageBom(readFileSync(MANIFEST, "utf8"), ROUTER, TARGET, epoch_s);
    writeBill(join(out, `${top}.cdx.json`), bill);
  }

  for (const path of ["LICENSE", THIRD_PARTY]) copyFileSync(path, join(out, basename(path)));
  const notes = notesOf(readFileSync("CHANGELOG.md", "utf8"), VERSION);
  writeFileSync(join(out, "RELEASE-NOTES.md"), notes);
  writeSums(out);
}

/** The sums of all files, for `sha256sum --check`. */
function writeSums(out: string): void {
  const names = readdirSync(out).sort();
  const lines = names.map((name) => `${sha256(join(out, name))}  ${name}\n`);
  writeFileSync(join(out, SUMS), lines.join(""));
}

function writeBill(path: string, bill: Bom): void {
  writeFileSync(path, `${JSON.stringify(bill, null, 2)}\n`);
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
