/**
 * A hub and its spokes, an engine each, that are each other's peers: what one sends through an SA
 * comes in at the other, and announcements among it are read there (docs/nhtb.md).
 */
import { addressText } from "../../../host/node/address.ts";
import { Engine, type Echo, type Version } from "../../../host/node/engine.ts";
import type { ChildSa, Connection } from "../../../host/node/sim/model/charon.ts";
import { World } from "./world.ts";

const MAGIC = "rekeydNH";
const DATA = 8;
const STEP_MS = 5;
const ONE_WAY_MS = 5;

/** An announcement on its way, as a test may keep and change it. */
export interface Announcement {
  at_ms: number;
  message: Buffer;
}

/** What one end is configured with, beside what all have. */
export interface Lists {
  announces?: string[];
  accepts?: string[];
  /** Of the SA with the hub, as the hub lists it: the spoke's side, and its virtual IPs. */
  remote_ts?: string;
  remote_vips?: string[];
}

export interface End {
  name: string;
  world: World;
  /** Of its tunnel interface. */
  address: string;
  lists: Lists;
}

/** The tunnel between the hub and a spoke. */
export class Link {
  /** Announcements that left, towards the spoke and towards the hub. */
  readonly out: Announcement[] = [];
  readonly back: Announcement[] = [];
  /** Whether a packet gets through. */
  passes: (towards_spoke: boolean) => boolean = () => true;
  /** Whether the announcement is heard at the other end: another make answers it, and no more. */
  is_heard: (towards_spoke: boolean) => boolean = () => true;
  private hub_sas = 0;
  private spoke_sas = 0;

  constructor(
    readonly number: number,
    readonly hub: End,
    readonly spoke: End,
  ) {}

  /** The SPIs of the next SA at one end; the SAs of both come about in the same order. */
  spis(of_hub: boolean): [number, number] {
    const count = of_hub ? ++this.hub_sas : ++this.spoke_sas;
    const spi = 0x1_0000 * this.number + count;
    return of_hub ? [0xc0000000 + spi, 0xd0000000 + spi] : [0xd0000000 + spi, 0xc0000000 + spi];
  }

  /** Both ends have another SA in place of the one in use; the second a little later. */
  rekey(lag_ms = 20): void {
    const rekey = ({ world }: End, peer: End): void =>
      world.charon.rekeyChild(world.charon.child(peer.name));
    rekey(this.hub, this.spoke);
    this.spoke.world.after(lag_ms, () => rekey(this.spoke, this.hub));
  }

  sa(of_hub: boolean): ChildSa {
    return of_hub
      ? this.hub.world.charon.child(this.spoke.name)
      : this.spoke.world.charon.child(this.hub.name);
  }

  /** Both ends have an SA, whoever made it. */
  establish(): void {
    this.hub.world.charon.establish(this.spoke.name);
    this.spoke.world.charon.establish(this.hub.name, false);
  }

  /** Neither end has one any more. */
  lose(): void {
    const lose = ({ world }: End, name: string): void => {
      for (const sa of world.charon.children(name)) world.charon.removeChild(sa);
    };
    lose(this.hub, this.spoke.name);
    lose(this.spoke, this.hub.name);
  }
}

/** The hub is 10.1.0.1; spoke i is 10.1.0.(i + 11), with 10.(i + 11).0.0/16 behind it. */
export class Ends {
  readonly hub: End;
  readonly links: Link[];

  constructor(lists: { hub?: Lists; spokes: Lists[] }, v6 = false, hub_engine = new Engine()) {
    const address = (number: number): string => (v6 ? `fd01::${number}` : `10.1.0.${number}`);
    const networks = v6 ? "::/0" : "0.0.0.0/0";
    const connection = (
      name: string,
      local: string,
      remote: string,
      if_id: number,
    ): Connection => ({
      name,
      if_id,
      local,
      remote,
      local_ts: networks,
      remote_ts: networks,
      rekey_s: 0,
      lifetime_s: 0,
    });
    const names = lists.spokes.map((_, i) => `spoke${i}`);
    const to_spokes = names.map((name, i) => {
      const { remote_ts = networks, remote_vips } = lists.spokes[i]!;
      const to_spoke = connection(name, "192.0.2.1", `198.51.100.${i + 11}`, i + 1);
      return { ...to_spoke, remote_ts, ...(remote_vips === undefined ? {} : { remote_vips }) };
    });
    const end = (
      name: string,
      number: number,
      lists: Lists,
      connections: Connection[],
      engine = new Engine(),
    ): End => {
      const world = new World(engine, connections);
      return { name, world, address: address(number), lists };
    };
    this.hub = end("hub", 1, lists.hub ?? {}, to_spokes, hub_engine);
    this.links = names.map((name, i) => {
      const to_hub = connection("hub", `198.51.100.${i + 11}`, "192.0.2.1", 1);
      return new Link(i + 1, this.hub, end(name, i + 11, lists.spokes[i]!, [to_hub]));
    });
    this.join();
    for (const link of this.links) link.establish();
    this.configure(this.hub);
    for (const { spoke } of this.links) this.configure(spoke);
  }

