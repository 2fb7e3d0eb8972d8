/**
 * An IKE daemon made of nothing, for tests of the engine without a network: it speaks vici, and
 * keeps IKE_SAs and CHILD_SAs with peers whose faults a test chooses. What it does, and how long
 * that takes, is what strongSwan was measured to do; tests/lab/model*.test.ts hold it to that.
 */
import { decode, Packet, type Section } from "../../lab/lib/vici.ts";
import { covers } from "./address.ts";
import {
  childrenOf,
  childSection,
  failure,
  frame,
  ikeSection,
  LIFETIME_S,
  listConn,
  REKEY_S,
  saSection,
  success,
} from "./charon_messages.ts";

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
  /** Of IKE; unless given: 2. */
  version?: 1 | 2;
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
  state: "CONNECTING" | "ESTABLISHED" | "REKEYING" | "REKEYED" | "DELETING";
  initiator: boolean;
  /** Whether the peer has said anything on it. */
  answered: boolean;
  /** The peer has lost it: nothing on it is answered, and none of its CHILD_SAs works. */
  forgotten: boolean;
  established_s: number;
  /** The first is at work, the others wait for it: one exchange at a time. */
  tasks: Task[];
  children: ChildSa[];
}

/** What is to be negotiated on an IKE_SA. */
interface Task {
  /** As charon names it. */
  name: string;
  /** When its turn has come; false: there is nothing to do any more. */
  begin?: () => boolean | void;
  /** What each answer of the peer's brings; false: it has refused, and that is the end. */
  answers: (() => boolean | void)[];
  /** Of a CHILD_CREATE: it can come with the IKE_SA. */
  child?: Child;
}

export interface ChildSa {
  id: number;
  config: Child;
  ike: IkeSa;
  state: "INSTALLED" | "REKEYING" | "REKEYED" | "DELETING" | "DELETED";
  spi_in: number;
  spi_out: number;
  packets_in: number;
  packets_out: number;
  installed_s: number;
  /** It carries nothing, although both ends have it. */
  dead: boolean;
  /** Its hard lifetime is over: the kernel has it no more. */
  expired: boolean;
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
  /** With its first IKE_SA after a restart it says that there are no others (RFC 7296, 2.4). */
  initial_contact: boolean;
}

/** What charon needs of the world around it. */
export interface Surroundings {
  readonly now_ms: number;
  after(ms: number, what: () => void): void;
  viciBytes(bytes: Buffer): void;
  viciClosed(errno: number): void;
}

