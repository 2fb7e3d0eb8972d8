/** Debian's packages that a test needs and the router does not have: unpacked for its layer. */
import { readFileSync, rmSync } from "node:fs";
import { archives, download, packageName } from "../../../tools/image/apt.ts";
import { ARCHITECTURE } from "../../../tools/image/machine.ts";
import { IMAGE, MANIFEST } from "../../../tools/image/paths.ts";
import { makeRoot, unpack } from "../../../tools/image/root.ts";
import { whenChanged } from "../../../tools/stamp.ts";

/** Of what the packages depend on, libraries are enough: the rest is for maintainer scripts. */
const LIBRARY = /^lib(?!.*perl)/;

/** A folder with the packages and the libraries that the router does not have. */
export function unpacked(name: string, packages: string[]): string {
  const root = `${IMAGE}/layers/${name}`;
  const downloads = `${root}.archives`;
  download(ARCHITECTURE, packages, downloads);
  const manifest = readFileSync(MANIFEST, "utf8");
  const more = archives(downloads).filter((path) => {
    const name = packageName(path);
    const wanted = packages.includes(name) || LIBRARY.test(name);
    return wanted && !manifest.includes(`debian\t${name}\t`);
  });
  whenChanged(root, ["tools/image/root.ts", ...more], [root], () => {
    rmSync(root, { recursive: true, force: true });
    makeRoot(root);
    for (const path of more) unpack(path, root);
  });
  return root;
}
