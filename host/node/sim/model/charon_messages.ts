/** What the model of charon says: its messages about SAs and connections, and their framing. */
import { encode, Packet, type Section } from "./vici.ts";
import type { Child, ChildSa, Connection, IkeSa } from "./ike_sa.ts";

export const LIFETIME_S = 3600;
export const REKEY_S = 3300;

const ESP = { "encr-alg": "AES_CBC", "encr-keysize": "128", "integ-alg": "HMAC_SHA2_256_128" };
const IKE = { ...ESP, "prf-alg": "PRF_HMAC_SHA2_256" };

export function childrenOf(connection: Connection): Child[] {
  return connection.children ?? [connection];
}

/** An IKE_SA without its CHILD_SAs. */
export function ikeSection(ike: IkeSa, now_s: number): Section {
  const { local, ike_rekey_s = 0, reauth_s = 0, version = 2, remote_vips } = ike.connection;
  const established_s = now_s - ike.established_s;
  const times: Section = { established: `${established_s}` };
  if (ike_rekey_s > 0) times["rekey-time"] = `${ike_rekey_s - established_s}`;
  if (reauth_s > 0) times["reauth-time"] = `${reauth_s - established_s}`;
  const port = ike.floated ? "4500" : "500";
  const [active, ...queued] = ike.tasks.map(({ name }) => name);
  return {
    uniqueid: `${ike.id}`,
    version: `${version}`,
    state: ike.state,
    "local-host": local,
    "local-port": port,
    "remote-host": ike.remote,
    "remote-port": port,
    initiator: ike.initiator ? "yes" : "no",
    "initiator-spi": "0123456789abcdef",
    "responder-spi": ike.answered ? "fedcba9876543210" : "0000000000000000",
    ...(ike.answered ? IKE : {}),
    ...(ike.state === "ESTABLISHED" ? times : {}),
    ...(remote_vips === undefined ? {} : { "remote-vips": remote_vips }),
    ...(queued.length > 0 ? { "tasks-queued": queued } : {}),
    ...(active === undefined ? {} : { "tasks-active": [active] }),
  };
}

/** As `list-sa` and most events have it. */
export function saSection(ike: IkeSa, now_s: number, children: ChildSa[]): Section {
  const listed = children.map((child) => [`${child.config.name}-${child.id}`, child] as const);
  const sections = listed.map(([key, child]) => [key, childSection(child, now_s)] as const);
  const sas: Section = sections.length > 0 ? { "child-sas": Object.fromEntries(sections) } : {};
  return { [ike.connection.name]: { ...ikeSection(ike, now_s), ...sas } };
}

export function childSection(child: ChildSa, now_s: number): Section {
  const { name, local_ts, remote_ts } = child.config;
  const { lifetime_s = LIFETIME_S, rekey_s = REKEY_S } = child.ike.connection;
  const age_s = now_s - child.installed_s;
  const times: Section = { "install-time": `${age_s}` };
  if (lifetime_s > 0) times["life-time"] = `${lifetime_s - age_s}`;
  if (rekey_s > 0) times["rekey-time"] = `${rekey_s - age_s}`;
  const if_id = child.if_id.toString(16).padStart(8, "0");
  return {
    name,
    uniqueid: `${child.id}`,
    state: child.state,
    mode: "TUNNEL",
    protocol: "ESP",
    "spi-in": child.spi_in.toString(16),
    "spi-out": child.spi_out.toString(16),
    ...(child.if_id === 0 ? {} : { "if-id-in": if_id, "if-id-out": if_id }),
    ...ESP,
    "bytes-in": `${84 * child.packets_in + child.long_bytes_in}`,
    "packets-in": `${child.packets_in}`,
    "bytes-out": `${84 * child.packets_out}`,
    "packets-out": `${child.packets_out}`,
    ...times,
    "local-ts": local_ts.split(","),
    "remote-ts": remote_ts.split(","),
  };
}

export function listConn(connection: Connection): Section {
  const { name, local, remote, rekey_s = REKEY_S, ike_rekey_s = 0, version = 2 } = connection;
  const { reauth_s = 0, dpd_s = 0 } = connection;
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
      version: `IKEv${version}`,
      reauth_time: `${reauth_s}`,
      // strongSwan names it only where it is on.
      ...(dpd_s > 0 ? { dpd_delay: `${dpd_s}` } : {}),
      rekey_time: `${ike_rekey_s}`,
      children: Object.fromEntries(
        childrenOf(connection).map((child) => [child.name, section(child)]),
      ),
    },
  };
}

export function success(): Buffer {
  return frame(Packet.CMD_RESPONSE, undefined, { success: "yes" });
}

export function failure(errmsg: string): Buffer {
  return frame(Packet.CMD_RESPONSE, undefined, { success: "no", errmsg });
}

/** A packet with its length in front; only some types carry a name. */
export function frame(type: Packet, name?: string, message: Section = {}): Buffer {
  const name_length = name === undefined ? 0 : 1 + name.length;
  const bytes = encode(message, 5 + name_length);
  bytes.writeUInt32BE(bytes.length - 4);
  bytes[4] = type;
  if (name !== undefined) bytes.write(name, bytes.writeUInt8(name.length, 5));
  return bytes;
}
