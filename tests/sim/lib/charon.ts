/**
 * An IKE daemon made of nothing, for tests of the engine without a network: it speaks vici, and
 * keeps IKE_SAs and CHILD_SAs with peers whose faults a test chooses. What it does, and how long
 * that takes, is what strongSwan was measured to do.
 */
import { decode, encode, Packet, type Section } from "../../lab/lib/vici.ts";
import { covers } from "./address.ts";

export interface Child {
  name: string;
  /** Networks, with commas between them. */
  local_ts: string;
  remote_ts: string;
  /** As list-conns has it; unless given: TUNNEL. */
  mode?: string;
}

/** A connection; unless it names children, it has one with its own name. */
export interface Connection extends Child {
  local: string;
  remote: string;
  children?: Child[];
  /** Of a CHILD_SA; 0: no limit. */
  lifetime_s?: number;
  /** When charon rekeys a CHILD_SA by itself, after this many seconds; 0: never. */
  rekey_s?: number;
  /** Likewise an IKE_SA. */
  ike_rekey_s?: number;
}

export interface IkeSa {
  id: number;
  connection: Connection;
  /** Its peer's address. */
  remote: string;
  state: "CONNECTING" | "ESTABLISHED" | "DELETING";
  initiator: boolean;
  /** Whether the peer has said anything on it. */
  answered: boolean;
  /** The peer has lost it: nothing on it is answered, and none of its CHILD_SAs works. */
  forgotten: boolean;
  established_s: number;
  tasks: string[];
  children: ChildSa[];
}

export interface ChildSa {
  id: number;
  config: Child;
  ike: IkeSa;
  state: "INSTALLED" | "REKEYING" | "DELETING" | "DELETED";
  spi_in: number;
  spi_out: number;
  packets_in: number;
  packets_out: number;
  installed_s: number;
  /** It carries nothing, although both ends have it. */
  dead: boolean;
}

/** The other end of a connection. */
export interface Peer {
  /** Nothing comes back from it. */
  silent: boolean;
  /** It answers IKE, and refuses what is asked. */
  refuses: boolean;
  /** Of the children it refuses these (TS_UNACCEPTABLE), and takes the others. */
  refused_children: Set<string>;
  /** How long an IKE exchange takes. */
  exchange_ms: number;
}

/** What charon needs of the world around it. */
export interface Surroundings {
  readonly now_ms: number;
  after(ms: number, what: () => void): void;
  viciBytes(bytes: Buffer): void;
  viciClosed(errno: number): void;
}

const LIFETIME_S = 3600;
const REKEY_S = 3300;
/** How long a forced removal takes (measured), and how long charon lists what it has deleted. */
const FORCED_MS = 33;
const DELETED_MS = 5_000;
/** When charon gives an exchange up. */
const RETRANSMISSION_MS = 165_000;

export class Charon {
  ikes: IkeSa[] = [];
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
  /** It tells when it will rekey a CHILD_SA, and then does not. */
  forgets_to_rekey = false;
  /** It breaks the connection in the middle of the next list of SAs. */
  cuts_list = false;
  private last_id = 0;
  /** Those of one IKE daemon are random; no two are the same here. */
  private last_spi = 0;
  private received: Buffer = Buffer.alloc(0);
  private readonly peers = new Map<string, Peer>();
  /** Which children's selectors cover a source and destination. */
  private readonly routes = new Map<string, Map<string, Child[]>>();

  constructor(
    readonly connections: Connection[],
    private readonly world: Surroundings,
  ) {}

  /** A new connection of the engine's. */
  connect(): void {
    this.received = Buffer.alloc(0);
  }

  /** It is started anew: nothing is left, and numbers begin at 1 again. */
  restart(): void {
    this.ikes = [];
    this.last_id = 0;
  }

  peer(name: string): Peer {
    const peer = this.peers.get(name) ?? {
      silent: false,
      refuses: false,
      refused_children: new Set(),
      exchange_ms: 5,
    };
    this.peers.set(name, peer);
    return peer;
  }

  /** Peers that restarted. */
  forget(name: string): void {
    for (const ike of this.ikesOf(name)) ike.forgotten = true;
  }

  /** An operator removes every SA, or those of a connection. */
  removeAll(name?: string): void {
    for (const ike of [...this.ikes]) {
      if (name === undefined || ike.connection.name === name) this.removeIke(ike);
    }
  }

  ikesOf(name: string): IkeSa[] {
    return this.ikes.filter(({ connection }) => connection.name === name);
  }

