/**
 * Debian's packages of the router's architecture, from this machine's own sources: apt resolves
 * and downloads them as if for an empty machine. Nothing is installed.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./command.ts";
import { ARCHITECTURE } from "./paths.ts";

/** Exit status of who can't get the packages: no network, or no source that has them. */
export const UNAVAILABLE = 3;

/** What the sources don't have, or can't be asked for. */
export class Unavailable extends Error {}

/** Downloads the packages, and what they depend on, into `folder`, unless it is there. */
export function download(packages: string[], folder: string): void {
  if (existsSync(folder)) return;
  const state = resolve(`${folder}.apt`);
  const env = { APT_CONFIG: configure(state), DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "--yes", "--download-only", "--no-install-recommends"];
  try {
    run("apt-get", ["-qq", "update"], env);
    run("apt-get", ["-qq", ...install, ...packages], env);
  } catch (error) {
    const reasons = (error as Error).message.match(/E: .*/g)?.join("; ") ?? "";
    throw new Unavailable(`can't get Debian's ${ARCHITECTURE} packages: ${reasons}`);
  }
  rmSync(join(state, "cache/archives/partial"), { recursive: true });
  renameSync(join(state, "cache/archives"), folder);
  rmSync(state, { recursive: true });
}

/** The packages in a folder, in order. */
export function archives(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".deb"))
    .sort()
    .map((name) => join(folder, name));
}

/** The name of the package that a file of apt's cache holds. */
export function packageName(archive: string): string {
  return /([^/_]+)_[^/]*$/.exec(archive)?.[1] ?? archive;
}

/** An apt with folders of its own and no package installed; its sources are the machine's. */
function configure(state: string): string {
  rmSync(state, { recursive: true, force: true });
  mkdirSync(join(state, "lists/partial"), { recursive: true });
  mkdirSync(join(state, "cache/archives/partial"), { recursive: true });
  writeFileSync(join(state, "status"), "");
  const config = join(state, "apt.conf");
  writeFileSync(
    config,
    `#clear APT::Architectures;
APT::Architecture "${ARCHITECTURE}";
APT::Architectures { "${ARCHITECTURE}"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "${state}";
Dir::State::status "${state}/status";
Dir::Cache "${state}/cache";
# Essential packages come only where something depends on them.
pkgCacheGen::ForceEssential ",";
# What a container's image does to its own cache is not meant for ours.
#clear APT::Update::Post-Invoke;
#clear DPkg::Post-Invoke;
`,
  );
  return config;
}
