/**
 * Debian's packages of another architecture, from this machine's own sources: apt resolves and
 * downloads them as if for an empty machine. Nothing is installed.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./command.ts";

/** Exit status of who can't get the packages: no network, or no source that has them. */
export const UNAVAILABLE = 3;

/** What the sources don't have, or can't be asked for. */
export class Unavailable extends Error {}

/** Downloads the packages, and what they depend on, into `folder`, unless it is there. */
export function download(architecture: string, packages: string[], folder: string): void {
  if (existsSync(folder)) return;
  const options = ["--yes", "--download-only", "--no-install-recommends"];
  askApt(architecture, folder, (env, state) => {
    run("apt-get", ["-qq", "install", ...options, ...packages], env);
    rmSync(join(state, "cache/archives/partial"), { recursive: true });
    renameSync(join(state, "cache/archives"), folder);
  });
}

/** Downloads these packages alone into `folder`, unless it is there. */
export function downloadAlone(architecture: string, packages: string[], folder: string): void {
  if (existsSync(folder)) return;
  askApt(architecture, folder, (env, state) => {
    const into = join(state, "alone");
    mkdirSync(into);
    run("apt-get", ["-qq", "download", ...packages], env, into);
    renameSync(into, folder);
  });
}

/** Has an apt of its own do something beside `folder`. */
function askApt(
  architecture: string,
  folder: string,
  work: (env: NodeJS.ProcessEnv, state: string) => void,
): void {
  const state = resolve(`${folder}.apt`);
  const env = { APT_CONFIG: configure(architecture, state), DEBIAN_FRONTEND: "noninteractive" };
  try {
    run("apt-get", ["-qq", "update"], env);
  } catch (error) {
    // The other sources may have what is wanted.
    console.error(`not all of Debian's lists for ${architecture}: ${reasons(error)}`);
  }
  try {
    work(env, state);
  } catch (error) {
    throw new Unavailable(`can't get Debian's ${architecture} packages: ${reasons(error)}`);
  }
  rmSync(state, { recursive: true });
}

/** What apt complains of. */
function reasons(error: unknown): string {
  return (error as Error).message.match(/E: .*/g)?.join("; ") ?? "";
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
function configure(architecture: string, state: string): string {
  rmSync(state, { recursive: true, force: true });
  mkdirSync(join(state, "lists/partial"), { recursive: true });
  mkdirSync(join(state, "cache/archives/partial"), { recursive: true });
  writeFileSync(join(state, "status"), "");
  const config = join(state, "apt.conf");
  writeFileSync(
    config,
    `#clear APT::Architectures;
APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
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