  connectionOf(name: string): Connection {
    const connection = this.connections.find((c) => c.name === name);
    if (connection === undefined) throw new Error(`no connection ${name}`);
    return connection;
  }

  /** The CHILD_SAs of a connection, other than deleted ones. */
  childrenOf(name: string): ChildSa[] {
    return this.ikesOf(name)
      .flatMap(({ children }) => children)
      .filter(({ state }) => state !== "DELETED");
  }

  /** The CHILD_SAs with that child's name, other than deleted ones. */
  children(name: string): ChildSa[] {
    return this.ikes
      .flatMap(({ children }) => children)
      .filter((sa) => sa.config.name === name && sa.state !== "DELETED");
  }

  /** The CHILD_SA that packets to the child's network go out on. */
  child(name: string): ChildSa {
    const child = this.children(name).at(-1);
    if (child === undefined) throw new Error(`no CHILD_SA ${name}`);
    return child;
  }

  /**
   * An SA comes about without the engine: by hand, by traffic, or because the peer wants it, whose
   * address the connection may leave open.
   */
  establish(name: string, initiator = true, remote?: string): ChildSa {
    const connection = this.connectionOf(name);
    const ike = this.addIke(connection, initiator, remote);
    this.establishIke(ike);
    const child = this.addChild(ike, children(connection)[0]!);
    this.tell("child-updown", ike, { up: "yes" });
    return child;
  }

  /** The peer begins to negotiate, and comes to no end. */
  beginInVain(name: string, for_ms: number): void {
    const ike = this.addIke(this.connectionOf(name), false);
    this.world.after(for_ms, () => this.removeIke(ike));
  }

  /** A further CHILD_SA on an IKE_SA. */
  addChild(ike: IkeSa, config: Child): ChildSa {
    const id = ++this.last_id;
    const child: ChildSa = {
      id,
      config,
      ike,
      state: "INSTALLED",
      spi_in: 0xc0000000 + ++this.last_spi,
      spi_out: 0xd0000000 + this.last_spi,
      packets_in: 0,
      packets_out: 0,
      installed_s: this.now_s,
      dead: false,
    };
    ike.children.push(child);
    const { lifetime_s = LIFETIME_S, rekey_s = REKEY_S } = ike.connection;
    if (lifetime_s > 0) this.world.after(lifetime_s * 1000, () => this.removeChild(child));
    if (rekey_s > 0) {
      this.world.after(rekey_s * 1000, () => {
        if (!this.forgets_to_rekey) this.rekeyChild(child);
      });
    }
    return child;
  }

  removeChild(child: ChildSa): void {
    const { children } = child.ike;
    if (!children.includes(child)) return;
    children.splice(children.indexOf(child), 1);
    this.tell("child-updown", child.ike);
  }

  removeIke(ike: IkeSa): void {
    if (!this.ikes.includes(ike)) return;
    this.ikes = this.ikes.filter((other) => other !== ike);
    // Of one that was never established no event tells.
    if (ike.state !== "CONNECTING") this.tell("ike-updown", ike);
  }

  /** The CHILD_SA that a packet goes out on: the newest that covers it. */
  route(source: string, destination: string): ChildSa | undefined {
    let found: ChildSa | undefined;
    for (const config of this.configsFor(source, destination)) {
      for (const ike of this.ikes) {
        for (const child of ike.children) {
          if (child.config !== config || child.state === "DELETED") continue;
          if (found === undefined || child.id > found.id) found = child;
        }
      }
    }
    return found;
  }

