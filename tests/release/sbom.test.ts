/** Bills of materials: valid by CycloneDX's own schema, whole, and the same each time. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Ajv } from "ajv";
import { TARGETS } from "../../tools/cross/targets.ts";
import { PROGRAMS } from "../../tools/licence/component.ts";
import { imageBom, programsBom, type Bom } from "../../tools/release/sbom.ts";
import { VERSION } from "../../tools/version.ts";

const EPOCH_S = 1_800_000_000;
const TARGET = TARGETS[0]!.triple;

/** What CycloneDX's schema complains of. */
function complaints(document: unknown): string[] {
  const library = createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library");
  const folder = join(dirname(library).replace(/\/dist.*/, ""), "res/schema");
  const schema = (name: string): object =>
    JSON.parse(readFileSync(join(folder, `${name}.SNAPSHOT.schema.json`), "utf8")) as object;
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  // The package's schemas refer to each other by the names of their files.
  for (const name of ["spdx", "jsf-0.82", "cryptography-defs"]) {
    ajv.addSchema({
      ...schema(name),
      $id: `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`,
    });
  }
  const validate = ajv.compile(schema("bom-1.6"));
  validate(document);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Something to take for programs. */
function withPrograms<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "rekeyd-bom-"));
  try {
    for (const program of PROGRAMS) writeFileSync(join(folder, program), program);
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function checkReferences({ components, dependencies, metadata }: Bom): void {
  const refs = [metadata.component, ...components].map((component) => component["bom-ref"]);
  assert.equal(new Set(refs).size, refs.length, "a name stands twice");
  const reached = new Set([refs[0], ...dependencies.flatMap(({ dependsOn }) => dependsOn)]);
  assert.deepEqual(
    refs.filter((ref) => !reached.has(ref)),
    [],
    "in nothing",
  );
  assert.deepEqual(
    [...reached].filter((ref) => !refs.includes(ref!)),
    [],
    "not listed",
  );
}

test("a target's bill is valid, whole, and the same twice", () =>
  withPrograms((folder) => {
    const bill = programsBom(TARGET, folder, EPOCH_S);
    assert.deepEqual(complaints(bill), []);
    checkReferences(bill);
    assert.deepEqual(bill, programsBom(TARGET, folder, EPOCH_S));
    assert.equal(bill.metadata.timestamp, "2027-01-15T08:00:00Z");
    assert.equal(bill.metadata.component.version, VERSION);
    const names = bill.components.map(({ name }) => name);
    for (const name of ["wasmtime", "hyper", "preact", "uplot", "assemblyscript", "std", "musl"]) {
      assert.ok(names.includes(name), name);
    }
    // What only builds or tests is not shipped.
    for (const name of ["cranelift-codegen", "esbuild", "typescript", "proc-macro2"]) {
      assert.ok(!names.includes(name), name);
    }
    const crates = bill.components.filter(({ purl }) => /^pkg:(cargo|npm)\//.test(purl ?? ""));
    assert.ok(crates.length > 60, `${crates.length} crates`);
    const unhashed = crates.filter(({ hashes }) => hashes === undefined).map(({ name }) => name);
    assert.deepEqual(unhashed, []);
  }));

test("the image's bill has its packages and our programs", () =>
  withPrograms((folder) => {
    const manifest =
      "crate\tlibc\t0.2.1\tMIT OR Apache-2.0\tpkg:cargo/libc@0.2.1\n" +
      "debian\tlibc6\t2.36-9+deb12u1\tGPL-2.0-or-later AND LicenseRef-own\t" +
      "pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=arm64\n";
    const bill = imageBom(manifest, join(folder, "rekeyd"), TARGET, EPOCH_S);
    assert.deepEqual(complaints(bill), []);
    checkReferences(bill);
    assert.deepEqual(
      bill.components.map(({ name }) => name),
      ["libc", "libc6"],
    );
  }));

test("the schema complains of a bill that is wrong", () =>
  withPrograms((folder) => {
    const bill = programsBom(TARGET, folder, EPOCH_S);
    const wrong = { ...bill, components: [{ type: "libary", name: "a" }], specVersion: "1.6" };
    assert.match(complaints(wrong).join("\n"), /\/components\/0\/type must be equal to one of/);
  }));
