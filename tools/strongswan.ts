/**
 * The strongSwans that the lab runs with: this machine's own, and that of another Debian, unpacked
 * below `build/strongswan`, where charon and swanctl run in a chroot (tests/lab/lib/strongswan.ts).
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { step } from "./stamp.ts";

/** Which Debian has which. */
const DEBIAN: Record<string, string> = { "5.9.8": "bookworm", "6.0.1": "trixie" };

const PACKAGES = [
  "strongswan-swanctl",
  "strongswan-charon",
  "libcharon-extra-plugins",
  "libstrongswan-extra-plugins",
  // /etc/protocols: selectors may name them.
  "netbase",
];

const FOLDER = "build/strongswan";

/** What joins the versions of gateways A and B, where they differ. */
const WITH = "+";

/** This machine's version. */
export function ownVersion(): string {
  const args = ["--show", "--showformat=${source:Upstream-Version}", "strongswan-swanctl"];
  return execFileSync("dpkg-query", args, { encoding: "utf8" });
}

/**
 * What the lab is run with, one after another: this machine's version at both ends, each other one
 * at both ends, and the two mixed, either way round. STRONGSWAN in the environment names one alone.
 */
export function variants(): string[] {
  const alone = process.env["STRONGSWAN"];
  if (alone !== undefined) return [alone];
  const own = ownVersion();
  const others = Object.keys(DEBIAN).filter((version) => version !== own);
  return [
    own,
    ...others,
    ...others.flatMap((other) => [`${own}${WITH}${other}`, `${other}${WITH}${own}`]),
  ];
}

/** A variant's name in a report: of a folder the last part. */
export function labelOf(variant: string): string {
  return variant
    .split(WITH)
    .map((version) => basename(version))
    .join(WITH);
}

/** The versions of the gateways A and B in a variant. */
export function versionsOf(variant: string): { a: string; b: string } {
  const [a = "", b = a] = variant.split(WITH);
  return { a, b };
}

/**
 * The root folder that a version's programs run in: "" for this machine's own. A version with a
 * slash is such a folder itself, which somebody has made by hand.
 */
export function rootOf(version: string): string {
  if (version.includes("/")) return resolve(version);
  if (version === ownVersion()) return "";
  const suite = DEBIAN[version];
  if (suite === undefined) {
    const known = Object.keys(DEBIAN).join(", ");
    throw new Error(`no strongSwan ${version}: there is ${ownVersion()} here, and ${known}`);
  }
  const made_from = createHash("sha256")
    .update([suite, ...PACKAGES].join("\n"))
    .digest("hex");
  return resolve(FOLDER, `${version}-${made_from.slice(0, 8)}`);
}

/** Has a variant's versions unpacked; throws if Debian's packages can't be had. */
export function unpack(variant: string): void {
  const { a, b } = versionsOf(variant);
  for (const version of [a, b]) {
    const root = rootOf(version);
    if (root !== "" && !existsSync(root)) {
      step(`strongSwan ${version}`, () => download(DEBIAN[version]!, root));
    }
  }
}

function download(suite: string, root: string): void {
  const begun = `${root}.begun`;
  rmSync(begun, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const args = [
    "--quiet",
    "--variant=extract",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    `--include=${PACKAGES.join(",")}`,
    ...[suite, resolve(begun), ...mirror()],
  ];
  try {
    execFileSync("mmdebstrap", args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const reason = /E: .*/.exec(stderr ?? "")?.[0] ?? message.split("\n", 1)[0];
    throw new Error(`can't get Debian's packages of ${suite}: ${reason}`, { cause: error });
  }
  for (const folder of MOUNTED) mkdirSync(join(begun, folder), { recursive: true });
  // What a script of Debian's does elsewhere; here none runs.
  const run = join(begun, "var/run");
  rmSync(run, { recursive: true, force: true });
  symlinkSync("/run", run);
  renameSync(begun, root);
}

/** What of this machine is seen in there, too. */
export const MOUNTED = ["dev", "proc", "run", "var/lib/rekeyd-lab"];

/** Where this machine has its own packages from; none if it doesn't say, then Debian's own. */
export function mirror(): string[] {
  const args = ["indextargets", "--format", "$(SITE)", "Identifier: Packages", "Label: Debian"];
  const sites = execFileSync("apt-get", args, { encoding: "utf8" }).split("\n");
  return sites.slice(0, 1).filter((site) => site !== "");
}
