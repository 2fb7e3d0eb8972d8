/**
 * `npm start`: builds what is not built, and shows what rekeyd does. Eight pairs of gateways in
 * network namespaces, all at once: for each fault one pair with rekeyd in gateway A, and one
 * where strongSwan has its own best settings instead. See tests/lab/demo/.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { FAULTS, NONE, type Fault } from "../tests/lab/demo/fault.ts";
import { Pair, type Listener, type Verdict } from "../tests/lab/demo/pair.ts";
import * as screen from "../tests/lab/demo/screen.ts";
import { closeAll } from "../tests/lab/lib/lab.ts";
import { removeLeftovers } from "../tests/lab/lib/state.ts";
import { sleep } from "../tests/lab/lib/wait.ts";

/**
 * How long the pairs are watched after the fault: strongSwan alone needs about 175 s after a peer's
 * restart, and for ever with a dead SA. rekeyd's side is over after 45 s.
 */
const OBSERVE_S = 200;

const USAGE = `usage: npm start [-- OPTION...]
  --keep            keep the gateways until Ctrl-C, and say where their WebUI is
  --fault NAME      only this one: ${FAULTS.map(({ name }) => name).join(", ")}; or none
  --clean           only remove what an earlier run has left
  --observe SECONDS watch so long after the faults (default ${OBSERVE_S})`;

const { seconds } = screen;

interface Choice {
  keep: boolean;
  clean: boolean;
  faults: Fault[];
  observe_ms: number;
}

