/**
 * Builds what is not built yet, or not from these sources: `npm run build [-- --fault]`.
 *
 *     assembly/          -> build/engine.wasm, .wat   asc
 *     compile-engine     -> (a tool)                  cargo
 *     build/engine.wasm  -> build/engine.TARGET.cwasm the tool: code for the machine, and .sha256
 *     host/device        -> build/rekeyd, rekeyctl    cargo; holds the artifact
 *     host/web/pages     -> build/web                 esbuild; and compressed
 *     docs/man           -> build/man                 with tables of docs/ and of the engine
 *     host/web/server    -> build/rekeyd-web          cargo; holds the pages
 *
 * With --fault also build/rekeyd-fault, whose engine can be made to trap: for tests alone.
 * With --image, instead, build/image/rekeyd and rekeyd-web: static, for the router's processor.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { buildMan, builtPage, MAN_INPUTS, MAN_SOURCES } from "./man/pages.ts";
import { buildPages, PAGE_FILES, PAGES, pageSources } from "./pages.ts";
import { UNAVAILABLE } from "./image/apt.ts";
import { IMAGE, TARGET } from "./image/paths.ts";
import { step, whenChanged } from "./stamp.ts";
import { filesBelow } from "./tree.ts";

/** Versions: our own, and those of what we build with. */
const PACKAGE = ["package.json", "package-lock.json"];
const DEVICE = ["--manifest-path", "host/device/Cargo.toml"];
const TRANSFORMS = ["./tools/engine_version.js", "./tools/export_globals.js"];
const CARGO_OUT = "host/device/target";
const DAEMON = `${CARGO_OUT}/release/rekeyd`;
const SERVER = ["--manifest-path", "host/web/server/Cargo.toml"];
const WEB = "host/web/server/target/release/rekeyd-web";
const COMPILER = `${CARGO_OUT}/debug/compile-engine`;

/** Runs a command; its output goes to the terminal, and its failure ends the build. */
function run(command: string, args: string[]): void {
  const done = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (done.error) throw done.error;
  if (done.status !== 0) {
    console.error(`build: '${command} ${args.join(" ")}' failed`);
    process.exit(1);
  }
}

/** Has cargo build a binary; the first time it takes minutes, so cargo shows how far it is. */
function cargo(title: string, binary: string, first_time: string, ...args: string[]): void {
  const first = !existsSync(binary);
  const quiet = first ? [] : ["--quiet"];
  step(first ? `${title}, ${first_time} the first time` : title, () => {
    run("cargo", ["build", ...quiet, "--locked", ...args]);
  });
}

/** Puts a binary in place if it is another one: as a new file, since the old one may be running. */
function install(from: string, to: string, ...links: string[]): void {
  if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) return;
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
  for (const link of links) {
    rmSync(link, { force: true });
    linkSync(to, link);
  }
}

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
  PAGE_FILES.flatMap((name) => [`${PAGES}/${name}`, `${PAGES}/${name}.gz`]),
  buildPages,
);

whenChanged(
  "build/man",
  [...MAN_INPUTS, ...filesBelow("tools/man", ".ts"), "build/engine.wasm"],
  MAN_SOURCES.map(builtPage),
  buildMan,
);

const for_image = process.argv.includes("--image");
const target = for_image ? TARGET : hostTarget();
const artifact = `build/engine.${target}.cwasm`;
const sha256 = `build/engine.${target}.sha256`;

if (for_image) needTarget();
cargo("the ahead-of-time compiler", COMPILER, "some 3 minutes", ...DEVICE, "-p", "compile-engine");

whenChanged(artifact, ["build/engine.wasm", COMPILER], [artifact, sha256], () =>
  run(COMPILER, ["--target", target, "build/engine.wasm", artifact]),
);

if (for_image) buildForImage();
else buildForHost();

function buildForHost(): void {
  const daemon = [...DEVICE, "--release", "-p", "rekeyd"];
  if (process.argv.includes("--fault")) {
    cargo("build/rekeyd-fault", DAEMON, "some 90 seconds", ...daemon, "--features", "fault");
    install(DAEMON, "build/rekeyd-fault");
  }
  cargo("build/rekeyd", DAEMON, "some 90 seconds", ...daemon);
  install(DAEMON, "build/rekeyd", "build/rekeyctl");

  cargo("build/rekeyd-web", WEB, "some 60 seconds", ...SERVER, "--release");
  install(WEB, "build/rekeyd-web");
  printSizes("build/rekeyd", "build/rekeyd-web");
}

/**
 * In a folder of its own: cargo locks it, and other tests build and run meanwhile. The linker comes
 * with Rust, and musl with Rust's target; wasmtime has a few lines of C.
 */
function buildForImage(): void {
  mkdirSync(IMAGE, { recursive: true });
  const name = TARGET.toUpperCase().replaceAll("-", "_");
  process.env[`CARGO_TARGET_${name}_LINKER`] ??= "rust-lld";
  // Another folder, on another machine, gives the same bytes: panics name source files.
  const cargo_home = process.env["CARGO_HOME"] ?? `${process.env["HOME"]}/.cargo`;
  process.env[`CARGO_TARGET_${name}_RUSTFLAGS`] ??= [
    `--remap-path-prefix=${cargo_home}=/cargo`,
    `--remap-path-prefix=${process.cwd()}=/rekeyd`,
  ].join(" ");
  process.env[`CC_${TARGET.replaceAll("-", "_")}`] ??= "aarch64-linux-gnu-gcc";
  const out = `${IMAGE}/cargo`;
  const cross = ["--release", "--target", TARGET, "--target-dir", out];
  for (const [program, crate, seconds] of [
    ["rekeyd", DEVICE, 90],
    ["rekeyd-web", SERVER, 60],
  ] as const) {
    const binary = `${out}/${TARGET}/release/${program}`;
    const to = `${IMAGE}/${program}`;
    cargo(to, binary, `some ${seconds} seconds`, ...crate, "-p", program, ...cross);
    install(binary, to);
  }
  printSizes(`${IMAGE}/rekeyd`, `${IMAGE}/rekeyd-web`);
}

/** Ends the build where Rust has no library for the router; bootstrap.sh has tried to get it. */
function needTarget(): void {
  const sysroot = execFileSync("rustc", ["--print", "sysroot"], { encoding: "utf8" }).trim();
  if (existsSync(`${sysroot}/lib/rustlib/${TARGET}`)) return;
  console.error(`Rust has no library for ${TARGET}: 'rustup target add ${TARGET}'`);
  process.exit(UNAVAILABLE);
}

function hostTarget(): string {
  const host = /^host: (.*)$/m.exec(execFileSync("rustc", ["-vV"], { encoding: "utf8" }))?.[1];
  if (host === undefined) throw new Error("rustc -vV names no host");
  return host;
}

function printSizes(...programs: string[]): void {
  for (const program of programs) {
    console.log(`${program}: ${(statSync(program).size / 1000).toFixed(0)} kB`);
  }
}
