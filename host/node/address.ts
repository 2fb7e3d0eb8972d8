/** Addresses as a person writes them (RFC 5952 for IPv6). */

const V4_BYTES = 4;
const V6_BYTES = 16;
/** What stands before an IPv4 address (RFC 4291, 2.5.5.2). */
export const MAPPED = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);

/** The text of 4 or 16 bytes; IPv4 may stand mapped into the 16. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === V4_BYTES) return [...bytes].join(".");
  if (bytes.length !== V6_BYTES) return `0x${bytes.toString("hex")}`;
  if (bytes.subarray(0, MAPPED.length).equals(MAPPED)) {
    return [...bytes.subarray(MAPPED.length)].join(".");
  }
  const groups = Array.from({ length: V6_BYTES / 2 }, (_, i) => bytes.readUInt16BE(2 * i));
  const { start, length } = longestZeros(groups);
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeros(groups: number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, i) => {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: i + 1 - length, length };
  });
  return longest;
}