function readOptions(): Choice {
  try {
    const { values } = parseArgs({
      options: {
        keep: { type: "boolean", default: false },
        fault: { type: "string", multiple: true },
        clean: { type: "boolean", default: false },
        observe: { type: "string", default: String(OBSERVE_S) },
      },
    });
    const observe_s = Number(values.observe);
    if (!(observe_s > 0)) throw new Error(`--observe ${values.observe}: seconds are needed`);
    const { keep, clean, fault } = values;
    return { keep, clean, faults: fault?.map(faultOf) ?? FAULTS, observe_ms: observe_s * 1000 };
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

function faultOf(name: string): Fault {
  const fault = [...FAULTS, NONE].find((each) => each.name === name);
  if (fault === undefined) throw new Error(`--fault ${name}: there is no such fault`);
  return fault;
}

function build(): void {
  const done = spawnSync("node_modules/.bin/tsx", ["tools/build.ts"], { stdio: "inherit" });
  if (done.status !== 0) process.exit(1);
}

const who = (pair: Pair): string => (pair.with_rekeyd ? "rekeyd" : "strongSwan alone");

/**
 * A line of the timeline: time, fault, whose gateways, state and delay, what happened. Attempts to
 * negotiate, which come again and again while a fault lasts, are shown once, and then counted.
 */
function timeline(begin_ms: number): Listener {
  const shown = new Map<Pair, Set<string>>();
  const again = new Map<Pair, number>();
  return (pair, text, at_ms = performance.now()) => {
    const texts = shown.get(pair) ?? new Set();
    shown.set(pair, texts);
    const repeats = again.get(pair) ?? 0;
    if (text.startsWith("IKE ") && texts.has(text)) {
      again.set(pair, repeats + 1);
      return;
    }
    if (repeats > 0) {
      again.set(pair, 0);
      texts.clear();
      screen.say(
        screen.dim(`          ${pair.fault.key.padEnd(9)} (${repeats} more of these lines)`),
      );
    }
    texts.add(text);
    const time = ((at_ms - begin_ms) / 1000).toFixed(1).padStart(6);
    const { vpn } = pair;
    const delay = vpn !== null && vpn.state === "up" ? `${vpn.delay_last_ms} ms` : "";
    const state = `${vpn?.state ?? ""}`.padEnd(5) + delay.padStart(5);
    const row = `${pair.fault.key.padEnd(9)} ${who(pair).padEnd(16)} ${state}  ${text}`;
    screen.say(`${screen.dim(`${time} s`)}  ${colour(pair, text)(row)}`);
  };
}

function colour(pair: Pair, text: string): (text: string) => string {
  if (/is down|deactivated|stops/.test(text)) return screen.red;
  if (/is up|success|passes again/.test(text)) return screen.green;
  return pair.with_rekeyd ? (line) => line : screen.dim;
}

/** The moving line: each fault with rekeyd's state and the plain pair's silence. */
function statusLine(faults: Fault[], pairs: Pair[], left_ms: number): string {
  const parts = faults.map((fault) => {
    const [ours, plain] = [true, false].map((with_rekeyd) =>
      pairs.find((pair) => pair.fault === fault && pair.with_rekeyd === with_rekeyd),
    );
    const silence_ms = plain?.silence_ms() ?? 0;
    const silence = silence_ms > 0 ? `silent ${Math.round(silence_ms / 1000)} s` : "ok";
    return `${fault.key}: ${ours?.vpn?.state ?? "-"}/${silence}`;
  });
  return `${Math.max(0, Math.ceil(left_ms / 1000))} s left  ${parts.join("  ")}`;
}

function outage({ outage_ms, lost, recovered, observed_ms }: Verdict): string {
  if (!recovered && outage_ms > 0)
    return screen.red(`still dead at ${Math.floor(observed_ms / 1000)} s`);
  if (lost === 0) return "none";
  return lost === 1 ? `${seconds(outage_ms)} (1 ping)` : seconds(outage_ms);
}

function detect({ detect_ms, renewed_before_ms, outage_ms }: Verdict): string {
  if (detect_ms !== null) return seconds(detect_ms);
  const early = renewed_before_ms !== null && renewed_before_ms > 0 && outage_ms === 0;
  return early ? `renewed ${seconds(renewed_before_ms)} before` : "-";
}

function recover({ recover_ms, recovered, outage_ms }: Verdict): string {
  if (!recovered) return screen.red("not recovered");
  return recover_ms === null || outage_ms === 0 ? "-" : seconds(recover_ms);
}

function printTable(faults: Fault[], pairs: Pair[]): void {
  const rows = faults.map((fault) => {
    const of = (with_rekeyd: boolean): Verdict =>
      pairs.find((p) => p.fault === fault && p.with_rekeyd === with_rekeyd)!.verdict();
    const ours = of(true);
    return [fault.title, detect(ours), recover(ours), outage(ours), outage(of(false))];
  });
  const head = ["fault", "detected after", "recovered after", "user's outage", "strongSwan alone"];
  screen.say("");
  for (const line of screen.table([head, ...rows])) screen.say(line);
  screen.say("");
  screen.say(
    screen.dim(
      "Recovered after: from the detection, or from the end of the cut. strongSwan alone: the\n" +
        "user's outage with dpd_delay 10 s, dpd_action restart, close_action start,\n" +
        "start_action start, keyingtries 0. A user's pings tell, every 50 ms, at the lifetime's\n" +
        "end every 10 ms.",
    ),
  );
}

/** Gateways for each fault, with rekeyd, and for comparison without. */
async function makePairs(faults: Fault[], say: Listener, with_web: boolean): Promise<Pair[]> {
  const wanted = faults.flatMap((fault) =>
    (fault === NONE ? [true] : [true, false]).map((with_rekeyd) => ({ fault, with_rekeyd })),
  );
  const count = wanted.length === 1 ? "a pair" : `${wanted.length} pairs`;
  screen.say(`making ${count} of gateways, each with a router between`);
  const pairs = await Promise.all(
    wanted.map(({ fault, with_rekeyd }) => Pair.create(fault, with_rekeyd)),
  );
  await Promise.all(pairs.map((pair) => pair.start(say, with_web)));
  return pairs;
}

/** Where to look, for a browser and at a shell. */
function printWays(pairs: Pair[]): void {
  for (const pair of pairs) {
    screen.say(`\n${pair.fault.title}, ${who(pair)}`);
    if (pair.address !== "") screen.say(`  ${screen.green(pair.address)}`);
    for (const command of pair.commands()) screen.say(`  ${command}`);
  }
}

async function demonstrate({ faults, keep, observe_ms }: Choice): Promise<boolean> {
  const say = timeline(performance.now());
  let faults_ms = 0;
  const listener: Listener = (pair, text, at_ms) => {
    // Before the faults it is enough to see that a tunnel is there.
    if (faults_ms > 0 || / is up\.$/.test(text)) say(pair, text, at_ms);
  };
  const pairs = await makePairs(faults, listener, keep);
  const real = pairs.filter(({ fault }) => fault !== NONE);
  if (keep) {
    for (const pair of real.filter(({ address }) => address !== "")) {
      screen.say(`${pair.fault.key.padEnd(9)} WebUI: ${pair.address}`);
    }
  }
  screen.say(`all tunnels are up${real.length > 0 ? "; now the faults" : ""}`);

  faults_ms = performance.now();
  const plays = Promise.all(
    real.map((pair) => {
      say(pair, screen.yellow(`fault: ${pair.fault.title}`));
      return pair.play();
    }),
  );
  const left_ms = (): number => observe_ms - (performance.now() - faults_ms);
  while (left_ms() > 0 && !real.every((pair) => pair.isOver())) {
    screen.showStatus(statusLine(faults, pairs, left_ms()));
    await sleep(500);
  }
  await plays;
  screen.endStatus();
  if (real.length > 0) printTable(faults, pairs);
  const recovered = real.every((pair) => !pair.with_rekeyd || pair.verdict().recovered);
  await Promise.all(pairs.map((pair) => pair.stop()));
  if (keep) {
    printWays(pairs);
    screen.say("\nThe gateways go on running: Ctrl-C ends and removes them.");
    await forever();
  }
  return recovered;
}

/** Until a signal: the lab's own handler then removes everything and ends this process. */
function forever(): Promise<never> {
  return new Promise(() => setInterval(() => {}, 1 << 30));
}

async function main(): Promise<number> {
  const choice = readOptions();
  const removed = await removeLeftovers("demo");
  if (removed.length > 0) screen.say(`removed ${removed.length} labs of an earlier run`);
  if (choice.clean) return 0;
  build();
  try {
    return (await demonstrate(choice)) ? 0 : 1;
  } finally {
    await closeAll();
  }
}

process.exit(await main());
