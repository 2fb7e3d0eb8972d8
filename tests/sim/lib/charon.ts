/**
 * An IKE daemon made of nothing, for tests of the engine without a network: it speaks vici, always
 * has an SA when asked for one, and does what it is told at once.
 */
import { decode, encode, Packet, type Section } from "../../lab/lib/vici.ts";

/** A connection with one child that has its name. */
export interface Connection {
  name: string;
  local: string;
  remote: string;
  local_ts: string;
  remote_ts: string;
}

interface Sa {
  connection: Connection;
  ike_id: number;
  child_id: number;
  installed_s: number;
}

const LIFETIME_S = 3600;

export class Charon {
  /** Monotonic, as the engine's. */
  now_ms = 0;
  sas: Sa[] = [];
  private last_id = 0;
  private received = Buffer.alloc(0);

  constructor(readonly connections: Connection[]) {}

  /** A new connection of the engine's. */
  connect(): void {
    this.received = Buffer.alloc(0);
  }

  /** An SA that somebody else asked for. */
  establish(name: string): void {
    const connection = this.connections.find((c) => c.name === name);
    if (connection !== undefined) this.install(connection);
  }

  /** Bytes from the engine; answers those for it. */
  exchange(bytes: Buffer): Buffer {
    this.received = Buffer.concat([this.received, bytes]);
    const answers: Buffer[] = [];
    while (this.received.length >= 4) {
      const end = 4 + this.received.readUInt32BE(0);
      if (this.received.length < end) break;
      answers.push(...this.answer(this.received.subarray(4, end)));
      this.received = this.received.subarray(end);
    }
    return Buffer.concat(answers);
  }

  private answer(packet: Buffer): Buffer[] {
    const name_end = 2 + packet.readUInt8(1);
    const name = packet.toString("utf8", 2, name_end);
    if (packet[0] === Packet.EVENT_REGISTER) return [frame(Packet.EVENT_CONFIRM)];
    if (packet[0] !== Packet.CMD_REQUEST) throw new Error(`vici: packet of type ${packet[0]}`);
    const request = decode(packet.subarray(name_end));
    switch (name) {
      case "list-conns":
        return [
          ...this.connections
            .filter((connection) => matches(request, connection))
            .map((connection) => frame(Packet.EVENT, "list-conn", listConn(connection))),
          frame(Packet.CMD_RESPONSE),
        ];
      case "list-sas":
        return [
          ...this.sas
            .filter((sa) => matches(request, sa.connection))
            .map((sa) => frame(Packet.EVENT, "list-sa", this.listSa(sa))),
          frame(Packet.CMD_RESPONSE),
        ];
      case "initiate":
        return this.initiate(request["ike"] as string);
      case "rekey":
        return this.rekey(Number(request["child-id"]));
      case "terminate":
        return this.terminate(request);
      default:
        return [frame(Packet.CMD_UNKNOWN)];
    }
  }

  private initiate(name: string): Buffer[] {
    const connection = this.connections.find((c) => c.name === name);
    if (connection === undefined) return [failure(`CHILD_SA config '${name}' not found`)];
    const sa = this.install(connection);
    return [success(), frame(Packet.EVENT, "child-updown", { up: "yes", ...this.listSa(sa) })];
  }

  private install(connection: Connection): Sa {
    const ike_id = ++this.last_id;
    const child_id = ++this.last_id;
    const sa = { connection, ike_id, child_id, installed_s: Math.floor(this.now_ms / 1000) };
    this.sas.push(sa);
    return sa;
  }

  private rekey(child_id: number): Buffer[] {
    const sa = this.sas.find((sa) => sa.child_id === child_id);
    if (sa === undefined) return [failure("no matching SAs to rekey found")];
    const before = this.listSa(sa);
    sa.child_id = ++this.last_id;
    sa.installed_s = Math.floor(this.now_ms / 1000);
    return [success(), frame(Packet.EVENT, "child-rekey", before)];
  }

  private terminate(request: Section): Buffer[] {
    const gone = this.sas.filter(
      (sa) =>
        sa.ike_id === Number(request["ike-id"]) || sa.child_id === Number(request["child-id"]),
    );
    this.sas = this.sas.filter((sa) => !gone.includes(sa));
    return [
      ...gone.map((sa) => frame(Packet.EVENT, "child-updown", this.listSa(sa))),
      gone.length > 0 ? success() : failure("no matching SAs to terminate found"),
    ];
  }

  private listSa(sa: Sa): Section {
    const { name, local, remote, local_ts, remote_ts } = sa.connection;
    const age_s = Math.floor(this.now_ms / 1000) - sa.installed_s;
    const proposal = { "encr-alg": "AES_CBC", "encr-keysize": "128" };
    return {
      [name]: {
        uniqueid: `${sa.ike_id}`,
        version: "2",
        state: "ESTABLISHED",
        "local-host": local,
        "local-port": "4500",
        "remote-host": remote,
        "remote-port": "4500",
        initiator: "yes",
        established: `${age_s}`,
        ...proposal,
        "child-sas": {
          [`${name}-${sa.child_id}`]: {
            name,
            uniqueid: `${sa.child_id}`,
            state: "INSTALLED",
            mode: "TUNNEL",
            protocol: "ESP",
            "spi-in": spi(sa.child_id, 0xa),
            "spi-out": spi(sa.child_id, 0xb),
            ...proposal,
            "bytes-in": "0",
            "packets-in": "0",
            "bytes-out": "0",
            "packets-out": "0",
            "rekey-time": `${LIFETIME_S - 300 - age_s}`,
            "life-time": `${LIFETIME_S - age_s}`,
            "install-time": `${age_s}`,
            "local-ts": [local_ts],
            "remote-ts": [remote_ts],
          },
        },
      },
    };
  }
}

function listConn({ name, local, remote, local_ts, remote_ts }: Connection): Section {
  return {
    [name]: {
      local_addrs: [local],
      remote_addrs: [remote],
      version: "IKEv2",
      reauth_time: "0",
      rekey_time: "14400",
      children: {
        [name]: {
          mode: "TUNNEL",
          rekey_time: `${LIFETIME_S - 300}`,
          "local-ts": [local_ts],
          "remote-ts": [remote_ts],
        },
      },
    },
  };
}

function matches(request: Section, connection: Connection): boolean {
  return request["ike"] === undefined || request["ike"] === connection.name;
}

function spi(id: number, direction: number): string {
  return ((direction << 24) | id).toString(16).padStart(8, "0");
}

function success(): Buffer {
  return frame(Packet.CMD_RESPONSE, undefined, { success: "yes" });
}

function failure(errmsg: string): Buffer {
  return frame(Packet.CMD_RESPONSE, undefined, { success: "no", errmsg });
}

/** A packet with its length in front; only some types carry a name. */
function frame(type: Packet, name?: string, message: Section = {}): Buffer {
  const named = name === undefined ? [] : [name.length, ...Buffer.from(name)];
  const body = Buffer.concat([Buffer.from([type, ...named]), encode(message)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}
