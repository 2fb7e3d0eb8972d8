/** What goes through the tunnels: echoes, their answers and those that are none, user traffic. */
import { addressText, MAPPED } from "../address.ts";
import { addressBytes } from "./model/address.ts";
import type { ChildSa } from "./model/charon.ts";
import { SLOT, type Version } from "../engine.ts";
import type { Branch } from "./branch.ts";
import {
  copyOf,
  corrupt,
  echoIn,
  forge,
  putReply,
  roundOf,
  turnAround,
  type Packet,
} from "./packet.ts";
import type { Departure } from "./tunnel_world.ts";
import type { SentEcho, World } from "./world.ts";

const TRAFFIC_MS = 500;
const SLOT_ADDRESS_BYTES = 16;
const EPERM = 1;
const EAGAIN = 11;
const EADDRNOTAVAIL = 99;

/** A destination that is configured, and the words of its address as they stand in a slot. */
interface Target {
  branch: Branch;
  destination: string;
  words: Int32Array;
}

export class Air {
  /** By the hash of their words. */
  private readonly targets = new Map<number, Target[]>();
  private flowing = false;
  /** The last echo, turned around. */
  private last: Packet | undefined;

  constructor(private readonly world: World) {
    for (const branch of world.branches) {
      for (const destination of branch.destinations) {
        const words = slotWords(destination);
        const target = { branch, destination, words };
        const key = hashOf(words, 0);
        this.targets.set(key, [...(this.targets.get(key) ?? []), target]);
      }
    }
  }

  /** The engine sends so many echoes. */
  send({ pointer, count }: { pointer: number; count: number }, version: Version): void {
    // In the middle another instance may come to work: the echoes stand in this one's memory.
    const { engine } = this.world;
    this.world.counts.echoes += count;
    for (let i = 0; i < count; i++) {
      this.sendOne(engine.words(), pointer + i * engine.slot_bytes, version, i);
    }
  }

  private sendOne(memory: Int32Array, slot: number, version: Version, index: number): void {
    const { world } = this;
    const { branch, destination } = this.targetOf(memory, slot);
    const packet = echoIn(memory, slot, version);
    for (const word of packet.words) world.trace.add(word);
    const { errno, sa } = this.depart(branch, destination, memory, slot);
    const round = roundOf(packet);
    const { now_ms: at_ms, instance } = world;
    const sent: SentEcho = { branch, destination, round, at_ms, instance, sa };
    world.observer.echo(sent);
    turnAround(packet);
    this.last = packet;
    if (errno !== 0 || world.random.percent(world.busy)) {
      if (errno !== EADDRNOTAVAIL) world.observer.delayed(branch);
      world.done(world.engine.unsent(version, index, errno === 0 ? EAGAIN : errno));
      return;
    }
    // An XFRM interface drops what it has no SA for, and nobody is told.
    if (sa === undefined) return;
    sa.packets_out++;
    this.travel(sent, sa, packet);
  }

  private depart(branch: Branch, destination: string, memory: Int32Array, slot: number): Departure {
    const { peers, tunnels, addresses_gone } = this.world;
    if (branch.bound === undefined) {
      const sa = peers.route(branch.source, destination);
      if (addresses_gone > 0) return { errno: EADDRNOTAVAIL, sa };
      return { errno: sa === undefined ? EPERM : 0, sa };
    }
    const bytes = Buffer.from(memory.buffer, slot + SLOT.source, SLOT_ADDRESS_BYTES);
    const source = addressText(bytes);
    return tunnels.depart(memory[(slot + SLOT.ifindex) >> 2]!, source, destination);
  }

  private targetOf(memory: Int32Array, slot: number): Target {
    const begin = (slot + SLOT.destination) >> 2;
    const found = this.targets
      .get(hashOf(memory, begin))
      ?.find(({ words }) => words.every((word, i) => memory[begin + i] === word));
    if (found === undefined) throw new Error("an echo to where none was configured");
    return found;
  }

  /** The echo's way to the target and back. */
  private travel(sent: SentEcho, sa: ChildSa, reply: Packet): void {
    const { world } = this;
    const { random } = world;
    const { path, targets } = sent.branch;
    if (!world.peers.works(sa) || path.esp_out > 0 || random.percent(path.loss)) return;
    if (sent.branch.destinations.indexOf(sent.destination) < targets.off) return;
    if (targets.answers < 100 && !random.percent(targets.answers)) return;
    const copies = random.percent(path.duplicates) ? 2 : 1;
    const arrived = { before: false };
    for (let copy = 0; copy < copies; copy++) {
      let way_ms = 2 * path.delay_ms + targets.late_ms;
      if (path.jitter_ms > 0) way_ms += random.below(path.jitter_ms);
      if (random.percent(path.reorders)) way_ms += random.below(1_500);
      const at_ms = world.onTick(world.now_ms + way_ms);
      world.after(at_ms - world.now_ms, () => this.arrive(sent, sa, reply, arrived));
    }
  }

  private arrive(sent: SentEcho, sa: ChildSa, reply: Packet, arrived: { before: boolean }): void {
    const { world } = this;
    const { path } = sent.branch;
    if (path.esp_in > 0 || world.random.percent(path.loss) || !world.peers.carries(sa)) return;
    sa.packets_in++;
    if (!world.tunnels.letsIn(sent.branch, sent.destination)) return;
    const corrupted = world.random.percent(path.corrupts);
    const genuine = !corrupted && sent.instance === world.instance;
    world.observer.packetIn(sent.branch, !genuine, sa);
    if (genuine) {
      world.observer.reply(sent, arrived.before);
      arrived.before = true;
    }
    if (corrupted) {
      const changed = copyOf(reply);
      corrupt(changed, world.random);
      this.receive(changed);
    } else {
      this.receive(reply);
    }
  }

  /** Bytes that look like a reply, and are none. */
  forge(kind: number): void {
    if (this.last === undefined) return;
    const packet = copyOf(this.last);
    forge(packet, kind, this.world.random);
    this.receive(packet);
  }

  private receive(packet: Packet): void {
    const { engine, counts } = this.world;
    counts.replies++;
    putReply(packet, engine.words(), engine.receive_slots);
    this.world.done(engine.received(packet.version, 1));
  }

  /** User traffic begins, where a branch has some. */
  flow(): void {
    if (this.flowing) return;
    this.flowing = true;
    this.world.after(TRAFFIC_MS, () => this.flowOn());
  }

  private flowOn(): void {
    this.flowing = false;
    const { branches, peers, random, observer, tunnels } = this.world;
    for (const branch of branches) {
      const { traffic, path } = branch;
      if (!traffic.in && !traffic.out) continue;
      this.flow();
      const out = tunnels.carrier(branch);
      if (traffic.out && out !== undefined) out.packets_out++;
      const sa = tunnels.inUse(branch);
      if (sa === undefined || !tunnels.letsIn(branch, branch.destinations[0]!)) continue;
      if (!traffic.in || path.esp_in > 0 || !peers.works(sa)) continue;
      if (random.percent(path.loss)) continue;
      sa.packets_in++;
      observer.packetIn(branch, true, sa);
    }
  }
}

/** An address as its words stand in a slot. */
function slotWords(address: string): Int32Array {
  const own = addressBytes(address);
  const bytes = own.length === 4 ? Buffer.concat([MAPPED, own]) : own;
  return Int32Array.from([0, 4, 8, 12], (at) => bytes.readInt32LE(at));
}

function hashOf(words: Int32Array, begin: number): number {
  let hash = 0;
  for (let i = begin; i < begin + 4; i++) hash = (Math.imul(hash, 31) + words[i]!) | 0;
  return hash;
}
