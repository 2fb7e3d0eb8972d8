/**
 * An IKE daemon made of nothing, for tests of the engine without a network: what it does is in
 * ike.ts, and here it speaks vici.
 */
import { decode, Packet, type Section } from "./vici.ts";
import { childrenOf, failure, frame, listConn, saSection, success } from "./charon_messages.ts";
import { Ike } from "./ike.ts";
import type { Connection, IkeSa } from "./ike_sa.ts";
import type { Clock } from "./sas.ts";

export type { Child, ChildSa, Collision, Connection, Generation, IkeSa, Peer } from "./ike_sa.ts";

/** What charon needs of the world around it. */
export interface Surroundings extends Clock {
  viciBytes(bytes: Buffer): void;
  viciClosed(errno: number): void;
}

export class Charon extends Ike {
  /** What the engine asked for, other than lists: `initiate branch0/branch0`, `rekey child 7`. */
  readonly requests: { at_ms: number; text: string }[] = [];
  /** How many `initiate` came while it was still at an IKE_SA of that connection. */
  hasty = 0;
  /** Lists that were asked for. */
  lists = 0;
  /** How long it takes for a response. */
  response_ms = 0;
  /** It takes requests, and answers none. */
  hangs = false;
  /** It breaks the connection in the middle of the next list of SAs. */
  cuts_list = false;
  private received: Buffer = Buffer.alloc(0);

  constructor(
    connections: Connection[],
    private readonly world: Surroundings,
  ) {
    super(connections, world);
  }

  /** A new connection of the engine's. */
  connect(): void {
    this.received = Buffer.alloc(0);
  }

  /** Bytes from the engine. */
  take(bytes: Buffer): void {
    this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes]);
    const answers: Buffer[] = [];
    while (this.received.length >= 4) {
      const end = 4 + this.received.readUInt32BE(0);
      if (this.received.length < end) break;
      answers.push(...this.answer(this.received.subarray(4, end)));
      this.received = this.received.subarray(end);
    }
    if (answers.length === 0 || this.hangs) return;
    this.world.after(this.response_ms, () => this.world.viciBytes(Buffer.concat(answers)));
  }

  private answer(packet: Buffer): Buffer[] {
    const name_end = 2 + packet.readUInt8(1);
    const name = packet.toString("utf8", 2, name_end);
    if (packet[0] === Packet.EVENT_REGISTER) {
      const is_known = name !== "alert" || this.alerts;
      return [frame(is_known ? Packet.EVENT_CONFIRM : Packet.EVENT_UNKNOWN)];
    }
    if (packet[0] !== Packet.CMD_REQUEST) throw new Error(`vici: packet of type ${packet[0]}`);
    const request = decode(packet.subarray(name_end));
    switch (name) {
      case "list-conns":
        return [
          ...this.connections
            .filter(({ name }) => (request["ike"] ?? name) === name)
            .map((connection) => frame(Packet.EVENT, "list-conn", listConn(connection))),
          frame(Packet.CMD_RESPONSE),
        ];
      case "list-sas":
        return this.listSas(request);
      case "initiate":
        return this.initiate(request["ike"] as string, request["child"] as string);
      case "rekey":
        return this.rekey(request);
      case "terminate":
        return this.terminate(request);
      default:
        return [frame(Packet.CMD_UNKNOWN)];
    }
  }

  private listSas(request: Section): Buffer[] {
    this.lists++;
    const items = this.ikes
      .filter(({ connection }) => (request["ike"] ?? connection.name) === connection.name)
      .map((ike) => frame(Packet.EVENT, "list-sa", this.listSa(ike)));
    if (this.cuts_list) {
      this.cuts_list = false;
      this.world.after(this.response_ms + 1, () => this.world.viciClosed(104));
      return items.slice(0, items.length >> 1);
    }
    return [...items, frame(Packet.CMD_RESPONSE)];
  }

  initiate(name: string, child: string): Buffer[] {
    this.note(`initiate ${name}/${child}`);
    if (this.ikesOf(name).some((ike) => ike.state === "CONNECTING")) this.hasty++;
    const connection = this.connections.find((c) => c.name === name);
    const config = connection && childrenOf(connection).find((c) => c.name === child);
    if (connection === undefined || config === undefined) {
      return [failure(`CHILD_SA config '${child}' not found`)];
    }
    let ike = this.ikesOf(name).find((ike) => ike.state !== "DELETING" && ike.state !== "REKEYED");
    if (ike === undefined) {
      ike = this.addIke(connection, true);
      this.connectIke(ike);
    }
    this.createChild(ike, config);
    return [success()];
  }

  private rekey(request: Section): Buffer[] {
    const ike_id = Number(request["ike-id"] ?? 0);
    const child_id = Number(request["child-id"] ?? 0);
    this.note(ike_id > 0 ? `rekey ike ${ike_id}` : `rekey child ${child_id}`);
    const ike = this.ikes.find(({ id }) => id === ike_id);
    const child = this.find(child_id);
    if (ike !== undefined) this.rekeyIke(ike);
    else if (child !== undefined) this.rekeyChild(child);
    else return [failure("no matching SAs to rekey found")];
    return [success()];
  }

  private terminate(request: Section): Buffer[] {
    const ike_id = Number(request["ike-id"] ?? 0);
    const child_id = Number(request["child-id"] ?? 0);
    this.note(ike_id > 0 ? `terminate ike ${ike_id}` : `terminate child ${child_id}`);
    const ike = this.ikes.find(({ id }) => id === ike_id);
    const child = this.find(child_id);
    if (ike !== undefined) this.force(ike);
    else if (child !== undefined) this.terminateChild(child);
    else return [failure("no matching SAs to terminate found")];
    return [success()];
  }

  protected say(event: string, message: Section): void {
    if (this.hangs) return;
    const bytes = frame(Packet.EVENT, event, message);
    this.world.after(this.response_ms, () => this.world.viciBytes(bytes));
  }

  /** What a list of all SAs would show. */
  listed(): Section[] {
    return this.ikes.map((ike) => this.listSa(ike));
  }

  private listSa(ike: IkeSa): Section {
    return saSection(ike, this.now_s, ike.children);
  }

  private note(text: string): void {
    this.requests.push({ at_ms: this.world.now_ms, text });
  }
}
