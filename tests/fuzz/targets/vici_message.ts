/** Changes to a vici packet that leave its lengths right, so that they get past them. */
import type { Random } from "../../../host/node/sim/random.ts";

const NAMED = [0, 3, 4, 7];
const LENGTHS = [1, 16, 31, 32, 63, 64, 255];

interface Element {
  type: number;
  name?: Buffer;
  value?: Buffer;
}

/** A packet with one to four elements changed; one that is no packet comes back as it is. */
export function changeMessage(
  random: Random,
  packet: Buffer,
  dictionary: readonly Buffer[],
): Buffer {
  const head = NAMED.includes(packet[0] ?? 0xff) ? 2 + (packet[1] ?? 0) : 1;
  const elements = parse(packet.subarray(head));
  if (elements.length === 0) return packet;
  for (let n = random.between(1, 4); n > 0 && elements.length > 0; n--) {
    change(random, elements, dictionary);
  }
  return Buffer.concat([packet.subarray(0, head), ...elements.map(encode)]);
}

function change(random: Random, elements: Element[], dictionary: readonly Buffer[]): void {
  const at = random.below(elements.length);
  const element = elements[at]!;
  const end = behind(elements, at);
  switch (random.below(8)) {
    case 0:
      elements.splice(at, end - at);
      break;
    case 1:
      elements.splice(at, 0, ...elements.slice(at, end).map((e) => ({ ...e })));
      break;
    case 2: {
      // Many of the same: lists and sections that run over.
      const part = elements.slice(at, end);
      const times = Math.min(random.between(2, 80), Math.ceil(600 / part.length));
      elements.splice(at, 0, ...Array.from({ length: times }, () => part).flat());
      break;
    }
    case 3:
      if (element.name !== undefined) element.name = random.one(dictionary).subarray(0, 255);
      break;
    case 4:
      elements.splice(at, 0, { type: random.between(0, 7), name: Buffer.from("a") });
      break;
    case 5:
      elements.splice(at, 1);
      break;
    default:
      if (element.value !== undefined) element.value = value(random, element.value, dictionary);
  }
}

function value(random: Random, old: Buffer, dictionary: readonly Buffer[]): Buffer {
  switch (random.below(5)) {
    case 0:
      return random.one(dictionary);
    case 1:
      return Buffer.from(String(random.percent(50) ? random.u32() : random.below(5000)));
    case 2:
      return Buffer.alloc(random.one(LENGTHS), random.percent(50) ? 0x61 : random.below(256));
    case 3: {
      const copy = Buffer.from(old);
      if (copy.length > 0) copy[random.below(copy.length)] = random.below(256);
      return copy;
    }
    default:
      return Buffer.concat([old, old]).subarray(0, 65_535);
  }
}

/** The place behind an element and all that is inside of it. */
function behind(elements: Element[], at: number): number {
  let depth = 0;
  for (let i = at; i < elements.length; i++) {
    const { type } = elements[i]!;
    if (type === 1 || type === 4) depth++;
    if (type === 2 || type === 6) depth--;
    if (depth <= 0) return i + 1;
  }
  return elements.length;
}

/** The elements up to the first that is none. */
function parse(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const type = bytes[at++]!;
    const element: Element = { type };
    if (type === 1 || type === 3 || type === 4) {
      const length = bytes[at] ?? 0;
      element.name = bytes.subarray(at + 1, at + 1 + length);
      at += 1 + length;
    }
    if (type === 3 || type === 5) {
      if (at + 2 > bytes.length) break;
      const length = bytes.readUInt16BE(at);
      element.value = bytes.subarray(at + 2, at + 2 + length);
      at += 2 + length;
    }
    if (type < 1 || type > 6) break;
    elements.push(element);
  }
  return elements;
}

function encode({ type, name, value }: Element): Buffer {
  const parts: Buffer[] = [Buffer.from([type])];
  if (name !== undefined) parts.push(Buffer.from([name.length & 255]), name.subarray(0, 255));
  if (value !== undefined) parts.push(Buffer.from([value.length >> 8, value.length & 255]), value);
  return Buffer.concat(parts);
}
