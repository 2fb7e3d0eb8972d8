/**
 * Makes tests/unit/fixtures/vici/ again: two gateways with a real charon each,
 * and every byte that one of them says on its vici socket during the steps
 * below, one file per step. Beside each NAME.bin a NAME.txt shows its messages;
 * the unit tests hold the engine's reader against it.
 *
 *     tsx tests/lab/capture-vici.ts        (root, strongSwan, /dev/net/tun)
 *
 * Another strongSwan, which STRONGSWAN names (docs/testing.md), has a folder of its own.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { Charon } from "./lib/charon.ts";
import { Namespace } from "./lib/namespace.ts";
import { versionAt } from "./lib/strongswan.ts";
import { State } from "./lib/state.ts";
import { PLUGINS } from "./lib/swanctl_conf.ts";
import { viciCommand } from "./lib/vici.ts";
import { sleep, waitFor } from "./lib/wait.ts";

const fixtures = new URL("../unit/fixtures/", import.meta.url);
/** What the folder without a version was recorded with. */
const FIRST_VERSION = "5.9.8";
let out = new URL("vici/", fixtures);

/** Packet types of the vici protocol. */
const Packet = {
  CMD_REQUEST: 0,
  CMD_RESPONSE: 1,
  CMD_UNKNOWN: 2,
  EVENT_REGISTER: 3,
  EVENT_CONFIRM: 5,
  EVENT_UNKNOWN: 6,
  EVENT: 7,
} as const;
const packetNames = Object.fromEntries(Object.entries(Packet).map(([name, type]) => [type, name]));

const named = [Packet.CMD_REQUEST, Packet.EVENT_REGISTER, Packet.EVENT] as number[];

/** The packets in a stream, as text: one line per element, two spaces per level. */
function describe(stream: Buffer): string {
  const lines: string[] = [];
  let at = 0;
  while (at < stream.length) {
    const end = at + 4 + stream.readUInt32BE(at);
    const type = stream[at + 4]!;
    at += 5;
    let line = packetNames[type]!;
    if (named.includes(type)) {
      const length = stream[at]!;
      line += ` ${stream.toString("latin1", at + 1, at + 1 + length)}`;
      at += 1 + length;
    }
    lines.push(line);
    lines.push(...describeMessage(stream.subarray(at, end)));
    at = end;
  }
  return lines.join("\n") + "\n";
}

function describeMessage(message: Buffer): string[] {
  const lines: string[] = [];
  let at = 0;
  let depth = 1;
  const text = (lengthBytes: 1 | 2): string => {
    const length = lengthBytes === 1 ? message.readUInt8(at) : message.readUInt16BE(at);
    at += lengthBytes + length;
    return message.toString("latin1", at - length, at);
  };
  const put = (line: string): void => void lines.push("  ".repeat(depth) + line);
  while (at < message.length) {
    const element = message[at++]!;
    if (element === 1) {
      put(`${text(1)} {`);
      depth++;
    } else if (element === 2) {
      depth--;
      put("}");
    } else if (element === 3) {
      const key = text(1);
      put(`${key} = ${text(2)}`);
    } else if (element === 4) {
      put(`${text(1)} [`);
      depth++;
    } else if (element === 5) {
      put(text(2));
    } else if (element === 6) {
      depth--;
      put("]");
    } else {
      throw new Error(`element ${element} at ${at - 1}`);
    }
  }
  return lines;
}

