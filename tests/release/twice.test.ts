/**
 * The same bytes twice. What takes Node.js is made again, and all is packed again, from a clone in
 * another folder, by another user's habits; and from the source tarball that comes of it cargo
 * alone builds a program for one target again. `npm run release:twice` compiles everything twice.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { crossFolder, TARGETS } from "../../tools/cross/targets.ts";
import { cargoEnvironment, cargoOptions, missing } from "../../tools/cross/toolchain.ts";
import { pack } from "../../tools/release/archive.ts";
import { assemble, SUMS } from "../../tools/release/assemble.ts";
import { commitTime } from "../../tools/package/deb.ts";
import { COMPILER } from "../../tools/parts.ts";
import { filesBelow, treeFiles } from "../../tools/tree.ts";
import { VERSION } from "../../tools/version.ts";

const targets = TARGETS.filter((target) => missing(target).length === 0);
const skip = targets.length === 0 ? "this machine can build for no target" : false;
const TSX = [process.execPath, "--import", "tsx"];

/** Makes the parts and packs; it runs in the clone. */
const AGAIN = `
  const { buildByNode, compileEngine } = await import("./tools/parts.ts");
  const { assemble } = await import("./tools/release/assemble.ts");
  const release = JSON.parse(process.argv[1]);
  buildByNode();
  for (const { triple, engine } of release.targets) compileEngine(triple, engine);
  assemble(release);`;

let folder = "";

before(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "rekeyd-twice-"));
});
after(() => fs.rmSync(folder, { recursive: true }));

/** Runs a command to its end under a umask; its failure is the test's. */
function run(cwd: string, umask: string, command: string[], env: NodeJS.ProcessEnv = {}): void {
  const words = ["-c", `umask ${umask}; exec "$@"`, "run", ...command];
  const done = spawnSync("sh", words, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 1 << 26,
  });
  assert.equal(done.status, 0, `${command.join(" ")}\n${done.stdout}${done.stderr}`);
}

/** The tree in another folder, for its owner alone; with what only Rust would make of it. */
function clone(): string {
  const to = join(folder, "clone");
  fs.mkdirSync(to);
  run(to, "077", ["git", "init", "--quiet"]);
  const programs = targets.flatMap(({ triple }) =>
    ["rekeyd", "rekeyd-web"].map((name) => `${crossFolder(triple)}/${name}`),
  );
  // Whose version the bill of materials tells.
  const musl = filesBelow("build/cross/musl", ".deb");
  for (const path of [...treeFiles().filter(fs.existsSync), COMPILER, ...programs, ...musl]) {
    fs.cpSync(path, join(to, path));
    fs.chmodSync(join(to, path), fs.statSync(path).mode & 0o700);
  }
  fs.symlinkSync(resolve("node_modules"), join(to, "node_modules"));
  // .gitignore means a folder of that name.
  fs.appendFileSync(join(to, ".git/info/exclude"), "node_modules\n");
  return to;
}

const sums = (out: string): string[] => fs.readFileSync(join(out, SUMS), "utf8").split("\n");

test("a release is the same from another folder, by another user's habits", { skip }, () => {
  // What another part has built, or minutes: the programs.
  run(".", "022", [...TSX, "tools/cross.ts", ...targets.map(({ triple }) => triple)]);
  const release = { targets, image: false, epoch_s: commitTime() };
  assemble({ ...release, out: join(folder, "here") });
  const again = [...TSX, "--input-type=module", "--eval", AGAIN];
  const out = join(folder, "there");
  run(clone(), "077", [...again, JSON.stringify({ ...release, out })], {
    TZ: "Pacific/Auckland",
    LC_ALL: "C.UTF-8",
    USER: "somebody",
  });
  assert.deepEqual(sums(out), sums(join(folder, "here")));
  assert.ok(sums(out).length > 8);
  const checked = spawnSync("sha256sum", ["--check", "--quiet", SUMS], { cwd: out });
  assert.equal(checked.status, 0, String(checked.stdout));
});

test("from the source tarball, cargo alone builds the same daemon", { skip }, () => {
  const target = targets[0]!;
  const name = `rekeyd-${VERSION}`;
  run(folder, "027", ["tar", "-xf", join(folder, "there", `${name}.tar.xz`)]);
  const source = join(folder, name);
  // Node.js and its tools answer with a mistake, and leave a mark.
  const mark = join(folder, "node-was-called");
  const no_node = join(folder, "bin");
  fs.mkdirSync(no_node);
  for (const tool of ["node", "npm", "npx", "tsx"]) {
    fs.writeFileSync(join(no_node, tool), `#!/bin/sh\ntouch ${mark}\nexit 1\n`, { mode: 0o755 });
  }
  const env = Object.entries(cargoEnvironment(target)).map(([key, value]) => [
    key,
    value?.replaceAll(`${process.cwd()}=`, `${source}=`),
  ]);
  const installed = join(folder, "installed");
  const install = [
    "install",
    "--quiet",
    "--path",
    "host/device",
    "--root",
    installed,
    "--no-track",
  ];
  const options = cargoOptions(target).filter((option) => option !== "--release");
  run(source, "027", ["cargo", ...install, "--locked", "--offline", ...options], {
    ...Object.fromEntries(env),
    PATH: `${no_node}:${process.env["PATH"]}`,
    TZ: "America/St_Johns",
  });
  assert.ok(!fs.existsSync(mark), "Node.js was called");
  const built = fs.readFileSync(join(installed, "bin/rekeyd"));
  assert.ok(built.equals(fs.readFileSync(`${crossFolder(target.triple)}/rekeyd`)), "it differs");
});

test("a tarball tells nothing of modes but whether a file is run, nor of times", () => {
  const file = join(folder, "file");
  const make = (mode: number): Buffer => {
    fs.writeFileSync(file, "text");
    fs.chmodSync(file, mode);
    fs.utimesSync(file, mode, mode);
    const archive = join(folder, "archive.tar.xz");
    pack(
      archive,
      "top",
      [
        { name: "b/file", from: file },
        { name: "a", link: "b/file" },
      ],
      1000,
    );
    return fs.readFileSync(archive);
  };
  assert.ok(make(0o600).equals(make(0o664)));
  assert.ok(make(0o700).equals(make(0o775)));
  assert.ok(!make(0o600).equals(make(0o700)));
});
