/**
 * Software bills of materials in CycloneDX's JSON, version 1.6: what each program of a target is
 * made of, and what is in the router's image.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { componentsOf, PROGRAMS, union, type Component } from "../licence/component.ts";
import { VERSION } from "../version.ts";

interface Hash {
  alg: string;
  content: string;
}

interface BomComponent {
  type: "application" | "library" | "firmware";
  "bom-ref": string;
  name: string;
  version: string;
  hashes?: Hash[];
  licenses: [{ expression: string }];
  purl?: string;
}

interface Dependency {
  ref: string;
  dependsOn: string[];
}

export interface Bom {
  bomFormat: "CycloneDX";
  specVersion: "1.6";
  version: 1;
  metadata: { timestamp: string; component: BomComponent };
  components: BomComponent[];
  dependencies: Dependency[];
}

/** Of the programs of a target, which lie in `folder`. */
export function programsBom(target: string, folder: string, epoch_s: number): Bom {
  const parts = PROGRAMS.map((program) => ({
    program: {
      ...ours("application", program, target),
      hashes: [sha256(readFileSync(`${folder}/${program}`))],
    },
    made_of: componentsOf(program, target),
  }));
  const whole = ours("application", "rekeyd-programs", target);
  const libraries = union(parts.map(({ made_of }) => made_of));
  return bom(
    whole,
    [...parts.map(({ program }) => program), ...libraries.map(library)],
    [
      { ref: whole["bom-ref"], dependsOn: parts.map(({ program }) => program["bom-ref"]) },
      ...parts.map(({ program, made_of }) => ({
        ref: program["bom-ref"],
        dependsOn: made_of.map(({ purl }) => purl).sort(),
      })),
    ],
    epoch_s,
  );
}

/** Of the router's image: what its manifest lists, a component on each line. */
export function imageBom(manifest: string, image: string, target: string, epoch_s: number): Bom {
  const whole = {
    ...ours("firmware", "rekeyd-router", target),
    hashes: [sha256(readFileSync(image))],
  };
  const components = manifest
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [, name = "", version = "", licence = "", purl = ""] = line.split("\t");
      return library({ name, version, licence, purl });
    });
  const refs = components.map((component) => component["bom-ref"]);
  return bom(whole, components, [{ ref: whole["bom-ref"], dependsOn: refs }], epoch_s);
}

function ours(type: BomComponent["type"], name: string, target: string): BomComponent {
  return {
    type,
    "bom-ref": `${name}@${VERSION}#${target}`,
    name,
    version: VERSION,
    licenses: [{ expression: "Apache-2.0" }],
  };
}

type Library = Pick<Component, "name" | "version" | "licence" | "purl" | "hash">;

function library({ name, version, licence, purl, hash }: Library): BomComponent {
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    ...(hash === undefined ? {} : { hashes: [{ alg: hash.algorithm, content: hash.hex }] }),
    licenses: [{ expression: licence }],
    purl,
  };
}

function bom(
  component: BomComponent,
  components: BomComponent[],
  dependencies: Dependency[],
  epoch_s: number,
): Bom {
  const timestamp = new Date(1000 * epoch_s).toISOString().replace(".000", "");
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { timestamp, component },
    components,
    dependencies,
  };
}

function sha256(bytes: Buffer): Hash {
  return { alg: "SHA-256", content: createHash("sha256").update(bytes).digest("hex") };
}
