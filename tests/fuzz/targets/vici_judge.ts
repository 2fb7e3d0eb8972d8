/**
 * A second opinion on a vici stream, written from strongSwan's description (plugins/vici/README.md)
 * and apart from the engine: whether it may go on.
 */
export const enum Verdict {
  /** Nothing but events, each well formed, and perhaps the beginning of another. */
  GOOD,
  /** After such events comes something that is none. */
  BROKEN,
  /** It holds answers: whether those are wanted, only the conversation tells. */
  OPEN,
}

const MAX_PACKET_BYTES = 512 * 1024;
const MAX_DEPTH = 16;
const EVENT = 7;
const ANSWERS = [1, 2, 5, 6];

export function judge(stream: Buffer): Verdict {
  for (let at = 0; at + 4 <= stream.length;) {
    const length = stream.readUInt32BE(at);
    if (length === 0 || length > MAX_PACKET_BYTES) return Verdict.BROKEN;
    if (at + 4 + length > stream.length) return Verdict.GOOD;
    const packet = stream.subarray(at + 4, at + 4 + length);
    const type = packet[0]!;
    if (ANSWERS.includes(type)) return Verdict.OPEN;
    const name = packet[1] ?? 255;
    if (type !== EVENT || packet.length < 2 + name) return Verdict.BROKEN;
    if (!isMessage(packet.subarray(2 + name))) return Verdict.BROKEN;
    at += 4 + length;
  }
  return Verdict.GOOD;
}

/** Each element as a pattern of its type: what follows it, and where it may stand. */
function isMessage(bytes: Buffer): boolean {
  let rest = bytes;
  let depth = 0;
  let listed = false;
  const take = (size: 1 | 2): boolean => {
    if (rest.length < size) return false;
    const end = size + rest.readUIntBE(0, size);
    const fits = end <= rest.length;
    rest = rest.subarray(end);
    return fits;
  };
  while (rest.length > 0) {
    const type = rest[0]!;
    rest = rest.subarray(1);
    const in_place = type === 5 || type === 6 ? listed : !listed;
    if (type < 1 || type > 6 || !in_place) return false;
    if ((type === 1 || type === 3 || type === 4) && !take(1)) return false;
    if ((type === 3 || type === 5) && !take(2)) return false;
    if (type === 1 && ++depth > MAX_DEPTH) return false;
    if (type === 2 && --depth < 0) return false;
    if (type === 4 || type === 6) listed = type === 4;
  }
  return depth === 0 && !listed;
}
