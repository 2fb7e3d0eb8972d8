/** What the programs answer without a daemon is the same on every processor. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { crossFolder, TARGETS } from "../../tools/cross/targets.ts";
import { RUNNABLE, runProgram } from "./lib/emulated.ts";

const folder = mkdtempSync(join(tmpdir(), "rekeyd-answers-"));
after(() => rmSync(folder, { recursive: true }));

const good = join(folder, "good");
writeFileSync(
  good,
  `config vpnmonitor 'global'
    option interval '10'
config vpn 'branch'
    option gateway 's2s'
    option child 'net'
    option monitor '1'
    option rekey '1'
    list destination_ip '10.2.0.10'
    list destination_ip 'fd00:2::10'
`,
);
const bad = join(folder, "bad");
writeFileSync(bad, "config vpn 'a'\n\toption threshold '-1'\nconfg\n\toption 'x\n\xff\n");

const QUESTIONS: [string, ...string[]][] = [
  ["rekeyd", "--version"],
  ["rekeyd", "--help"],
  ["rekeyd", "check", "--config", good],
  ["rekeyd", "check", "--config", bad],
  ["rekeyd", "check", "--config", join(folder, "none")],
  ["rekeyd", "walk"],
  ["rekeyctl", "--version"],
  ["rekeyctl", "complete", "get", ""],
  ["rekeyctl", "--json", "complete", "set", "vpn", "a", "monitor", ""],
  ["rekeyctl", "--control", join(folder, "none"), "get", "sa"],
  ["rekeyd-web", "--version"],
  ["rekeyd-web", "--port", "x"],
];

for (const target of RUNNABLE) {
  test(`${target.triple} answers as this machine does`, () => {
    for (const [program, ...args] of QUESTIONS) {
      const here = runProgram("build", program, ...args);
      assert.deepEqual(runProgram(target, program, ...args), here, `${program} ${args.join(" ")}`);
    }
  });
}

for (const { triple } of TARGETS.filter(({ triple }) => existsSync(crossFolder(triple)))) {
  test(`${triple} is static: it has no interpreter, and needs no library`, () => {
    for (const program of ["rekeyd", "rekeyd-web"]) {
      const header = ["--wide", "--program-headers", `${crossFolder(triple)}/${program}`];
      const { stdout } = spawnSync("readelf", header, { encoding: "utf8" });
      assert.match(stdout, /^ {2}LOAD /m);
      assert.doesNotMatch(stdout, /INTERP/);
    }
  });
}
