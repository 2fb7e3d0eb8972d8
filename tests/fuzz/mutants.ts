/**
 * `npm run fuzz:mutants [-- NAME...]`: shows that the fuzzers can fail. Each small wrong engine is
 * made in a copy of assembly/, compiled, and given to its fuzzer for as many inputs as the short
 * run has. The engine as it is in build/ must get through them first.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Campaign } from "./lib/campaign.ts";
import { Finding } from "./lib/finding.ts";
import { instrument } from "./lib/instrument.ts";
import { Runner } from "./lib/runner.ts";
import { loadCorpus, loadFound } from "./lib/store.ts";
import { TARGETS } from "./targets/all.ts";

const SEED = 1;
const RUNS = 3_000;

interface Mutant {
  name: string;
  target: string;
  file: string;
  /** What stands there, exactly once, and what stands there instead. */
  from: string;
  to: string;
}

const MUTANTS: Mutant[] = [
  {
    name: "a vici packet may be longer than what was read",
    target: "vici",
    file: "ike/vici/frame.ts",
    from: "if (held == HEADER_BYTES && input_length >= length) {",
    to: "if (held == HEADER_BYTES && input_length > 0) {",
  },
  {
    name: "a name may be longer than its field",
    target: "vici",
    file: "bytes/slice.ts",
    from: "  if (<u32>len > <u32>max) return false;\n",
    to: "",
  },
  {
    name: "a vici packet that comes in pieces may be cut short",
    target: "vici",
    file: "ike/vici/frame.ts",
    from: "return held >= count;",
    to: "return held >= count - 1;",
  },
  {
    name: "a vici packet may have no bytes",
    target: "vici",
    file: "ike/vici/frame.ts",
    from: "if (length == 0 || length > MAX_VICI_BYTES)",
    to: "if (length > MAX_VICI_BYTES)",
  },
  {
    name: "selectors are kept without end",
    target: "vici",
    file: "ike/strongswan/selectors.ts",
    from: "if (count == MAX_SELECTORS) {",
    to: "if (count == MAX_SELECTORS << 20) {",
  },
  {
    name: "an interface that is gone is not made again",
    target: "routes",
    file: "route/picture.ts",
    from: "  loseRoutes(tunnel.named_index);\n  tunnel.gone();\n",
    to: "  loseRoutes(tunnel.named_index);\n",
  },
  {
    name: "what is refused once is not asked for again",
    target: "routes",
    file: "route/answer.ts",
    from: "return min(FIRST_PAUSE_MS << min(failures - 1, 6), LAST_PAUSE_MS);",
    to: "return FIRST_PAUSE_MS << min(failures + 20, 30);",
  },
  {
    name: "a netlink attribute may be shorter than its head",
    target: "netlink",
    file: "netlink/message.ts",
    from: "if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) break;",
    to: "if (at + length > end) break;",
  },
  {
    name: "a netlink attribute may be longer than its message",
    target: "netlink",
    file: "netlink/message.ts",
    from: "if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) break;",
    to: "if (length < ATTRIBUTE_HEADER_BYTES) break;",
  },
  {
    name: "a netlink message may be shorter than its head",
    target: "netlink",
    file: "netlink/message.ts",
    from: "return length >= <u32>HEADER_BYTES && length <= <u32>len;",
    to: "return length <= <u32>len;",
  },
  {
    name: "each dump is asked for at once",
    target: "netlink",
    file: "netlink/network.ts",
    from: "  requested = true;\n",
    to: "  sendRequest();\n",
  },
  {
    name: "a word of the configuration has no end",
    target: "uci",
    file: "config/uci.ts",
    from: "else if (len == MAX_WORD_BYTES) syntax = Syntax.LONG_WORD;",
    to: "else if (len == MAX_WORD_BYTES << 8) syntax = Syntax.LONG_WORD;",
  },
  {
    name: "a quote is shown as it stands",
    target: "uci",
    file: "config/mistakes.ts",
    from: "    makePrintable(writer.start, writer.length);\n    insert(found",
    to: "    insert(found",
  },
  {
    name: "a comment has no end",
    target: "uci",
    file: "config/uci.ts",
    from: "while (at < end && load<u8>(at) != 0x0a) at++;",
    to: "while (at < end && load<u8>(at) != 0x0a) if (load<u8>(at) != 0x5c) at++;",
  },
  {
    name: "a backslash stands in JSON as it is",
    target: "command",
    file: "bytes/json.ts",
    from: "if (c == QUOTE || c == 0x5c)",
    to: "if (c == QUOTE)",
  },
  {
    name: "a command keeps its memory",
    target: "abi",
    file: "console/reply.ts",
    from: "  client = asker;\n",
    to: "  client = asker;\n  heap.alloc(64 << 20);\n",
  },
  {
    name: "a token is not looked at",
    target: "icmp",
    file: "icmp/echo.ts",
    from: "  if (load<u64>(message, TOKEN) != tokenOf(message, slot.peer)) return false;\n",
    to: "",
  },
  {
    name: "the padding of a reply is not looked at",
    target: "icmp",
    file: "icmp/echo.ts",
    from: "  if (!isZero(message + PADDING, length - PADDING)) return false;\n",
    to: "",
  },
  {
    name: "the length in the IP header is not looked at",
    target: "icmp",
    file: "icmp/echo.ts",
    from: "total == length && protocol",
    to: "protocol",
  },
  {
    name: "an announcement is believed without our challenge",
    target: "announcement",
    file: "monitor/hear.ts",
    from: "  if (is_proven) believe(index, came);\n",
    to: "  believe(index, came);\n",
  },
  {
    name: "a network is entered that the list does not allow",
    target: "announcement",
    file: "monitor/learn.ts",
    from: "if (isInside(accepted, network, prefix)) return true;",
    to: "if (accepted >= 0) return true;",
  },
  {
    name: "whoever asks is told at once",
    target: "announcement",
    file: "monitor/announce.ts",
    from: "const soonest_ms = it.said_at_ms == 0 ? now_ms : it.said_at_ms + GAP_MS;",
    to: "const soonest_ms = now_ms;",
  },
  {
    name: "a clock near the end of time is taken",
    target: "abi",
    file: "clock.ts",
    from: "  assert(now >= 0 && now <= MAX_NOW_MS);\n",
    to: "",
  },
  {
    name: "a clock that runs back is taken",
    target: "abi",
    file: "clock.ts",
    from: "setTime(max(now, now_ms), wall);",
    to: "setTime(now, wall);",
  },
];

