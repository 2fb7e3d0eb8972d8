/** What is the same for every processor: engine and pages; man pages and licences beside them. */
import { mkdirSync } from "node:fs";
import { cargo, DEVICE, run } from "./cargo.ts";
import { buildThirdParty, THIRD_PARTY } from "./licence/third_party.ts";
import { buildMan, builtPage, MAN_INPUTS, MAN_SOURCES } from "./man/pages.ts";
import { TARGETS } from "./cross/targets.ts";
import { buildPages, PAGE_FILES, PAGES, pageSources } from "./pages.ts";
import { whenChanged } from "./stamp.ts";
import { filesBelow } from "./tree.ts";

/** Versions: our own, and those of what we build with. */
const PACKAGE = ["package.json", "package-lock.json"];
const LOCKS = ["package-lock.json", "host/device/Cargo.lock", "host/web/server/Cargo.lock"];
const TRANSFORMS = ["./tools/engine_version.js", "./tools/export_globals.js"];
/** Compiles the engine ahead of time. */
export const COMPILER = "host/device/target/debug/compile-engine";

/** The pages as they are embedded. */
export const PACKED_PAGES = PAGE_FILES.map((name) => `${PAGES}/${name}.gz`);

/** Builds them as far as they are not built from these sources, and the engine's compiler. */
export function buildParts(): void {
  buildByNode();
  cargo({
    title: "the ahead-of-time compiler",
    first_time: "some 3 minutes",
    binary: COMPILER,
    args: [...DEVICE, "-p", "compile-engine"],
  });
}

/** Builds what takes Node.js alone. */
export function buildByNode(): void {
  mkdirSync("build", { recursive: true });
  whenChanged(
    "build/engine.wasm",
    [...filesBelow("assembly", ".ts"), "asconfig.json", ...TRANSFORMS, ...PACKAGE],
    ["build/engine.wasm", "build/engine.wat"],
    () => {
      const transforms = TRANSFORMS.flatMap((path) => ["--transform", path]);
      run("node_modules/.bin/asc", ["--target", "release", ...transforms]);
    },
  );
  whenChanged(
    "build/web",
    [...pageSources(), "tools/pages.ts", "package-lock.json"],
    [...PAGE_FILES.map((name) => `${PAGES}/${name}`), ...PACKED_PAGES],
    buildPages,
  );
  whenChanged(
    "build/man",
    [...MAN_INPUTS, ...filesBelow("tools/man", ".ts"), "build/engine.wasm"],
    MAN_SOURCES.map(builtPage),
    buildMan,
  );
  whenChanged(
    THIRD_PARTY,
    [...LOCKS, "LICENSE", ...filesBelow("tools/licence", ".ts"), ...filesBelow("tools", ".txt")],
    [THIRD_PARTY],
    () => buildThirdParty(TARGETS.map(({ triple }) => triple)),
  );
}

/** The engine's code for a processor, and beside it the SHA-256 of the module it was made of. */
export function engineFor(triple: string): string {
  return `build/engine.${triple}.cwasm`;
}

/** Compiles the engine ahead of time for a processor, or for an interpreter on it. */
export function compileEngine(triple: string, to: "native" | "pulley32" = "native"): void {
  const artifact = engineFor(triple);
  const sha256 = `build/engine.${triple}.sha256`;
  whenChanged(artifact, ["build/engine.wasm", COMPILER], [artifact, sha256], () =>
    run(COMPILER, ["--target", to === "native" ? triple : to, "build/engine.wasm", artifact]),
  );
}
