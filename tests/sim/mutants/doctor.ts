/**
 * `npm run doctor:mutants [-- NAME...]`: shows that the tests of `doctor` can fail. Each mutant is
 * a doctor that is blind for one finding, or looks wrongly; tests/sim/doctor.test.ts has to see it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { compile, type Change } from "./compile.ts";

const TEST = resolve("tests/sim/doctor.test.ts");
const FINDINGS = "console/doctor/finding.ts";

const wrong = (file: string, from: string, to: string): Change => ({
  name: `${file}: ${from} -> ${to}`,
  file,
  from,
  to,
});
const exam = (from: string, to: string): Change => wrong("monitor/exam.ts", from, to);
const path = (from: string, to: string): Change => wrong("console/doctor/path.ts", from, to);
const machine = (from: string, to: string): Change => wrong("console/doctor/machine.ts", from, to);
const settings = (from: string, to: string): Change =>
  wrong("console/doctor/settings.ts", from, to);

const WRONG: Change[] = [
  exam("vpn.config.has(VpnFlag.MONITOR) && vpn.state != State.UP", "false"),
  exam("&& vpn.state != State.UP", ""),
  exam("waits_conns = isReady() && request(Request.LIST_CONNS, 0)", "waits_conns = false"),
  exam("waits_facts = true", "waits_facts = false"),
  exam("if (full && !ending) {", "if (false) {"),
  exam("  askRules();\n  pingPeers();", "  pingPeers();"),
  exam("  askRules();\n  pingPeers();", "  askRules();"),
  exam("m < markCount()", "m < 0"),
  exam("if (!isUnset(gateway.peer_ip)) lookUp", "if (false) lookUp"),
  exam("known && reply.seq == number", "false"),
  exam("if (!waits && (!full || ending)) finish();", ""),
  path("vpn.state == State.UP && vpn.misses == 1", "false"),
  path("vpn.state != State.DOWN && vpn.misses > 0", "false"),
  path("vpn.state != State.DOWN && !vpn.config.has(VpnFlag.REKEY)", "false"),
  path("!isV4(vpn.source) && !hostHasIpv6()", "!hostHasIpv6()"),
  path("vpn.state != State.UP && !isOurs(vpn.source)", "false"),
  path("if (vpn.held == 0) return false;", ""),
  path("if (table == STRONGSWAN_TABLE) return false;", ""),
  path("pinged && !answers &&", "pinged &&"),
  path("vpn.tried == Tried.SILENCE || onlyUnanswered(gateway)", "false"),
  machine("!kernelHasIpsec() && !anySa()", "!kernelHasIpsec()"),
  machine("!kernelHasIpsec() && !anySa()", "!anySa()"),
  settings("wait_ms > SLOW_MS", "true"),
  settings("lifetime_ms >= verdict_ms", "false"),
  settings("if (!gateway.known) return;", ""),
  settings("&& gateway.version != 1", ""),
  settings("now_ms - vpn.duplicate_at_ms < DUPLICATES_MS", "true"),
  settings("!recent && now == 0 && !both", "now == 0 && !both"),
  settings("!recent && now == 0 && !both", "!recent"),
  settings("- <i64>vpn.own_in < FEW_PACKETS", "< FEW_PACKETS"),
  settings("if (abs(sa.packets_in - sa.packets_out) > UNDER_WAY) return;", ""),
  settings("if (abs(sa.bytes_in - sa.bytes_out) > UNDER_WAY * LONG_BYTES) return;", ""),
];

/** A doctor that says nothing of it, for each finding there is. */
function blind(): Change[] {
  const text = readFileSync(join("assembly", FINDINGS), "utf8");
  const from = "  write(Column.NONE);\n  found++;";
  return [...text.matchAll(/case Finding\.(\w+): return is/g), [, "REKEY_OFF"]].map(([, id]) => ({
    name: `blind for ${id!}`,
    file: FINDINGS,
    from,
    to: `  if (current == Finding.${id!}) return;\n${from}`,
  }));
}

/** Names of the tests that fail on the mutant. */
async function failures(mutant: Change, folder: string): Promise<string[]> {
  mkdirSync(join(folder, "build"), { recursive: true });
  writeFileSync(join(folder, "build/engine.wasm"), await compile(mutant));
  // The test loads the engine from where it runs.
  const tsx = import.meta.resolve("tsx");
  const args = ["--import", tsx, "--test", "--test-reporter", "tap", TEST];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  await once(child, "close");
  return [...output.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, name]) => name!);
}

async function main(names: string[]): Promise<number> {
  const root = mkdtempSync(join(tmpdir(), "rekeyd-doctor-"));
  const mutants = [...blind(), ...WRONG].filter(
    ({ name }) => names.length === 0 || names.some((part) => name.includes(part)),
  );
  let survivors = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < mutants.length) {
      const number = next++;
      const mutant = mutants[number]!;
      const failed = await failures(mutant, join(root, `${number}`));
      if (failed.length === 0) survivors++;
      const found = failed.length === 0 ? "SURVIVES" : failed[0]!;
      console.log(`${mutant.name.padEnd(60)} ${found}`);
    }
  };
  try {
    await Promise.all(cpus().map(work));
  } finally {
    rmSync(root, { recursive: true });
  }
  console.log(`${mutants.length} mutants, ${survivors} survive`);
  return survivors === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
