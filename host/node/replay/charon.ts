/** What charon is asked and says, as lines for a person. */
import { childrenOf, eventText, listedConnection, listedSa, type Item } from "./sa_text.ts";
import {
  Packet,
  sectionIn,
  sectionsIn,
  textIn,
  type Section,
  type ViciPacket,
} from "./vici_message.ts";

/** One line about a packet or several. */
export interface Told {
  text: string;
  /** IKE connections that it is about; none: all. */
  about: string[];
  /** It tells nothing that was not known. */
  is_detail: boolean;
}

/** For each connection, what is listed. */
type Listing = Map<string, Map<string, Item>>;

/** One side of a conversation that goes on: what is known of charon from it. */
export class CharonTeller {
  private in_flight = { name: "", about: [] as string[] };
  /** What was listed last, for each connection. */
  private readonly sas: Listing = new Map();
  private readonly connections: Listing = new Map();
  /** What the list under way has shown so far. */
  private listing: Listing = new Map();
  private listed_only = "";
  /** Connections by their peers' addresses. */
  private readonly peers = new Map<string, string>();
  /** `s2s` by `ike-id 1`, and `s2s/net` by `child-id 4`. */
  private readonly names = new Map<string, string>();

  /** The vici connection is a new one. */
  reset(): void {
    this.in_flight = { name: "", about: [] };
    this.listing = new Map();
  }

  /** The connection whose peer has this address. */
  connectionOf(address: string): string | undefined {
    return this.peers.get(address);
  }

  /** Packets that the engine sent. */
  requests(packets: ViciPacket[]): Told[] {
    const registered = packets.filter(({ type }) => type === Packet.EVENT_REGISTER);
    const told = packets
      .filter(({ type }) => type !== Packet.EVENT_REGISTER)
      .map((packet) => this.request(packet));
    if (registered.length > 0) {
      const names = registered.map(({ name }) => name).join(", ");
      told.unshift(detail(`register for ${names}`));
    }
    return told;
  }

  /** Packets that charon sent. */
  answers(packets: ViciPacket[]): Told[] {
    const confirmed = packets.filter(({ type }) => type === Packet.EVENT_CONFIRM).length;
    const told = packets.flatMap((packet) => this.answer(packet));
    if (confirmed > 0) told.unshift(detail(`${confirmed} registrations confirmed`));
    return told;
  }

  private request({ type, name, message }: ViciPacket): Told {
    if (type !== Packet.CMD_REQUEST) return plain(`packet of type ${type}`);
    const values = [...message].filter(([key]) => key !== "timeout");
    const texts = values.map(([key, value]) => {
      const text = `${key} ${typeof value === "string" ? value : "..."}`;
      const sa = this.names.get(text);
      return sa === undefined ? text : `${text} (${sa})`;
    });
    const sas = values.map(([key, value]) => this.names.get(`${key} ${String(value)}`));
    const connections = [textIn(message, "ike"), ...sas.map((sa) => sa?.split("/")[0] ?? "")];
    const about = connections.filter(Boolean);
    this.in_flight = { name, about };
    const is_list = name === "list-sas" || name === "list-conns";
    if (is_list) {
      this.listing = new Map();
      this.listed_only = textIn(message, "ike");
    }
    return { text: [name, texts.join(", ")].filter(Boolean).join(" "), about, is_detail: is_list };
  }

  private answer(packet: ViciPacket): Told[] {
    const { type, name, message } = packet;
    switch (type) {
      case Packet.EVENT_CONFIRM:
        return [];
      case Packet.EVENT_UNKNOWN:
        return [detail("an event is unknown to charon")];
      case Packet.CMD_UNKNOWN:
        return [plain(`${this.in_flight.name}: unknown to charon`)];
      case Packet.CMD_RESPONSE:
        return this.response(message);
      case Packet.EVENT:
        this.learn(message);
        if (name === "list-sa") return this.listItem(message, listedSa);
        if (name === "list-conn") return this.listItem(message, listedConnection);
        return [
          plain(
            eventText(name, message),
            sectionsIn(message).map(([connection]) => connection),
          ),
        ];
      default:
        return [plain(`packet of type ${type}`)];
    }
  }

  private response(message: Section): Told[] {
    const { name: request, about } = this.in_flight;
    this.in_flight = { name: "", about: [] };
    const refused = textIn(message, "success") === "no";
    if (!refused && request === "list-sas") return this.listed(this.sas, "SAs");
    if (!refused && request === "list-conns") return this.listed(this.connections, "connections");
    const what = request === "" ? "response" : request;
    // Whether it does what was asked is told by what follows.
    if (!refused) return [{ text: `${what} accepted`, about, is_detail: true }];
    const why = textIn(message, "errmsg");
    return [plain(`${what} refused${why === "" ? "" : `: ${why}`}`, about)];
  }

  /** Notes whose the SAs are. */
  private learn(message: Section): void {
    for (const [connection, ike] of sectionsIn(message)) {
      const pairs = ["old", "new"].map((which) => sectionIn(ike, which));
      for (const each of [ike, ...pairs]) this.learnSa(connection, each);
    }
  }

  private learnSa(connection: string, ike: Section): void {
    const peer = textIn(ike, "remote-host");
    if (peer !== "") this.peers.set(peer, connection);
    const id = textIn(ike, "uniqueid");
    if (id !== "") this.names.set(`ike-id ${id}`, connection);
    for (const pair of childrenOf(ike)) {
      for (const child of [pair, sectionIn(pair, "old"), sectionIn(pair, "new")]) {
        const child_id = textIn(child, "uniqueid");
        if (child_id !== "")
          this.names.set(`child-id ${child_id}`, `${connection}/${textIn(child, "name")}`);
      }
    }
  }

  private listItem(message: Section, items: (name: string, item: Section) => Item[]): Told[] {
    for (const [name, item] of sectionsIn(message)) {
      const shown = this.listing.get(name) ?? new Map<string, Item>();
      this.listing.set(name, shown);
      for (const each of items(name, item)) shown.set(each.what, each);
    }
    return [];
  }

  /** The list is complete: what differs from the one before, for each connection. */
  private listed(known: Listing, what: string): Told[] {
    const names = this.listed_only === "" ? known.keys() : [this.listed_only];
    const told: Told[] = [];
    for (const name of new Set([...names, ...this.listing.keys()])) {
      const now = this.listing.get(name) ?? new Map<string, Item>();
      const changes = changesOf(known.get(name) ?? new Map(), now);
      known.set(name, now);
      if (changes.length > 0) told.push(plain(`lists ${changes.join("; ")}`, [name]));
    }
    const same = this.listing.size === 0 ? "no" : "the same";
    if (told.length === 0) told.push(detail(`lists ${same} ${what}`));
    return told;
  }
}

function changesOf(before: Map<string, Item>, now: Map<string, Item>): string[] {
  const changes: string[] = [];
  for (const [what, { state, more }] of now) {
    const old = before.get(what)?.state;
    if (old === undefined) changes.push(`${what}${more} ${state}`.trimEnd());
    else if (old !== state) changes.push(`${what} ${old} -> ${state}`);
  }
  for (const what of before.keys()) if (!now.has(what)) changes.push(`${what} no longer`);
  return changes;
}

function plain(text: string, about: string[] = []): Told {
  return { text, about, is_detail: false };
}

function detail(text: string): Told {
  return { text, about: [], is_detail: true };
}
