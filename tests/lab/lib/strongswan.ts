/** Which strongSwan a gateway runs, and its programs. */
import * as fs from "node:fs";
import * as path from "node:path";
import { MOUNTED, ownVersion, rootOf, versionsOf } from "../../../tools/strongswan.ts";
import type { Side } from "./addresses.ts";

const PROGRAMS = { charon: "/usr/lib/ipsec/charon", swanctl: "/usr/sbin/swanctl" };

/** What of tools/strongswan.ts's variants this run is; the machine's own strongSwan by default. */
export const variant = process.env["STRONGSWAN"] ?? ownVersion();

/** The version that one side's gateway runs. */
export function versionAt(side: Side): string {
  return versionsOf(variant)[side];
}

/** Puts the programs of a version into a folder, so that they can be run by these names there. */
export function installPrograms(version: string, folder: string): void {
  const root = rootOf(version);
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const file = path.join(folder, name);
    if (fs.existsSync(file)) continue;
    // A copy: where AppArmor is on, its profiles go by the path, and forbid our files.
    if (root === "") fs.copyFileSync(program, file);
    else fs.writeFileSync(file, enter(root, program), { mode: 0o755 });
  }
}

/** A script that becomes a program in another root. What it mounts there, nobody else sees. */
function enter(root: string, program: string): string {
  const mounts = MOUNTED.map((each) => `mount --rbind "/${each}" "${root}/${each}" && `).join("");
  return `#!/bin/sh
exec unshare --mount sh -c '${mounts}exec chroot "${root}" ${program} "$@"' sh "$@"
`;
}
