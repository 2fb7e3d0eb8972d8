import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { replay, type Verdict } from "../../host/node/replay/replay.ts";
import { host, MONITOR } from "./lib/addresses.ts";
import { vpnSpec, withLab, type Lab } from "./lib/lab.ts";
import { assertRecovered, timeToDetect, timeToPass, VPN } from "./lib/recovery.ts";
import type { Rekeyd } from "./lib/rekeyd.ts";
import { waitFor } from "./lib/wait.ts";

/** The daemon whose control request `fault` makes the engine trap. */
const FAULT_DAEMON = "build/rekeyd-fault";
const SEGMENT_BYTES = 4 << 20;
/** At one VPN. */
const MAX_SNAPSHOT_BYTES = 1 << 20;
const MIN_REPLIES = 10;
const KEY_BYTES = 16;
const IPV4_BYTES = 20;
/** ::ffff:0:0/96 (RFC 4291, 2.5.5.2) */
const MAPPED = Buffer.from("00000000000000000000ffff", "hex");
/** What `conceal` puts in place of a right token. */
const RIGHT = Buffer.alloc(8);

interface Engine {
  memory: WebAssembly.Memory;
  receiveSlots(): number;
  secret(): number;
  conceal(slots: number, version: number, count: number): void;
}

/** Saves what was recorded, and replays it: it must come out the same. */
async function saveAndReplay(rekeyd: Rekeyd, name: string): Promise<Verdict> {
  const file = path.join(rekeyd.recordings_path, name);
  const { code, stdout, stderr } = await rekeyd.rekeyctl("record", "save", file);
  assert.equal(code, 0, stderr);
  const { size, mode } = fs.statSync(file);
  assert.equal(stdout, `${file}: ${size} bytes; npm run replay -- ${file}\n`);
  assert.equal(mode & 0o777, 0o600);
  return replaySame(file);
}

function replaySame(file: string): Verdict {
  const verdict = replay(file);
  assert.equal(verdict.needs, undefined);
  assert.deepEqual(verdict.difference?.lines ?? [], []);
  assert.equal(verdict.unanswered, undefined);
  return verdict;
}

/** What the log says in a recording. */
function logged(verdict: Verdict): string {
  const calls = verdict.recording.segments.flatMap(({ calls }) => calls);
  const actions = calls.flatMap(({ actions }) => actions ?? []);
  return actions
    .filter(({ kind }) => kind === 5)
    .map(({ bytes }) => bytes.toString())
    .join("\n");
}

/** The IPv4 packets in a file of tcpdump (LINUX_SLL2). */
function packets(capture: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let at = 24;
  while (at + 16 <= capture.length) {
    const end = at + 16 + capture.readUInt32LE(at + 8);
    found.push(capture.subarray(at + 16 + 20, end));
    at = end;
  }
  return found;
}

/** The token of an echo, or of its answer (assembly/icmp/echo.ts). */
const tokenOf = (packet: Buffer): Buffer => packet.subarray(IPV4_BYTES + 32, IPV4_BYTES + 40);

const isReply = (packet: Buffer): boolean => packet[IPV4_BYTES] === 0;

/** The key in the daemon's memory: the one that makes the answer's token right. */
function keyOf(pid: number, reply: Buffer): Buffer {
  const module = new WebAssembly.Module(new Uint8Array(fs.readFileSync("build/engine.wasm")));
  const instance = new WebAssembly.Instance(module, { host: { trap: () => {} } });
  const engine = instance.exports as unknown as Engine;
  const memory = Buffer.from(engine.memory.buffer);
  const [slot, at] = [engine.receiveSlots(), engine.secret()];
  const key = memory.subarray(at, at + KEY_BYTES);
  const daemon = fs.openSync(`/proc/${pid}/mem`, "r");
  const maps = fs.readFileSync(`/proc/${pid}/maps`, "utf8");
  // Where the engine's memory begins is not known, but it begins a mapping.
  for (const [, start = ""] of maps.matchAll(/^([0-9a-f]+)-[0-9a-f]+ rw/gm)) {
    try {
      fs.readSync(daemon, key, 0, KEY_BYTES, BigInt(`0x${start}`) + BigInt(at));
    } catch {
      continue;
    }
    memory.writeUInt32LE(reply.length, slot + 4);
    memory.set(Buffer.concat([MAPPED, reply.subarray(12, 16)]), slot + 16);
    memory.set(reply, slot + 64);
    engine.conceal(slot, 4, 1);
    if (tokenOf(memory.subarray(slot + 64)).equals(RIGHT)) {
      fs.closeSync(daemon);
      return Buffer.from(key);
    }
  }
  throw new Error("the daemon has no such key");
}

/** All echoes of the monitor as they go through the tunnel's device. */
async function captureEchoes(lab: Lab): Promise<() => Promise<Buffer[]>> {
  const file = path.join(lab.state.folder, "echoes.pcap");
  const args = ["-i", "any", "-y", "LINUX_SLL2", "-Z", "root", "-U", "-w", file];
  const filter = `icmp and host ${host("a", MONITOR)}`;
  const tcpdump = await lab.a.namespace.spawn("tcpdump", [...args, filter]);
  await waitFor("tcpdump listens", 5000, () => fs.existsSync(file));
  return async () => {
    await tcpdump.end("SIGINT");
    return packets(fs.readFileSync(file));
  };
}