/** How long a forced removal takes (measured), and how long charon lists what it has deleted. */
const FORCED_MS = 33;
const DELETED_MS = 5_000;
/** charon.retransmit_timeout 4 s, _base 1.8, _tries 5: it gives up after 165 s. */
const RETRANSMISSIONS_MS = [0, 1, 2, 3, 4, 5].map((i) => Math.round(4000 * 1.8 ** i));

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
  /** How long it waits for an answer, try by try. */
  retransmissions_ms = RETRANSMISSIONS_MS;
  private last_ike_id = 0;
  private last_child_id = 0;
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
    this.last_ike_id = 0;
    this.last_child_id = 0;
  }

  peer(name: string): Peer {
    const peer = this.peers.get(name) ?? {
      silent: false,
      refuses: false,
      refused_children: new Set(),
      exchange_ms: 5,
      initial_contact: true,
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

  /** The CHILD_SAs of a connection that are in use. */
  childrenOf(name: string): ChildSa[] {
    return this.ikesOf(name)
      .flatMap(({ children }) => children)
      .filter(isInUse);
  }

  /** The CHILD_SAs with that child's name that are in use. */
  children(name: string): ChildSa[] {
    return this.ikes
      .flatMap(({ children }) => children)
      .filter((sa) => sa.config.name === name && isInUse(sa));
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
    if (!initiator) this.hearInitialContact(connection, remote ?? connection.remote);
    const ike = this.addIke(connection, initiator, remote);
    this.establishIke(ike);
    return this.bringUp(ike, childrenOf(connection)[0]!);
  }

  /** A peer that knows none of the IKE_SAs says so: they go. */
  private hearInitialContact({ name }: Connection, remote: string): void {
    const known = this.ikesOf(name).filter((ike) => ike.remote === remote);
    if (!this.peer(name).initial_contact || known.some(({ forgotten }) => !forgotten)) return;
    for (const ike of known) this.removeIke(ike);
  }

  /** The peer begins to negotiate, and comes to no end. */
  beginInVain(name: string, for_ms: number): void {
    const ike = this.addIke(this.connectionOf(name), false);
    this.world.after(for_ms, () => this.removeIke(ike));
  }

  /** A further CHILD_SA on an IKE_SA. */
  addChild(ike: IkeSa, config: Child): ChildSa {
    const child: ChildSa = {
      id: ++this.last_child_id,
      config,
      ike,
      state: "INSTALLED",
      spi_in: 0xc0000000 + ++this.last_spi,
      spi_out: 0xd0000000 + this.last_spi,
      packets_in: 0,
      packets_out: 0,
      installed_s: this.now_s,
      dead: false,
      expired: false,
    };
    ike.children.push(child);
    const { lifetime_s = LIFETIME_S, rekey_s = REKEY_S } = ike.connection;
    if (lifetime_s > 0) this.world.after(lifetime_s * 1000, () => this.expire(child));
    if (rekey_s > 0) {
      this.world.after(rekey_s * 1000, () => {
        if (!this.forgets_to_rekey) this.rekeyChild(child);
      });
    }
    return child;
  }

  /** A CHILD_SA comes about, and an event tells. */
  private bringUp(ike: IkeSa, config: Child): ChildSa {
    const child = this.addChild(ike, config);
    this.tell("child-updown", ike, { up: "yes" }, [child]);
    return child;
  }

  removeChild(child: ChildSa): void {
    const { children } = child.ike;
    if (!children.includes(child)) return;
    const told = !isReplaced(child);
    child.state = "DELETED";
    children.splice(children.indexOf(child), 1);
    if (told) this.tell("child-updown", child.ike, {}, [child]);
  }

  /** The hard lifetime is over: one that was not replaced is made anew. */
  protected expire(child: ChildSa): void {
    if (isReplaced(child) || !child.ike.children.includes(child)) {
      this.removeChild(child);
      return;
    }
    child.expired = true;
    this.terminateChild(child);
    this.createChild(child.ike, child.config);
  }

  /** An IKE_SA goes, and what is on it. */
  removeIke(ike: IkeSa): void {
    if (!this.ikes.includes(ike)) return;
    this.ikes = this.ikes.filter((other) => other !== ike);
    // Of one that was never established, or has been replaced, no event tells.
    if (ike.state === "CONNECTING" || ike.state === "REKEYED") return;
    const children = ike.children.filter((child) => !isReplaced(child));
    this.tell("ike-updown", ike);
    for (const child of children) this.tell("child-updown", ike, {}, [child]);
  }

  /** The CHILD_SA that a packet goes out on: the newest that covers it. */
  route(source: string, destination: string): ChildSa | undefined {
    let found: ChildSa | undefined;
    for (const config of this.configsFor(source, destination)) {
      for (const ike of this.ikes) {
        for (const child of ike.children) {
          if (child.config !== config || !isInUse(child)) continue;
          if (found === undefined || child.id > found.id) found = child;
        }
      }
    }
    return found;
  }

  /** Whether a packet sent on it arrives, and the answer to it. */
  works({ dead, ike }: ChildSa): boolean {
    return !dead && !ike.forgotten && !this.isLost(ike.connection.name);
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

  private connectIke(ike: IkeSa): void {
    const answered = (): void => void (ike.answered = true);
    const authenticated = (): void => {
      if (this.peer(ike.connection.name).refuses) this.refuseIke(ike);
      else this.establishIke(ike);
    };
    this.start(ike, { name: "IKE_INIT", answers: [answered, authenticated] });
  }

  private refuseIke(ike: IkeSa): void {
    this.tell("ike-updown", ike);
    this.removeIke(ike);
  }

  private createChild(ike: IkeSa, config: Child): void {
    const name = ike.connection.version === 1 ? "QUICK_MODE" : "CHILD_CREATE";
    this.start(ike, { name, child: config, answers: [() => this.childAnswered(config, ike)] });
  }

  private childAnswered(config: Child, ike: IkeSa): void {
    // An existing duplicate: the task fails.
    if (ike.children.some((sa) => sa.config === config && sa.state === "INSTALLED")) return;
    if (!this.refuses(ike, config)) this.bringUp(ike, config);
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

  /** Make before break, by us or by the peer. */
  rekeyChild(child: ChildSa, ours = true): void {
    if (ours) {
      this.start(child.ike, this.rekeyTask(child));
    } else if (child.state === "INSTALLED" && child.ike.children.includes(child)) {
      this.replaceChild(child, "REKEYED");
      const deleted = (): void => this.retire(child);
      this.world.after(this.peer(child.ike.connection.name).exchange_ms, deleted);
    }
  }

  private rekeyTask(child: ChildSa): Task {
    const v1 = child.ike.connection.version === 1;
    const answered = (): boolean => {
      if (!child.ike.children.includes(child)) return false;
      // Selectors once agreed on are rekeyed, whatever the peer's configuration says by now.
      if (this.peer(child.ike.connection.name).refuses) {
        child.state = "INSTALLED";
        return false;
      }
      this.replaceChild(child, v1 ? "REKEYING" : "REKEYED");
      child.state = v1 ? "REKEYED" : "DELETING";
      return true;
    };
    const begin = (): boolean => {
      if (child.state !== "INSTALLED" || !child.ike.children.includes(child)) return false;
      child.state = "REKEYING";
      return true;
    };
    return v1
      ? { name: "QUICK_MODE", begin, answers: [answered] }
      : { name: "CHILD_REKEY", begin, answers: [answered, () => this.retire(child)] };
  }

  /** The new one is there; an event tells of both. */
  private replaceChild(old: ChildSa, state: "REKEYING" | "REKEYED"): void {
    const { ike, config } = old;
    old.state = state;
    const fresh = this.addChild(ike, config);
    const both = { old: childSection(old, this.now_s), new: childSection(fresh, this.now_s) };
    const children = { "child-sas": { [config.name]: both } };
    this.say("child-rekey", {
      [ike.connection.name]: { ...ikeSection(ike, this.now_s), ...children },
    });
  }

  /** What has been replaced is listed for a while. */
  private retire(child: ChildSa): void {
    child.state = "DELETED";
    this.world.after(DELETED_MS, () => this.removeChild(child));
  }

  rekeyIke(old: IkeSa, ours = true): void {
    if (!ours) {
      if (old.state !== "ESTABLISHED") return;
      this.replaceIke(old, false);
      old.state = "REKEYED";
      const { exchange_ms } = this.peer(old.connection.name);
      this.world.after(exchange_ms, () => this.removeIke(old));
      return;
    }
    const begin = (): boolean => {
      if (old.state !== "ESTABLISHED") return false;
      old.state = "REKEYING";
      return true;
    };
    const answered = (): void => {
      this.replaceIke(old, true);
      old.state = "DELETING";
    };
    const deleted = (): void => {
      old.state = "REKEYED";
      this.removeIke(old);
    };
    this.start(old, { name: "IKE_REKEY", begin, answers: [answered, deleted] });
  }

  /** The new IKE_SA takes over the CHILD_SAs, and what waits to be negotiated. */
  private replaceIke(old: IkeSa, initiator: boolean): void {
    const fresh = this.addIke(old.connection, initiator, old.remote);
    this.becomeEstablished(fresh);
    fresh.children = old.children;
    for (const child of fresh.children) child.ike = fresh;
    old.children = [];
    const both = { old: ikeSection(old, this.now_s), new: ikeSection(fresh, this.now_s) };
    this.say("ike-rekey", { [old.connection.name]: both });
    for (const task of old.tasks.splice(1)) this.start(fresh, task);
  }

  private terminate(request: Section): Buffer[] {
    const ike_id = Number(request["ike-id"] ?? 0);
    const child_id = Number(request["child-id"] ?? 0);
    this.note(ike_id > 0 ? `terminate ike ${ike_id}` : `terminate child ${child_id}`);
    const ike = this.ikes.find(({ id }) => id === ike_id);
    const child = this.find(child_id);
    if (ike !== undefined) this.world.after(FORCED_MS, () => this.force(ike));
    else if (child !== undefined) this.terminateChild(child);
    else return [failure("no matching SAs to terminate found")];
    return [success()];
  }

  /** By force: the peer is not waited for. */
  private force(ike: IkeSa): void {
    if (ike.connection.version === 1) {
      for (const child of [...ike.children]) this.removeChild(child);
    }
    const idle = ike.tasks.length === 0 || ike.connection.version === 1;
    if (ike.state === "ESTABLISHED" && idle) ike.state = "DELETING";
    this.removeIke(ike);
  }

  /** By a DELETE, ours or the peer's. */
  terminateChild(child: ChildSa, ours = true): void {
    if (!ours) {
      this.removeChild(child);
      return;
    }
    const begin = (): boolean => {
      if (isReplaced(child) || !child.ike.children.includes(child)) return false;
      child.state = "DELETING";
      return true;
    };
    const answers = [() => this.removeChild(child)];
    this.start(child.ike, { name: "CHILD_DELETE", begin, answers });
  }

  terminateIke(ike: IkeSa, ours = true): void {
    const begin = (): void => void (ike.state = "DELETING");
    if (ours) {
      this.start(ike, { name: "IKE_DELETE", begin, answers: [() => this.removeIke(ike)] });
    } else {
      begin();
      this.removeIke(ike);
    }
  }

  /** Puts a task behind those that the IKE_SA has. */
  private start(ike: IkeSa, task: Task): void {
    ike.tasks.push(task);
    if (ike.tasks.length === 1) this.work(ike);
  }

  private work(ike: IkeSa): void {
    const [task] = ike.tasks;
    if (task === undefined) return;
    if (task.begin?.() === false) this.finish(ike, task);
    else this.proceed(ike, task, 0);
  }

  private proceed(ike: IkeSa, task: Task, index: number): void {
    const answer = task.answers[index];
    if (answer === undefined) {
      this.finish(ike, task);
      return;
    }
    this.exchange(ike, 0, () => {
      if (answer() === false) this.finish(ike, task);
      else this.proceed(ike, task, index + 1);
    });
  }

  private finish(ike: IkeSa, task: Task): void {
    ike.tasks = ike.tasks.filter((other) => other !== task);
    this.work(ike);
  }

  /** A request, retransmitted until it is answered or given up. */
  private exchange(ike: IkeSa, tries: number, answered: () => void): void {
    const { name } = ike.connection;
    const lost = ike.forgotten || this.isLost(name);
    const wait_ms = lost ? this.retransmissions_ms[tries]! : this.peer(name).exchange_ms;
    this.world.after(wait_ms, () => {
      if (!this.ikes.includes(ike)) return;
      if (!lost) answered();
      else if (tries + 1 < this.retransmissions_ms.length) this.exchange(ike, tries + 1, answered);
      else this.removeIke(ike);
    });
  }

  /** Whether a packet to the peer, or its answer, is lost. */
  protected isLost(connection: string): boolean {
    return this.peer(connection).silent;
  }

  private addIke(connection: Connection, initiator: boolean, remote = connection.remote): IkeSa {
    const ike: IkeSa = {
      id: ++this.last_ike_id,
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

  /** The first CHILD_SA comes with it (RFC 7296, 1.2). */
  private establishIke(ike: IkeSa): void {
    this.becomeEstablished(ike);
    this.tell("ike-updown", ike, { up: "yes" });
    const [, next] = ike.tasks;
    if (next?.child === undefined || ike.connection.version === 1) return;
    this.childAnswered(next.child, ike);
    ike.tasks.splice(1, 1);
  }

  private becomeEstablished(ike: IkeSa): void {
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
      .flatMap(childrenOf)
      .filter(
        ({ local_ts, remote_ts }) => covers(local_ts, source) && covers(remote_ts, destination),
      );
    const of_source = this.routes.get(source) ?? new Map<string, Child[]>();
    this.routes.set(source, of_source.set(destination, configs));
    return configs;
  }

  /** An event about an IKE_SA, and the CHILD_SAs that it is about. */
  tell(event: string, ike: IkeSa, message: Section = {}, children: ChildSa[] = []): void {
    this.say(event, { ...message, ...saSection(ike, this.now_s, children) });
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

  private get now_s(): number {
    return Math.floor(this.world.now_ms / 1000);
  }
}

function isInUse(child: ChildSa): boolean {
  return !isReplaced(child) && !child.expired;
}

/** Another one carries what it did. */
function isReplaced({ state }: ChildSa): boolean {
  return state === "REKEYED" || state === "DELETED";
}
