/** Debian as it is installed, without rekeyd: made once for each release by mmdebstrap. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { attempt, run } from "../../lab/lib/command.ts";

const FOLDER = "build/package/roots";

export interface Release {
  /** As people call it. */
  name: string;
  suite: string;
}

export const RELEASES: Release[] = [
  { name: "Debian 12", suite: "bookworm" },
  { name: "Debian 13", suite: "trixie" },
];

/** What an administrator has there, and what tests call. */
const PACKAGES = [
  ...["systemd", "systemd-sysv", "dbus", "apt", "ca-certificates", "man-db", "bash-completion"],
  ...["charon-systemd", "strongswan-swanctl", "libcharon-extra-plugins"],
  ...["libstrongswan-extra-plugins", "iproute2", "iputils-ping", "nftables", "curl", "nano"],
];

/** An archive of the release's tree; undefined, and a note why, where it can't be had. */
export async function debianRoot({ name, suite }: Release): Promise<string | undefined> {
  const archive = `${FOLDER}/${suite}.tar`;
  const stamp = `${archive}.from`;
  const from = `${PACKAGES.join(" ")}\n`;
  if (existsSync(archive) && existsSync(stamp) && readFileSync(stamp, "utf8") === from) {
    return archive;
  }
  mkdirSync(FOLDER, { recursive: true });
  const fresh = `${archive}.${process.pid}.tar`;
  const include = `--include=${PACKAGES.join(",")}`;
  const done = await attempt("mmdebstrap", [
    ...["--quiet", "--variant=minbase", "--aptopt=Acquire::Languages none", include],
    ...[suite, fresh, await mirror()],
  ]).catch((error: Error) => ({ code: 1, stderr: error.message }));
  if (done.code !== 0) {
    const [reason] = done.stderr.split("\n").filter((line) => line.startsWith("E:"));
    console.log(`note: skip ${name}: no tree of it: ${reason ?? done.stderr.trim()}`);
    return undefined;
  }
  renameSync(fresh, archive);
  writeFileSync(stamp, from);
  return archive;
}

/** Where this machine has its own packages from. */
async function mirror(): Promise<string> {
  const format = "$(REPO_URI) $(ORIGIN) $(COMPONENT)";
  const targets = await run("apt-get", ["indextargets", "--format", format]);
  const ours = targets.split("\n").find((line) => /\/ Debian main$/.test(line));
  return ours?.split(" ")[0] ?? "http://deb.debian.org/debian";
}
