/** Debian as it is installed, without rekeyd: made once for each release by mmdebstrap. */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { mirror } from "../../../tools/strongswan.ts";
import { attempt } from "../../lab/lib/command.ts";

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

/** Makes the archive $0 unless it is there, once for all that ask at the same time. */
const MAKE = '[ -e "$0" ] || { mmdebstrap "$@" && mv "$0.new.tar" "$0"; }';

/** An archive of the release's tree; undefined, and a note why, where it can't be had. */
export async function debianRoot({ name, suite }: Release): Promise<string | undefined> {
  const digest = createHash("sha256").update(PACKAGES.join()).digest("hex");
  const archive = `${FOLDER}/${suite}-${digest.slice(0, 8)}.tar`;
  mkdirSync(FOLDER, { recursive: true });
  const include = `--include=${PACKAGES.join(",")}`;
  const options = ["--quiet", "--variant=minbase", "--aptopt=Acquire::Languages none", include];
  const { code, stderr } = await attempt("flock", [
    ...[`${FOLDER}/${suite}.lock`, "sh", "-c", MAKE, archive],
    ...[...options, suite, `${archive}.new.tar`, ...mirror()],
  ]);
  if (code === 0) return archive;
  const reason = /^E: .*$/m.exec(stderr)?.[0] ?? stderr.trim();
  console.log(`note: skip ${name}: no tree of it: ${reason}`);
  return undefined;
}
