/** Addresses as charon writes them, and its selectors. */
import { BlockList, isIPv6 } from "node:net";

const ADDRESS_BYTES = 16;
/** The bytes of an address as the kernel has them: 4 or 16. (Of `::` one, at most.) */
export function addressBytes(text: string): Buffer {
  if (!isIPv6(text)) return Buffer.from(text.split(".").map(Number));
  const [head = "", tail = ""] = text.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const bytes = Buffer.alloc(ADDRESS_BYTES);
  groups(head).forEach((group, i) => bytes.writeUInt16BE(group, 2 * i));
  const last = groups(tail);
  last.forEach((group, i) => bytes.writeUInt16BE(group, ADDRESS_BYTES - 2 * (last.length - i)));
  return bytes;
}

const prefixes = new Map<string, BlockList>();

/** Whether `10.1.0.0/16`, `fd01::/64` or one of several with commas between covers the address. */
export function covers(selectors: string, address: string): boolean {
  return selectors.split(",").some((selector) => coversOne(selector, address));
}

function coversOne(selector: string, address: string): boolean {
  let prefix = prefixes.get(selector);
  if (prefix === undefined) {
    const [network = "", bits = ""] = selector.split("/");
    prefix = new BlockList();
    prefix.addSubnet(network, Number(bits), family(network));
    prefixes.set(selector, prefix);
  }
  return prefix.check(address, family(address));
}

function family(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
