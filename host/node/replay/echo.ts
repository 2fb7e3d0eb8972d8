/** Echoes and replies as they stand in a recording (assembly/icmp/echo.ts, docs/recording.md). */
import { addressText } from "../address.ts";

const PEER = 16;
const MESSAGE = 64;
const ADDRESS_BYTES = 16;
const VPN = 8;
const ROUND = 12;
const SENT = 16;
const TARGET = 24;
const TOKEN = 32;
const CHECKSUM = 2;
const PADDING = 40;
const ZERO_TOKEN = Buffer.alloc(8);
const ECHO_REPLY = { v4: 0, v6: 129 };

/** What an echo or its reply says of itself. */
export interface Echo {
  /** Where it went to, or who answers. */
  peer: string;
  vpn: number;
  round: number;
  target: number;
  sent_ms: number;
  /** One for each echo. */
  key: string;
}

/** A slot that was sent; undefined if there is no echo in it. */
export function sentEcho(slot: Buffer): Echo | undefined {
  return echoIn(slot, slot.subarray(MESSAGE));
}

/** A slot that was received; a text: why it is no reply of ours. */
export function receivedReply(slot: Buffer, version: number): Echo | string {
  const packet = slot.subarray(MESSAGE);
  const header_bytes = version === 4 ? ((packet[0] ?? 0) & 15) * 4 : 0;
  const message = packet.subarray(header_bytes);
  const peer = addressText(slot.subarray(PEER, PEER + ADDRESS_BYTES));
  const echo = echoIn(slot, message);
  if (echo === undefined) return `${message.length} bytes from ${peer} that are no echo's`;
  const type = version === 4 ? ECHO_REPLY.v4 : ECHO_REPLY.v6;
  if (message[0] !== type || message[1] !== 0)
    return `an ICMP message of another type from ${peer}`;
  if (!message.subarray(TOKEN, TOKEN + 8).equals(ZERO_TOKEN)) {
    return `a reply from ${peer} whose token is wrong: forged, or to an engine before this one`;
  }
  if (message.readUInt16LE(CHECKSUM) !== 0) return `a reply from ${peer} whose checksum is wrong`;
  return echo;
}

function echoIn(slot: Buffer, message: Buffer): Echo | undefined {
  if (message.length < PADDING) return undefined;
  const echo = {
    peer: addressText(slot.subarray(PEER, PEER + ADDRESS_BYTES)),
    vpn: message.readInt32LE(VPN),
    round: message.readUInt32LE(ROUND),
    target: message.readInt32LE(TARGET),
    sent_ms: Number(message.readBigInt64LE(SENT)),
  };
  const { peer, vpn, round, target, sent_ms } = echo;
  return { ...echo, key: [vpn, target, round, sent_ms, peer].join(" ") };
}
