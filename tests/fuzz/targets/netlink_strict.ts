/**
 * A second opinion on rtnetlink, written from the kernel's rules (NLMSG_OK and RTA_OK of Linux's
 * uapi headers) and apart from the engine: what of a read is whole.
 */

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
/** Bytes in front of the attributes (ifinfomsg, ifaddrmsg, rtmsg, fib_rule_hdr), by nlmsg_type. */
const FIXED_BYTES: Record<number, number> = {
  ...{ 16: 16, 17: 16, 20: 8, 21: 8 },
  ...{ 24: 12, 25: 12, 32: 12, 33: 12 },
};

/** The same read without what is cut off: the last message, the end of a message's attributes. */
export function wholeMessages(read: Buffer): Buffer {
  const kept: Buffer[] = [];
  let rest = read;
  while (rest.length >= HEADER_BYTES) {
    const length = rest.readUInt32LE(0);
    if (length < HEADER_BYTES || length > rest.length) break;
    kept.push(wholeAttributes(rest.subarray(0, length)));
    rest = rest.subarray(align(length));
  }
  return Buffer.concat(kept);
}

function wholeAttributes(message: Buffer): Buffer {
  const fixed = FIXED_BYTES[message.readUInt16LE(4)];
  if (fixed === undefined || message.length < HEADER_BYTES + fixed) return padded(message);
  let end = HEADER_BYTES + fixed;
  for (let at = end; at + ATTRIBUTE_HEADER_BYTES <= message.length; at = align(end)) {
    const length = message.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > message.length) break;
    end = at + length;
  }
  const whole = Buffer.from(message.subarray(0, end));
  whole.writeUInt32LE(end, 0);
  return padded(whole);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(align(bytes.length) - bytes.length)]);
}

/** NLMSG_ALIGN and RTA_ALIGN. */
function align(length: number): number {
  return (length + 3) & ~3;
}
