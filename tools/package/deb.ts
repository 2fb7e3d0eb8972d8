/** Debian's packages, from programs that are built: host/debian says what goes where. */
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { run } from "../image/command.ts";
import { THIRD_PARTY } from "../licence/third_party.ts";
import { debianChangelog } from "./changelog.ts";

/** What the packages hold besides programs and man pages, as it lies in the tree. */
const SOURCES = ["CHANGELOG.md", "README.md", "docs", "host/completion", "host/snmp"];

export interface Package {
  /** The version as package.json has it. */
  version: string;
  /** Debian's name of the architecture. */
  architecture: string;
  /** Where `rekeyd` and `rekeyd-web` are, for that architecture. */
  programs: string;
  /** Seconds since 1970: no file in the packages is younger. */
  date_s: number;
  /** Where the packages are put. */
  out: string;
  /** Changes the tree before it is packed: for tests. */
  edit?: (tree: string) => void;
}

/** Builds them, in a folder of their own that is made anew. Returns the packages' paths. */
export function buildPackages(wanted: Package): string[] {
  const { version, architecture, programs, date_s, out, edit } = wanted;
  const work = join(out, `work-${architecture}`);
  const tree = join(work, "rekeyd");
  rmSync(work, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  for (const path of SOURCES) cpSync(path, join(tree, path), { recursive: true });
  cpSync("build/man", join(tree, "man"), { recursive: true });
  copyFileSync(THIRD_PARTY, join(tree, basename(THIRD_PARTY)));
  cpSync("host/debian", join(tree, "debian"), { recursive: true });
  for (const name of ["rekeyd", "rekeyd-web"]) {
    copyFileSync(join(programs, name), join(tree, name));
  }
  const changelog = debianChangelog(debianVersion(version), date_s);
  writeFileSync(join(tree, "debian/changelog"), changelog);
  edit?.(tree);
  // Of another architecture nothing is run, so its compiler need not be here.
  const build = ["dpkg-buildpackage", "--build=binary", "--no-sign", "--no-check-builddeps"];
  run("env", ["-C", resolve(tree), ...build, `--host-arch=${architecture}`], {
    SOURCE_DATE_EPOCH: String(date_s),
    DEB_BUILD_OPTIONS: "noautodbgsym",
    TZ: "UTC",
  });
  const built = readdirSync(work).filter((name) => name.endsWith(".deb"));
  const packages = built.sort().map((name) => join(out, name));
  for (const path of packages) copyFileSync(join(work, basename(path)), path);
  rmSync(work, { recursive: true });
  return packages;
}

/** When the newest commit was made, or SOURCE_DATE_EPOCH where there is no history. */
export function commitTime(): number {
  const told = process.env["SOURCE_DATE_EPOCH"];
  if (told !== undefined) return Number(told);
  return Number(run("git", ["-c", "safe.directory=*", "log", "-1", "--format=%ct"]));
}

/** Of a version and of what comes before it: 1.0.0-rc.1 is older than 1.0.0. */
export function debianVersion(version: string): string {
  return `${version.replaceAll("-", "~")}-1`;
}
