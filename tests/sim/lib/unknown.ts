/** Says what charon says, with elements among it that nobody has heard of. */
import { Random } from "../../../host/node/sim/random.ts";
import { Packet } from "../../../host/node/sim/model/vici.ts";

const SECTION_START = 1;
const SECTION_END = 2;
const KEY_VALUE = 3;
const LIST_START = 4;
const LIST_ITEM = 5;
const LIST_END = 6;

/** What inside an unknown section looks as if it mattered. */
const DECOYS = ["state", "uniqueid", "name", "spi-in", "success", "up", "child-sas", "mode"];
/** Each section in these is an SA or a child by itself, whatever it is called. */
const OF_SECTIONS = ["child-sas", "children", "ike-sa"];

/** Packets, with unknown elements in each message, and unknown events between them. */
export function withUnknown(bytes: Buffer, random: Random, percent = 30): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (random.percent(percent)) parts.push(unknownEvent(random));
    parts.push(packet(bytes.subarray(at + 4, end), random, percent));
    at = end;
  }
  return Buffer.concat(parts);
}

function unknownEvent(random: Random): Buffer {
  const name = word(random);
  const body = unknown(random, true);
  return framed(Buffer.concat([Buffer.from([Packet.EVENT, name.length]), name, body]));
}

function packet(content: Buffer, random: Random, percent: number): Buffer {
  const type = content[0] as Packet;
  if (type !== Packet.EVENT && type !== Packet.CMD_RESPONSE) return framed(content);
  const begin = type === Packet.EVENT ? 2 + content[1]! : 1;
  // On top of an event each section is a connection.
  const message = peppered(content.subarray(begin), type !== Packet.EVENT, random, percent);
  return framed(Buffer.concat([content.subarray(0, begin), message]));
}

function peppered(
  message: Buffer,
  with_sections: boolean,
  random: Random,
  percent: number,
): Buffer {
  const parts: Buffer[] = [];
  const open: string[] = [];
  const insert = (): void => {
    if (!random.percent(percent)) return;
    const fits = open.length === 0 ? with_sections : !OF_SECTIONS.includes(open.at(-1)!);
    parts.push(unknown(random, fits));
  };
  insert();
  for (let at = 0; at < message.length;) {
    const start = at;
    const element = message[at++];
    if (element === SECTION_START || element === KEY_VALUE || element === LIST_START) {
      at += 1 + message[at]!;
    }
    if (element === SECTION_START) open.push(message.toString("latin1", start + 2, at));
    if (element === SECTION_END) open.pop();
    if (element === KEY_VALUE || element === LIST_ITEM) at += 2 + message.readUInt16BE(at);
    parts.push(message.subarray(start, at));
    // Nothing but items may stand in a list.
    if (element !== LIST_START && element !== LIST_ITEM) insert();
  }
  return Buffer.concat(parts);
}

/** One element that is new, with what belongs to it. */
function unknown(random: Random, or_section: boolean): Buffer {
  const name = word(random);
  switch (random.below(or_section ? 3 : 2)) {
    case 0:
      return keyValue(name, random);
    case 1: {
      const items = Array.from({ length: random.below(4) }, () => item(random));
      return Buffer.concat([head(LIST_START, name), ...items, Buffer.from([LIST_END])]);
    }
    default: {
      const decoy = keyValue(Buffer.from(random.one(DECOYS)), random);
      const inner = random.percent(30) ? unknown(random, true) : Buffer.alloc(0);
      return Buffer.concat([head(SECTION_START, name), decoy, inner, Buffer.from([SECTION_END])]);
    }
  }
}

function keyValue(name: Buffer, random: Random): Buffer {
  return Buffer.concat([head(KEY_VALUE, name), value(random)]);
}

function item(random: Random): Buffer {
  return Buffer.concat([Buffer.from([LIST_ITEM]), value(random)]);
}

function value(random: Random): Buffer {
  const bytes = Buffer.from(Array.from({ length: random.below(40) }, () => random.below(256)));
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function head(element: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from([element, name.length]), name]);
}

/** No name that strongSwan has. */
function word(random: Random): Buffer {
  return Buffer.from(`x-${random.u32().toString(36)}`);
}

function framed(content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}