  /** Whether a packet sent on it arrives, and the answer to it. */
  works({ dead, ike }: ChildSa): boolean {
    return !dead && !ike.forgotten && !this.peer(ike.connection.name).silent;
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
      return [frame(name === "alert" ? Packet.EVENT_UNKNOWN : Packet.EVENT_CONFIRM)];
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

  private initiate(name: string, child: string): Buffer[] {
    this.note(`initiate ${name}/${child}`);
    if (this.ikesOf(name).some((ike) => ike.state === "CONNECTING")) this.hasty++;
    const connection = this.connections.find((c) => c.name === name);
    const config = connection && children(connection).find((c) => c.name === child);
    if (connection === undefined || config === undefined) {
      return [failure(`CHILD_SA config '${child}' not found`)];
    }
    let ike = this.ikesOf(name).find(({ state }) => state !== "DELETING");
    if (ike === undefined) {
      ike = this.addIke(connection, true);
      this.connectIke(ike);
    }
    // An existing duplicate: the task fails.
    if (ike.children.some((sa) => sa.config === config && sa.state === "INSTALLED")) {
      return [success()];
    }
    this.createChild(ike, config);
    return [success()];
  }

  private connectIke(ike: IkeSa): void {
    const peer = this.peer(ike.connection.name);
    this.exchange(ike, 1, () => {
      ike.answered = true;
      this.exchange(ike, 1, () => {
        if (peer.refuses) this.removeIke(ike);
        else this.establishIke(ike);
      });
    });
  }

  protected createChild(ike: IkeSa, config: Child): void {
    const task = "CHILD_CREATE";
    ike.tasks.push(task);
    this.exchange(ike, ike.state === "CONNECTING" ? 2 : 1, () => {
      ike.tasks.splice(ike.tasks.indexOf(task), 1);
      if (this.refuses(ike, config)) return;
      this.addChild(ike, config);
      this.tell("child-updown", ike, { up: "yes" });
    });
  }

  private refuses({ connection }: IkeSa, { name }: Child): boolean {
    const { refuses, refused_children } = this.peer(connection.name);
    return refuses || refused_children.has(name);
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

  /** Make before break, by whomever it was asked for. */
  rekeyChild(child: ChildSa): void {
    const { ike } = child;
    if (child.state !== "INSTALLED" || !ike.children.includes(child)) return;
    child.state = "REKEYING";
    ike.tasks.push("CHILD_REKEY");
    this.exchange(ike, 1, () => {
      ike.tasks.splice(ike.tasks.indexOf("CHILD_REKEY"), 1);
      if (!ike.children.includes(child)) return;
      if (this.refuses(ike, child.config)) {
        child.state = "INSTALLED";
        return;
      }
      this.addChild(ike, child.config);
      child.state = "DELETED";
      this.tell("child-rekey", ike);
      this.world.after(DELETED_MS, () => this.removeChild(child));
    });
  }

  private rekeyIke(old: IkeSa): void {
    this.exchange(old, 1, () => {
      const ike = this.addIke(old.connection, true);
      this.establishIke(ike);
      ike.children = old.children;
      for (const child of ike.children) child.ike = ike;
      old.children = [];
      this.tell("ike-rekey", ike);
      old.state = "DELETING";
      this.exchange(old, 1, () => this.removeIke(old));
    });
  }

  private terminate(request: Section): Buffer[] {
    const ike_id = Number(request["ike-id"] ?? 0);
    const child_id = Number(request["child-id"] ?? 0);
    this.note(ike_id > 0 ? `terminate ike ${ike_id}` : `terminate child ${child_id}`);
    const ike = this.ikes.find(({ id }) => id === ike_id);
    const child = this.find(child_id);
    if (ike !== undefined) {
      this.world.after(FORCED_MS, () => this.removeIke(ike));
    } else if (child !== undefined) {
      child.state = "DELETING";
      this.exchange(child.ike, 1, () => this.removeChild(child));
    } else {
      return [failure("no matching SAs to terminate found")];
    }
    return [success()];
  }

  /** `done` when the peer has answered as many requests on the IKE_SA; it goes when none comes. */
  protected exchange(ike: IkeSa, count: number, done: () => void): void {
    const peer = this.peer(ike.connection.name);
    const silent = peer.silent || ike.forgotten;
    this.world.after(silent ? RETRANSMISSION_MS : count * peer.exchange_ms, () => {
      if (!this.ikes.includes(ike)) return;
      if (silent) this.removeIke(ike);
      else done();
    });
  }

  private addIke(connection: Connection, initiator: boolean, remote = connection.remote): IkeSa {
    const ike: IkeSa = {
      id: ++this.last_id,
      connection,
      remote,
      state: "CONNECTING",
      initiator,
      answered: !initiator,
      forgotten: false,
      established_s: 0,
      tasks: [],
      children: [],
    };
    this.ikes.push(ike);
    return ike;
  }

  protected establishIke(ike: IkeSa): void {
    ike.state = "ESTABLISHED";
    ike.answered = true;
    ike.established_s = this.now_s;
    const { ike_rekey_s = 0 } = ike.connection;
    if (ike_rekey_s > 0) this.world.after(ike_rekey_s * 1000, () => this.rekeyIke(ike));
  }

  private find(child_id: number): ChildSa | undefined {
    return this.ikes.flatMap(({ children }) => children).find(({ id }) => id === child_id);
  }

  private configsFor(source: string, destination: string): Child[] {
    const known = this.routes.get(source)?.get(destination);
    if (known !== undefined) return known;
    const configs = this.connections
      .flatMap(children)
      .filter(
        ({ local_ts, remote_ts }) => covers(local_ts, source) && covers(remote_ts, destination),
      );
    const of_source = this.routes.get(source) ?? new Map<string, Child[]>();
    this.routes.set(source, of_source.set(destination, configs));
    return configs;
  }

  /** An event about an IKE_SA, and the CHILD_SAs on it. */
  tell(event: string, ike: IkeSa, message: Section = {}): void {
    if (this.hangs) return;
    const bytes = frame(Packet.EVENT, event, { ...message, ...this.listSa(ike) });
    this.world.after(this.response_ms, () => this.world.viciBytes(bytes));
  }

  private note(text: string): void {
    this.requests.push({ at_ms: this.world.now_ms, text });
  }

  private get now_s(): number {
    return Math.floor(this.world.now_ms / 1000);
  }

  private listSa(ike: IkeSa): Section {
    const { name, local, ike_rekey_s = 0 } = ike.connection;
    const established_s = this.now_s - ike.established_s;
    const times: Section = { established: `${established_s}` };
    if (ike_rekey_s > 0) times["rekey-time"] = `${ike_rekey_s - established_s}`;
    return {
      [name]: {
        uniqueid: `${ike.id}`,
        version: "2",
        state: ike.state,
        "local-host": local,
        "local-port": "4500",
        "remote-host": ike.remote,
        "remote-port": "4500",
        initiator: ike.initiator ? "yes" : "no",
        "initiator-spi": "0123456789abcdef",
        "responder-spi": ike.answered ? "fedcba9876543210" : "0000000000000000",
        ...PROPOSAL,
        ...(ike.state === "CONNECTING" ? {} : times),
        "tasks-active": ike.tasks,
        "child-sas": Object.fromEntries(ike.children.map((child) => this.listChild(child))),
      },
    };
  }

  private listChild(child: ChildSa): [string, Section] {
    const { name, local_ts, remote_ts } = child.config;
    const { lifetime_s = LIFETIME_S, rekey_s = REKEY_S } = child.ike.connection;
    const age_s = this.now_s - child.installed_s;
    const times: Section = { "install-time": `${age_s}` };
    if (lifetime_s > 0) times["life-time"] = `${lifetime_s - age_s}`;
    if (rekey_s > 0) times["rekey-time"] = `${rekey_s - age_s}`;
    const section = {
      name,
      uniqueid: `${child.id}`,
      state: child.state,
      mode: "TUNNEL",
      protocol: "ESP",
      "spi-in": child.spi_in.toString(16),
      "spi-out": child.spi_out.toString(16),
      ...PROPOSAL,
      "bytes-in": `${84 * child.packets_in}`,
      "packets-in": `${child.packets_in}`,
      "bytes-out": `${84 * child.packets_out}`,
      "packets-out": `${child.packets_out}`,
      ...times,
      "local-ts": local_ts.split(","),
      "remote-ts": remote_ts.split(","),
    };
    return [`${name}-${child.id}`, section];
  }
}

const PROPOSAL = { "encr-alg": "AES_CBC", "encr-keysize": "128", "integ-alg": "HMAC_SHA2_256_128" };

function children(connection: Connection): Child[] {
  return connection.children ?? [connection];
}

function listConn(connection: Connection): Section {
  const { name, local, remote, rekey_s = REKEY_S, ike_rekey_s = 0 } = connection;
  const section = ({ local_ts, remote_ts, mode = "TUNNEL" }: Child): Section => ({
    mode,
    rekey_time: `${rekey_s}`,
    "local-ts": local_ts.split(","),
    "remote-ts": remote_ts.split(","),
  });
  return {
    [name]: {
      local_addrs: [local],
      remote_addrs: [remote],
      version: "IKEv2",
      reauth_time: "0",
      rekey_time: `${ike_rekey_s}`,
      children: Object.fromEntries(
        children(connection).map((child) => [child.name, section(child)]),
      ),
    },
  };
}

function success(): Buffer {
  return frame(Packet.CMD_RESPONSE, undefined, { success: "yes" });
}

function failure(errmsg: string): Buffer {
  return frame(Packet.CMD_RESPONSE, undefined, { success: "no", errmsg });
}

/** A packet with its length in front; only some types carry a name. */
function frame(type: Packet, name?: string, message: Section = {}): Buffer {
  const name_length = name === undefined ? 0 : 1 + name.length;
  const bytes = encode(message, 5 + name_length);
  bytes.writeUInt32BE(bytes.length - 4);
  bytes[4] = type;
  if (name !== undefined) bytes.write(name, bytes.writeUInt8(name.length, 5));
  return bytes;
}
