/** What is said over the kernel's socket for IPsec, shortly (linux/xfrm.h): words for all bytes. */
import { addressText } from "../address.ts";

const Type = { ERROR: 2, DELSA: 0x11, NEWAE: 0x1e, GETAE: 0x1f } as const;
const HEADER_BYTES = 16;
const ID_BYTES = 24;
const EVENT_BYTES = 48;
const ATTRIBUTE_BYTES = 4;
/** xfrm_lifetime_cur, with its attribute's header. */
const XFRMA_LTIME_VAL = 9;
const LIFETIME_BYTES = 36;
const AF_INET = 2;
const V4_BYTES = 4;
const V6_BYTES = 16;

/** The messages in `bytes`. */
export function xfrmTexts(bytes: Buffer): string[] {
  const texts: string[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > bytes.length) break;
    texts.push(
      describe(bytes.readUInt16LE(at + 4), bytes.subarray(at + HEADER_BYTES, at + length)),
    );
    at += (length + 3) & ~3;
  }
  if (at < bytes.length) texts.push(`${bytes.length - at} bytes more`);
  return texts;
}

function describe(type: number, body: Buffer): string {
  switch (type) {
    case Type.GETAE:
      return `asks for ${sa(body)}`;
    case Type.DELSA:
      return `removes ${sa(body)}`;
    case Type.NEWAE:
      return `has ${sa(body)}${packets(body)}`;
    case Type.ERROR:
      return error(body);
    default:
      return `type ${type}`;
  }
}

function sa(body: Buffer): string {
  if (body.length < ID_BYTES) return "an SA, cut";
  const bytes = body.readUInt16LE(20) === AF_INET ? V4_BYTES : V6_BYTES;
  const spi = body.readUInt32BE(16).toString(16).padStart(8, "0");
  return `SA ${spi} to ${addressText(body.subarray(0, bytes))}`;
}

function packets(body: Buffer): string {
  for (let at = EVENT_BYTES; at + ATTRIBUTE_BYTES <= body.length;) {
    const length = body.readUInt16LE(at);
    if (length < ATTRIBUTE_BYTES || at + length > body.length) break;
    if (body.readUInt16LE(at + 2) === XFRMA_LTIME_VAL && length >= LIFETIME_BYTES) {
      return `, ${body.readBigUInt64LE(at + ATTRIBUTE_BYTES + 8)} packets`;
    }
    at += (length + 3) & ~3;
  }
  return "";
}

/** With the request that it answers behind its number. */
function error(body: Buffer): string {
  if (body.length < V4_BYTES) return "error, cut";
  const errno = -body.readInt32LE(0);
  const request = body.subarray(V4_BYTES + HEADER_BYTES);
  const about = request.length < ID_BYTES ? "" : `: ${sa(request)}`;
  return errno === 0 ? "done" : `error ${errno}${about}`;
}
