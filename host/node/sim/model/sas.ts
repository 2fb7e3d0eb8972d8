/** The IKE_SAs and CHILD_SAs that a charon made of nothing has, and what its peers are like. */
import type { Section } from "./vici.ts";
import { covers } from "./address.ts";
import { childrenOf, saSection } from "./charon_messages.ts";
import {
  isInUse,
  type Child,
  type ChildSa,
  type Connection,
  type IkeSa,
  type Peer,
} from "./ike_sa.ts";

/** What is needed of the world around. */
export interface Clock {
  readonly now_ms: number;
  after(ms: number, what: () => void): void;
}

export abstract class Sas {
  ikes: IkeSa[] = [];
  /** CHILD_SAs that it had when it was killed: the kernel has them still. */
  left: ChildSa[] = [];
  private last_ike_id = 0;
  private last_child_id = 0;
  /** Those of one IKE daemon are random; no two are the same here. */
  private last_spi = 0;
  /** The SPIs of the next CHILD_SA, in and out: for worlds that are each other's peers. */
  nextSpis = (_connection: string): [number, number] => {
    const number = ++this.last_spi;
    return [0xc0000000 + number, 0xd0000000 + number];
  };
  private last_if_id = 0;
  private readonly peers = new Map<string, Peer>();
  /** Which children's selectors cover a source and destination. */
  private readonly routes = new Map<string, Map<string, Child[]>>();

  constructor(
    readonly connections: Connection[],
    protected readonly clock: Clock,
  ) {}

  /** Tells whoever listens. */
  protected abstract say(event: string, message: Section): void;

  /** It is killed, and started anew: nothing is left, and numbers begin at 1 again. */
  restart(): void {
    this.left.push(...this.ikes.flatMap(({ children }) => children.filter(isInUse)));
    this.ikes = [];
    this.last_ike_id = 0;
    this.last_child_id = 0;
    this.last_if_id = 0;
  }

  peer(name: string): Peer {
    const peer = this.peers.get(name) ?? {
      silent: false,
      refuses: false,
      refused_children: new Set(),
      exchange_ms: 5,
      generation: 5,
      initial_contact: true,
    };
    this.peers.set(name, peer);
    return peer;
  }

  /** Peers that restarted. */
  forget(name: string): void {
    for (const ike of this.ikesOf(name)) ike.forgotten = true;
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

  /** The CHILD_SA that a packet goes out on: the newest that covers it, of an XFRM interface. */
  route(source: string, destination: string, if_id = 0): ChildSa | undefined {
    let found: ChildSa | undefined;
    for (const config of this.configsFor(source, destination)) {
      for (const ike of this.ikes) {
        for (const child of ike.children) {
          if (child.config !== config || child.if_id !== if_id || !isInUse(child)) continue;
          if (found === undefined || child.id > found.id) found = child;
        }
      }
    }
    return found;
  }

  /** The newest CHILD_SA with that child's name that is in use. */
  newest(name: string): ChildSa | undefined {
    let found: ChildSa | undefined;
    for (const child of this.children(name)) {
      if (found === undefined || child.id > found.id) found = child;
    }
    return found;
  }

  /** Whether a packet sent on it arrives, and the answer to it. */
  works({ dead, ike }: ChildSa): boolean {
    return !dead && !ike.forgotten && !this.isLost(ike.connection.name);
  }

  /** Whether a packet to the peer, or its answer, is lost. */
  protected isLost(connection: string): boolean {
    return this.peer(connection).silent;
  }

  protected addIke(connection: Connection, initiator: boolean, remote = connection.remote): IkeSa {
    const ike: IkeSa = {
      id: ++this.last_ike_id,
      connection,
      remote,
      state: "CONNECTING",
      initiator,
      answered: !initiator,
      floated: !initiator,
      forgotten: false,
      established_s: 0,
      tasks: [],
      children: [],
    };
    this.ikes.push(ike);
    return ike;
  }

  /** As it is installed. */
  protected newChild(ike: IkeSa, config: Child, old?: ChildSa): ChildSa {
    const { if_id = 0 } = config;
    const [spi_in, spi_out] = this.nextSpis(ike.connection.name);
    const child: ChildSa = {
      id: ++this.last_child_id,
      config,
      ike,
      state: "INSTALLED",
      spi_in,
      spi_out,
      packets_in: 0,
      long_bytes_in: 0,
      packets_out: 0,
      installed_s: this.now_s,
      dead: false,
      expired: false,
      if_id: old?.if_id ?? (if_id === "unique" ? ++this.last_if_id : if_id),
    };
    ike.children.push(child);
    return child;
  }

  protected find(child_id: number): ChildSa | undefined {
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

  protected get now_s(): number {
    return Math.floor(this.clock.now_ms / 1000);
  }
}