function packet(type: number, name: string, values: Record<string, string> = {}): Buffer {
  const parts = [Buffer.from([type, name.length]), Buffer.from(name)];
  for (const [key, value] of Object.entries(values)) {
    parts.push(Buffer.from([3, key.length]), Buffer.from(key));
    parts.push(Buffer.from([value.length >> 8, value.length & 255]), Buffer.from(value));
  }
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** One vici connection that keeps all it hears until `take`. */
class Vici {
  private heard = Buffer.alloc(0);

  private constructor(private readonly socket: Socket) {
    socket.on("data", (bytes: Buffer) => (this.heard = Buffer.concat([this.heard, bytes])));
  }

  static async open(path: string): Promise<Vici> {
    const socket = connect(path);
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Vici(socket);
  }

  /** Sends one packet and waits until the text of what was heard since `take` matches. */
  async say(bytes: Buffer, until: RegExp): Promise<void> {
    const from = this.heard.length;
    this.socket.write(bytes);
    await this.wait(until, from);
  }

  async wait(until: RegExp, from = 0): Promise<void> {
    const look = (): boolean => until.test(describe(this.heard.subarray(from)));
    await waitFor(`charon says ${until}`, 10_000, look, 20);
  }

  async command(
    name: string,
    values: Record<string, string> = {},
    until = /^CMD_/m,
  ): Promise<void> {
    await this.say(packet(Packet.CMD_REQUEST, name, values), until);
  }

  /** Writes what was heard since the last time into NAME.bin and NAME.txt. */
  take(name: string): void {
    writeFileSync(new URL(`${name}.bin`, out), this.heard);
    writeFileSync(new URL(`${name}.txt`, out), describe(this.heard));
    console.log(`${name}: ${this.heard.length} bytes`);
    this.heard = Buffer.alloc(0);
  }

  /** Forgets what was heard. */
  drop(): void {
    this.heard = Buffer.alloc(0);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** In the order of assembly/ike/vici/session.ts. */
const EVENTS = [
  "list-sa",
  "list-conn",
  "ike-updown",
  "child-updown",
  "ike-rekey",
  "child-rekey",
  "alert",
];

/** Children that are up in the listings, beside s2s/net. */
const OTHERS = [
  ["s2s", "net6"],
  ["s2s", "host"],
  ["old", "old"],
  ["six", "six"],
] as const;

/** Of one that was built by hand (`--enable-ml`) a further key exchange shall be listed, too. */
const has_ml = versionAt("a").includes("/");
const ikev1_proposal = "aes128-sha256-x25519";
const proposal = has_ml ? `${ikev1_proposal}-ke1_mlkem768` : ikev1_proposal;
const MORE = has_ml ? `load = ${PLUGINS} sha3 ml` : "";

interface Side {
  name: string;
  own: number;
  peer: number;
}
const west: Side = { name: "west", own: 1, peer: 2 };
const east: Side = { name: "east", own: 2, peer: 1 };

/** swanctl.conf of one side: connections and children in every form that a listing can show. */
function swanctl({ name, own, peer }: Side): string {
  const auth = (id: string): string => `
    local { auth = psk
      id = ${id}-${own} }
    remote { auth = psk
      id = ${id}-${peer} }`;
  const secret = (id: string, key: string): string => `
  ike-${id} {
    id-1 = ${id}-${own}
    id-2 = ${id}-${peer}
    secret = "${key}" }`;
  return `
connections {
  s2s {
    version = 2
    local_addrs = 192.0.2.${own}
    remote_addrs = 192.0.2.${peer}
    proposals = ${proposal}
    dpd_delay = 30s
    encap = yes
    rekey_time = 4h
    mobike = no
    ${auth("s2s")}
    children {
      net { local_ts = 10.${own}.0.0/16
        remote_ts = 10.${peer}.0.0/16
        esp_proposals = ${proposal}
        rekey_time = 1h }
      net6 { local_ts = fd0${own}::/64
        remote_ts = fd0${peer}::/64
        esp_proposals = chacha20poly1305
        rekey_time = 0
        life_time = 0 }
      host { local_ts = 10.1${own}.0.1
        remote_ts = 10.1${peer}.0.1[icmp],10.1${peer}.1.0/24[tcp/80],10.1${peer}.2.5-10.1${peer}.2.9
        esp_proposals = aes256-sha512
        rekey_time = 0
        life_time = 90m }
      refused { local_ts = 10.9.0.0/24
        remote_ts = 10.${name === "west" ? 8 : 7}.0.0/24 }
    }
  }
  old {
    version = 1
    local_addrs = 192.0.2.${own}
    remote_addrs = 192.0.2.${peer}
    proposals = ${ikev1_proposal}
    encap = yes
    reauth_time = 3h
    ${auth("old")}
    children {
      old { local_ts = 10.2${own}.0.0/16
        remote_ts = 10.2${peer}.0.0/16
        esp_proposals = ${ikev1_proposal} }
    }
  }
  six {
    version = 2
    local_addrs = 2001:db8::${own}
    remote_addrs = 2001:db8::${peer}
    proposals = aes256-sha384-x25519
    encap = yes
    rekey_time = 0
    ${auth("six")}
    children {
      six { local_ts = fd1${own}::1
        remote_ts = fd1${peer}::/48
        esp_proposals = aes256-sha256 }
    }
  }
  wrong {
    version = 2
    local_addrs = 192.0.2.${own}
    remote_addrs = 192.0.2.${peer}
    proposals = ${proposal}
    ${auth("wrong")}
    children { wrong { local_ts = 10.3${own}.0.0/16
        remote_ts = 10.3${peer}.0.0/16 } }
  }
  road {
    remote_addrs = %any
    reauth_time = 2h
    ${auth("road")}
    children { road { remote_ts = 10.4${peer}.0.0/24,dynamic } }
  }
}
secrets {${secret("s2s", "one")}${secret("old", "two")}${secret("six", "three")}
${secret("wrong", name)}
}
`;
}

/** Two namespaces joined by a cable, and their addresses. */
async function makeNetwork(state: State): Promise<[Namespace, Namespace]> {
  const left = await Namespace.create(`rekeyd-${state.id}-w`, state);
  const right = await Namespace.create(`rekeyd-${state.id}-e`, state);
  await left.batch([`link add wan type veth peer name wan netns ${right.name}`]);
  for (const [namespace, own] of [
    [left, west.own],
    [right, east.own],
  ] as const) {
    const lans = [`10.${own}.0.1/32`, `10.1${own}.0.1/32`, `10.2${own}.0.1/32`];
    await namespace.batch([
      "link set wan up",
      `address add 192.0.2.${own}/24 dev wan`,
      `address add 2001:db8::${own}/64 dev wan nodad`,
      ...lans.map((lan) => `address add ${lan} dev lo`),
      ...[`fd0${own}::1/128`, `fd1${own}::1/128`].map((lan) => `address add ${lan} dev lo nodad`),
    ]);
  }
  return [left, right];
}

async function capture(state: State): Promise<void> {
  const [left, right] = await makeNetwork(state);
  const start = async (namespace: Namespace, side: Side, version: string): Promise<Charon> => {
    const folder = join(state.folder, side.name);
    const charon = new Charon(namespace, folder, swanctl(side), version, MORE);
    await charon.start();
    return charon;
  };
  const [charon, peer] = await Promise.all([
    start(left, west, versionAt("a")),
    start(right, east, versionAt("b")),
  ]);
  const vici = await Vici.open(charon.vici_path);
  const initiate = (ike: string, child: string, timeout = "-1"): Promise<void> =>
    vici.command("initiate", { ike, child, timeout });
  const ping = (target: string, count: number): Promise<string> =>
    left.run("ping", ["-q", "-c", String(count), "-i", "0.02", target]);

  const { response } = await viciCommand(charon.vici_path, "version");
  const version = String(response["version"]);
  if (version !== FIRST_VERSION) out = new URL(`vici-${version}/`, fixtures);
  mkdirSync(out, { recursive: true });
  const registers = EVENTS.map((name) => packet(Packet.EVENT_REGISTER, name));
  await vici.say(Buffer.concat(registers), /(^EVENT_\w+$\n){7}/m);
  vici.take("register");
  await vici.command("list-conns");
  vici.take("list-conns");
  await vici.command("list-sas");
  vici.take("list-sas-none");

  await initiate("s2s", "net");
  await vici.wait(/^EVENT child-updown/m);
  vici.take("initiate");
  for (const [ike, child] of OTHERS) {
    await initiate(ike, child);
    await vici.wait(/^EVENT child-updown/m);
    vici.drop();
  }
  await ping("10.2.0.1", 5);
  await ping("10.12.0.1", 3);
  await vici.command("list-sas");
  vici.take("list-sas");

  await initiate("s2s", "nothing");
  vici.take("initiate-unknown");
  await initiate("s2s", "refused", "0");
  vici.take("initiate-refused");
  await initiate("wrong", "wrong", "0");
  vici.take("initiate-unauthenticated");
  await vici.command("make-coffee");
  vici.take("unknown-command");
  await vici.command("terminate", { "child-id": "999", timeout: "-1" });
  vici.take("terminate-unknown");

  await vici.command("rekey", { "child-id": "1" }, /^EVENT child-rekey/m);
  await vici.wait(/^CMD_RESPONSE/m);
  await vici.command("list-sas", { ike: "s2s" });
  vici.take("rekey-child");
  await vici.command("rekey", { "ike-id": "1" }, /^EVENT ike-rekey/m);
  await vici.wait(/^CMD_RESPONSE/m);
  vici.take("rekey-ike");
  await vici.command("rekey", { child: "old" }, /^EVENT child-rekey/m);
  await vici.wait(/^CMD_RESPONSE/m);
  await vici.command("list-sas", { ike: "old" });
  vici.take("rekey-ikev1");

  if (version !== FIRST_VERSION) {
    const since = "(?:.|\\n)*^EVENT child-updown\\n(?! *up = yes)";
    await vici.command("rekey", { ike: "six", reauth: "yes" }, new RegExp(since, "m"));
    await vici.command("list-sas", { ike: "six" });
    vici.take("reauthenticate");
  }

  // From here on the peer is silent, so tasks stay where a listing can see them.
  await peer.kill();
  await vici.command("rekey", { child: "net6" });
  await vici.command("rekey", { child: "old" });
  await initiate("wrong", "wrong");
  await initiate("s2s", "refused");
  await sleep(500);
  vici.drop();
  await vici.command("list-sas");
  vici.take("list-sas-tasks");
  const force = { force: "yes", timeout: "-1" };
  await vici.command("terminate", { ike: "six", ...force }, /^EVENT child-updown/m);
  await vici.wait(/^CMD_RESPONSE/m);
  vici.take("terminate-ike");
  await vici.command("terminate", { ike: "old", ...force }, /^EVENT child-updown/m);
  await initiate("old", "old");
  await sleep(500);
  vici.drop();
  await vici.command("list-sas", { ike: "old" });
  vici.take("list-sas-ikev1-tasks");
  vici.close();
}

const state = State.create("test", "capture-vici");
try {
  await capture(state);
} finally {
  await state.remove();
}
