/** All files of a machine, so that two moments can be compared. */
import type { Machine } from "./machine.ts";

/** What changes by itself, or is a record of what was done: logs, caches, copies. */
const VOLATILE = [
  "/var/log",
  "/var/cache",
  "/var/lib/apt",
  "/var/lib/dpkg",
  "/var/lib/systemd/random-seed",
  "/etc/passwd-",
  "/etc/group-",
  "/etc/shadow-",
  "/etc/gshadow-",
  "/etc/.pwd.lock",
  "/root",
];

/** A line for each: kind, mode, owner, name, target of a link, and in /etc the content's digest. */
export async function files(machine: Machine): Promise<string[]> {
  const pruned = VOLATILE.map((path) => `-path ${path}`).join(" -o ");
  const listed = `find / -xdev \\( ${pruned} \\) -prune -o -printf '%y %m %u %g %p %l\\n'`;
  const contents = `find /etc -type f \\( ${pruned} \\) -prune -o -type f -exec sha256sum {} +`;
  const dpkg = "find /var/lib/dpkg/info -name 'rekeyd*'; dpkg-query -Wf '${Package}\\n'";
  const text = await machine.run(`${listed}; ${contents}; ${dpkg}`);
  return text.split("\n").sort();
}