  private join(): void {
    this.hub.world.charon.nextSpis = (name) => this.linkOf(name).spis(true);
    this.hub.world.answers = (echo) => {
      const to = addressText(echo.destination);
      const link = this.links.find(({ spoke }) => spoke.address === to);
      return link !== undefined && this.carry(link, true, echo);
    };
    this.hub.world.carrier = (_, to) => {
      const link = this.links.find(({ spoke }) => spoke.address === to);
      return link && this.hub.world.charon.children(link.spoke.name).at(-1);
    };
    for (const link of this.links) {
      const { charon } = link.spoke.world;
      link.spoke.world.carrier = () => charon.children("hub").at(-1);
      charon.nextSpis = () => link.spis(false);
      link.spoke.world.answers = (echo) => this.carry(link, false, echo);
    }
  }

  private linkOf(spoke: string): Link {
    return this.links.find((link) => link.spoke.name === spoke)!;
  }

  /** Whether the echo is answered. */
  private carry(link: Link, towards_spoke: boolean, echo: Echo): boolean {
    const from = towards_spoke ? link.hub : link.spoke;
    const to = towards_spoke ? link.spoke : link.hub;
    const is_announcement = echo.message.toString("latin1", DATA, DATA + MAGIC.length) === MAGIC;
    if (is_announcement) {
      const message = Buffer.from(echo.message);
      (towards_spoke ? link.out : link.back).push({ at_ms: from.world.now_ms, message });
    }
    if (!link.passes(towards_spoke)) return false;
    if (is_announcement && link.is_heard(towards_spoke)) {
      const copy = {
        ...echo,
        message: Buffer.from(echo.message),
        source: Buffer.from(echo.source),
      };
      to.world.after(ONE_WAY_MS, () => this.deliver(to, copy));
    }
    return link.passes(!towards_spoke);
  }

  /** An echo request comes in, as a raw socket delivers it. */
  deliver({ world }: End, { source, destination, message }: Echo): void {
    const is_v4 = message.readUInt8(0) === 8;
    const header = Buffer.alloc(is_v4 ? 20 : 0);
    if (is_v4) {
      header.writeUInt8(0x45, 0);
      header.writeUInt16BE(20 + message.length, 2);
      header.writeUInt8(255, 8);
      header.writeUInt8(1, 9);
      header.set(source.subarray(12), 12);
      header.set(destination.subarray(12), 16);
    }
    const version: Version = is_v4 ? 4 : 6;
    world.deliver(version, [{ source, message: Buffer.concat([header, message]) }]);
  }

  /** The end's configuration, from its lists as they are now. */
  configure(end: End, ...more: string[]): void {
    end.world.configure(this.configuration(end) + more.map((line) => `${line}\n`).join(""));
  }

  configuration(end: End): string {
    const { announces = [], accepts = [] } = end.lists;
    const peers = end === this.hub ? this.links.map(({ spoke }) => spoke) : [this.hub];
    const bits = end.address.includes(":") ? 64 : 16;
    const lines = [
      "config vpnmonitor 'global'",
      "option interval '1'",
      "option threshold '3'",
      "config tunnel 'tunnel.1'",
      "option create '1'",
      `list address '${end.address}/${bits}'`,
      ...announces.map((network) => `list nhtb_announce '${network}'`),
      ...accepts.map((network) => `list nhtb_accept '${network}'`),
      ...peers.flatMap(({ name, address }) => [
        `config vpn '${name}'`,
        `option gateway '${name}'`,
        "option monitor '1'",
        "option rekey '1'",
        `option source_ip '${end.address}'`,
        `list destination_ip '${address}'`,
        "option tunnel 'tunnel.1'",
      ]),
    ];
    return `${lines.join("\n")}\n`;
  }

  get ends(): End[] {
    return [this.hub, ...this.links.map(({ spoke }) => spoke)];
  }

  /** Lets time pass at all ends. */
  run(for_ms: number): void {
    for (let ms = 0; ms < for_ms; ms += STEP_MS) {
      for (const { world } of this.ends) world.run(STEP_MS);
    }
  }
}