test("a tunnel dies and is recovered: the recording replays, and holds neither token nor key", () =>
  withLab("recording", {}, async (lab) => {
    await lab.startUp();
    const endCapture = await captureEchoes(lab);
    const rekeyd = lab.a.rekeyd([vpnSpec({ interval: 0.2 })], { recorder: 1 });
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);
    const ping = await lab.userPing();
    await timeToPass(ping, 2000);
    const old = await lab.a.charon.waitInstalled("net");
    const fault = Date.now();
    await lab.router.dropSpi(old.spi_in);
    await timeToDetect(rekeyd, fault);
    await timeToPass(ping, 5000);
    await assertRecovered(lab, rekeyd, old);

    // A recording that began in the middle.
    await rekeyd.rekeyctl("record", "stop");
    assert.match((await rekeyd.rekeyctl("get", "vpnmonitor")).stdout, /^Recorder: off since /m);
    const { stdout } = await rekeyd.rekeyctl("record", "start");
    assert.match(stdout, /^Recorder: on since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n$/);
    const { echoes_answered } = await rekeyd.vpn(VPN);
    await waitFor("more answers", 5000, async () => {
      return (await rekeyd.vpn(VPN)).echoes_answered > echoes_answered + 5;
    });

    const both = await saveAndReplay(rekeyd, "both");
    const [first, second, ...more] = both.recording.segments;
    assert.deepEqual(more, []);
    assert.equal(first?.snapshot, undefined);
    assert.notEqual(second?.snapshot, undefined);
    assert.ok(both.same_calls > 50, `${both.same_calls} calls`);
    const log = logged(both);
    for (const text of [/Recording has begun\./, /is up\./, /is down\./, /successfully rekeyed/]) {
      assert.match(log, text);
    }

    const echoes = await endCapture();
    const replies = echoes.filter(isReply);
    assert.ok(replies.length > MIN_REPLIES, `${replies.length} answers`);
    const key = keyOf(rekeyd.pid, replies.at(-1)!);
    const secrets = [key.subarray(0, 8), key.subarray(8), ...echoes.map(tokenOf)];
    for (const name of ["both", "ring-0", "ring-1"]) {
      const bytes = fs.readFileSync(path.join(rekeyd.recordings_path, name));
      for (const secret of secrets) {
        assert.equal(bytes.indexOf(secret), -1, `${secret.toString("hex")} in ${name}`);
      }
    }
  }));

test("the ring goes round, and what is left of it replays", () =>
  withLab("recording-ring", {}, async (lab) => {
    await lab.startUp();
    // So many rounds take a second: for so long a loaded machine holds nobody up.
    const rekeyd = lab.a.rekeyd([vpnSpec({ interval: 0.02, threshold: 50 })]);
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);
    await rekeyd.rekeyctl("record", "start");
    const bytes = (name: string): number =>
      fs.statSync(path.join(rekeyd.recordings_path, name)).size;
    // The first file is emptied and begins anew.
    let largest = 0;
    while (bytes("ring-0") >= largest) {
      largest = Math.max(largest, bytes("ring-0"));
      await Promise.all([rekeyd.vpns(), rekeyd.vpns(), rekeyd.events(), rekeyd.events()]);
      for (const name of ["ring-0", "ring-1"]) {
        assert.ok(bytes(name) < SEGMENT_BYTES + MAX_SNAPSHOT_BYTES, `${name}: ${bytes(name)}`);
      }
    }
    assert.ok(largest >= SEGMENT_BYTES);
    const verdict = await saveAndReplay(rekeyd, "saved");
    const [older, newer] = verdict.recording.segments;
    assert.equal(older!.engine.number + 1, newer!.engine.number);
    assert.equal(verdict.same_snapshots, 1, "the newer segment goes on where the older one ends");
    assert.deepEqual(await rekeyd.eventsLike(/ is down\./), [], "echoes went on meanwhile");
  }));

test("after a trap the recording is kept, and another one begins", () =>
  withLab("recording-trap", {}, async (lab) => {
    await lab.startUp();
    const rekeyd = lab.a.rekeyd([vpnSpec()], { recorder: 1 }, FAULT_DAEMON);
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);
    await rekeyd.rekeyctl("fault");
    await rekeyd.waitState(VPN, ["up"], 3000);

    const kept = path.join(rekeyd.recordings_path, "trap-first");
    assert.match(rekeyd.log(), new RegExp(`what led to it is recorded in ${kept} `));
    const { recording, same_calls } = replaySame(kept);
    const { calls } = recording.segments[0]!;
    assert.equal(same_calls, calls.length);
    const trap = calls.at(-1)!;
    assert.equal(trap.name, "command");
    assert.match(trap.trap!.text, /^assembly\/index\.ts:\d+:\d+: /);
    assert.ok(rekeyd.log().includes(trap.trap!.text));

    const { segments } = (await saveAndReplay(rekeyd, "saved")).recording;
    assert.equal(segments.length, 2);
    assert.equal(segments[1]!.snapshot, undefined, "from the start of the next engine");
    assert.notEqual(segments[0]!.engine.begun_ms, segments[1]!.engine.begun_ms);

    const first = fs.readFileSync(kept);
    await rekeyd.rekeyctl("fault");
    const last = path.join(rekeyd.recordings_path, "trap-last");
    await waitFor("the last one is kept", 3000, () => rekeyd.log().includes(last));
    const { begun_ms } = replaySame(last).recording.segments.at(-1)!.engine;
    assert.equal(begun_ms, segments[1]!.engine.begun_ms);
    assert.deepEqual(fs.readFileSync(kept), first);
  }));
