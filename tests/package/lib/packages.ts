/** Packages for this machine's processor, as `npm run package` makes them, and older ones. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { crossFolder, TARGETS } from "../../../tools/cross/targets.ts";
import { buildPackages, commitTime } from "../../../tools/package/deb.ts";
import { VERSION } from "../../../tools/version.ts";

const architecture = execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim();
const target = TARGETS.find(({ debian }) => debian === architecture);
const programs = target === undefined ? "" : crossFolder(target.triple);

export const OLDER = "0.0.9";

/** Whether there are programs to pack. */
export function canPack(): boolean {
  return existsSync(join(programs, "rekeyd")) && existsSync(join(programs, "rekeyd-web"));
}

/** Puts both packages, and no others, into the folder of root of a tree. */
export function bring(tree: string, version = VERSION): void {
  const home = join(tree, "root");
  for (const name of readdirSync(home).filter((name) => name.endsWith(".deb"))) {
    rmSync(join(home, name));
  }
  for (const path of pack(version)) copyFileSync(path, join(home, basename(path)));
}

const packed = new Map<string, string[]>();

/** Both packages of a version, made once; paths. */
export function pack(version = VERSION): string[] {
  const paths = packed.get(version) ?? packAnew(version);
  packed.set(version, paths);
  return paths;
}

/** The same, made once more. */
export function packAnew(version = VERSION): string[] {
  const edit = (tree: string): void => {
    // So that the newer one has another configuration than the older one had.
    if (version === OLDER) appendFileSync(join(tree, "debian/rekeyd.conf"), "# as it was\n");
  };
  const out = mkdtempSync(join(tmpdir(), "rekeyd-packages-"));
  process.once("exit", () => rmSync(out, { recursive: true }));
  return buildPackages({ version, architecture, programs, date_s: commitTime(), out, edit });
}
