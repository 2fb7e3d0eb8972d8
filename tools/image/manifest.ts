/** What is in the image: names, versions and licences, of Debian's packages and of our programs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { componentsOf, PROGRAMS, type Component } from "../licence/component.ts";
import { run } from "./command.ts";
import { licencesIn } from "./licence.ts";
import { TARGET } from "./paths.ts";

type Named = Pick<Component, "name" | "version" | "licence" | "purl"> & { kind: string };

/**
 * Names each component on a line: kind, name, version, licence and package URL, between tabs. The
 * packages' copyright files stand below `root`.
 */
export function manifest(packages: string[], root: string): string {
  const components: Named[] = [
    ...packages.map((archive) => debian(archive, root)),
    ...PROGRAMS.flatMap((program): Named[] => componentsOf(program, TARGET)),
  ];
  const lines = components.map(({ kind, name, version, licence, purl }) =>
    [kind, name, version, licence, purl].join("\t"),
  );
  return `${[...new Set(lines)].sort().join("\n")}\n`;
}

function debian(archive: string, root: string): Named {
  const format = "${Package}\t${Version}\t${Architecture}\n";
  const [name = "", version = "", architecture = ""] = run("dpkg-deb", [
    "--show",
    `--showformat=${format}`,
    archive,
  ])
    .trim()
    .split("\t");
  const copyright = readFileSync(join(root, "usr/share/doc", name, "copyright"), "utf8");
  const licence = licencesIn(copyright).join(" AND ");
  const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`;
  return { kind: "debian", name, version, licence, purl };
}