/** The text of a mutant's module. */
function build(folder: string, { name, file, from, to }: Mutant): string {
  rmSync(join(folder, "assembly"), { recursive: true, force: true });
  cpSync("assembly", join(folder, "assembly"), { recursive: true });
  const path = join(folder, "assembly", file);
  const text = readFileSync(path, "utf8");
  if (text.split(from).length < 2) throw new Error(`${name}: '${from}' does not stand in ${path}`);
  const at = text.lastIndexOf(from);
  writeFileSync(path, text.slice(0, at) + to + text.slice(at + from.length));
  const wat = join(folder, "engine.wat");
  const options = ["--runtime", "minimal", "--maximumMemory", "2048", "--optimizeLevel", "1"];
  const use = ["--use", "abort=assembly/abort/onabort"];
  const args = ["assembly/index.ts", "-t", wat, "-o", `${wat}.wasm`, ...options, ...use];
  const done = spawnSync(resolve("node_modules/.bin/asc"), args, { cwd: folder, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${name}: ${done.stderr}${done.stdout}`);
  return wat;
}

/** What the fuzzer says of an engine. */
function caught(target_name: string, wat: string): string | undefined {
  const target = TARGETS.find(({ name }) => name === target_name)!;
  const inputs = [...loadCorpus(target.name), ...loadFound(target.name).map(({ input }) => input)];
  try {
    const campaign = new Campaign(new Runner(instrument(wat), target), inputs, SEED);
    for (let runs = 0; runs < RUNS && campaign.found.length === 0; runs += 100) campaign.run(100);
    return campaign.found[0]?.finding.message;
  } catch (error) {
    // It did not even get through the conversation in front of the input.
    if (error instanceof Finding) return error.message;
    throw error;
  }
}

function main(names: string[]): number {
  const folder = mkdtempSync(join(tmpdir(), "rekeyd-fuzz-mutants-"));
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  let survivors = 0;
  try {
    const chosen = MUTANTS.filter(
      ({ name }) => names.length === 0 || names.some((part) => name.includes(part)),
    );
    for (const target of new Set(chosen.map(({ target }) => target))) {
      const message = caught(target, "build/engine.wat");
      // Then a mutant that is caught shows nothing.
      if (message !== undefined) throw new Error(`${target}: the engine as it is: ${message}`);
    }
    for (const mutant of chosen) {
      const message = caught(mutant.target, build(folder, mutant));
      if (message === undefined) survivors++;
      const by = message === undefined ? "SURVIVES" : `caught: ${message.slice(0, 80)}`;
      console.log(`${mutant.target.padEnd(8)} ${mutant.name.padEnd(60)} ${by}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${survivors} survive`);
  return survivors === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
