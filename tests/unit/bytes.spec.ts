import {
  ADDRESS_BYTES,
  compareAddress,
  fromV4,
  isUnset,
  isV4,
  parseAddress,
  sameAddress,
  writeAddress,
} from "../../assembly/bytes/address";
import { HASH_INDEX_BYTES, hashIndexAt } from "../../assembly/bytes/hash_index";
import { POOL_BYTES, poolAt } from "../../assembly/bytes/pool";
import { parseSelector, Selector, SELECTOR_BYTES } from "../../assembly/bytes/selector";
import {
  equal,
  equalText,
  hash,
  hexDigit,
  indexOf,
  loadU16be,
  loadU32be,
  nameBytes,
  nameLength,
  parseDecimal,
  parseHex,
  sameName,
  setName,
  startsWith,
  storeU16be,
} from "../../assembly/bytes/slice";
import { tableAt, TABLE_BYTES } from "../../assembly/bytes/table";
import { makePrintable } from "../../assembly/bytes/utf8";
import { writerAt, WRITER_BYTES } from "../../assembly/bytes/writer";
import { seedRandom } from "../../assembly/random";
import { atEdge, put, random, randomBytes, randomText } from "./hostile";

const ROOM: i32 = 256;
const room: usize = memory.data(ROOM);
const other: usize = memory.data(ROOM);
const writer = writerAt(memory.data(WRITER_BYTES));

/** What the writer holds, as a string. */
function written(): string {
  return String.UTF8.decodeUnsafe(writer.start, writer.length);
}

describe("bytes/slice", () => {
  test("compares with bytes and literals", () => {
    expect(equal(put("abc"), 3, put("abc"), 3)).toBe(true);
    expect(equal(put("abc"), 3, room, 2)).toBe(false);
    expect(equalText(put("abc"), 3, "abc")).toBe(true);
    expect(equalText(put("abd"), 3, "abc")).toBe(false);
    expect(equalText(put("ab"), 2, "abc")).toBe(false);
    expect(equalText(put(""), 0, "")).toBe(true);
    expect(startsWith(put("abc"), 3, "ab")).toBe(true);
    expect(startsWith(put("a"), 1, "ab")).toBe(false);
    expect(startsWith(put("abc"), 3, "")).toBe(true);
  });

  test("finds a byte, the first one", () => {
    expect(indexOf(put("a=b=c"), 5, 0x3d)).toBe(1);
    expect(indexOf(put("abc"), 3, 0x3d)).toBe(-1);
    expect(indexOf(put(""), 0, 0x3d)).toBe(-1);
  });

  test("parses decimal numbers of up to 18 digits", () => {
    expect(parseDecimal(put("0"), 1)).toBe(0);
    expect(parseDecimal(put("1350"), 4)).toBe(1350);
    expect(parseDecimal(put("999999999999999999"), 18)).toBe(999_999_999_999_999_999);
    expect(parseDecimal(put("1000000000000000000"), 19)).toBe(-1);
    expect(parseDecimal(put(""), 0)).toBe(-1);
    expect(parseDecimal(put("-1"), 2)).toBe(-1);
    expect(parseDecimal(put("1:"), 2)).toBe(-1);
    expect(parseDecimal(put("/1"), 2)).toBe(-1);
    expect(parseDecimal(put(" 1"), 2)).toBe(-1);
  });

  test("parses hexadecimal numbers of up to 8 digits", () => {
    expect(parseHex(put("0"), 1)).toBe(0);
    expect(parseHex(put("e37791D3"), 8)).toBe(0xe37791d3);
    expect(parseHex(put("ffffffff"), 8)).toBe(0xffffffff);
    expect(parseHex(put("123456789"), 9)).toBe(-1);
    expect(parseHex(put(""), 0)).toBe(-1);
    expect(parseHex(put("0x1"), 3)).toBe(-1);
  });

  test("knows a hexadecimal digit among all bytes", () => {
    const digits = "0123456789abcdefABCDEF";
    for (let c = 0; c < 256; c++) {
      let value = digits.indexOf(String.fromCharCode(c));
      if (value > 15) value -= 6;
      if (hexDigit(<u8>c) != value) throw new Error(`character ${c}`);
    }
  });

  test("stores and loads in network byte order", () => {
    store<u32>(room, bswap<u32>(0xfe020304));
    expect(loadU32be(room)).toBe(0xfe020304);
    storeU16be(room, 0x1ff02);
    expect(<i32>load<u8>(room)).toBe(0xff);
    expect(loadU16be(room)).toBe(0xff02);
  });

  test("bounds a name and clears what is behind it", () => {
    memory.fill(room, 0x55, ROOM);
    expect(setName(room, 7, put("branch1"), 7)).toBe(true);
    expect(setName(room, 7, put("b2"), 2)).toBe(true);
    expect(nameLength(room)).toBe(2);
    expect(equalText(nameBytes(room), 2, "b2")).toBe(true);
    for (let i = 3; i < 8; i++) expect(<i32>load<u8>(room + i)).toBe(0);
    expect(<i32>load<u8>(room, 8)).toBe(0x55);
    expect(setName(room, 7, put("branch12"), 8)).toBe(false);
    expect(setName(room, 7, room, -1)).toBe(false);
    expect(nameLength(room)).toBe(2);
    setName(other, 31, put("b2"), 2);
    expect(sameName(room, other)).toBe(true);
    setName(other, 31, put("b3"), 2);
    expect(sameName(room, other)).toBe(false);
  });

  test("hashes as FNV-1a's authors do", () => {
    expect(hash(put(""), 0)).toBe(0x811c9dc5);
    expect(hash(put("a"), 1)).toBe(0xe40c292c);
    expect(hash(put("foobar"), 6)).toBe(0xbf9cf968);
  });
});

describe("bytes/utf8", () => {
  test("a line for people keeps its characters and loses what breaks it", () => {
    // prettier-ignore
    const lines: string[] = [
      "plain, é, €, 😀", "plain, é, €, 😀",
      "a\tb\nc\x1b[2J\x7f\0", "a?b?c?[2J??",
      // C1, which some terminals obey, and the separators that break a line.
      "a\u0080b\u009fc\u00a0", "a??b??c\u00a0",
      "a\u2028b\u2029c\u2027", "a???b???c\u2027",
    ];
    for (let i = 0; i < lines.length; i += 2) {
      const p = put(lines[i]);
      const len = String.UTF8.byteLength(lines[i]);
      makePrintable(p, len);
      expect(String.UTF8.decodeUnsafe(p, len)).toBe(lines[i + 1]);
    }
  });

  test("of several lines the breaks stay", () => {
    const p = put("a\nb\r\n");
    makePrintable(p, 5, true);
    expect(String.UTF8.decodeUnsafe(p, 5)).toBe("a\nb?\n");
  });

  test("what is not UTF-8 is replaced, byte by byte", () => {
    const bad: u32[] = [0x80, 0xc1bf, 0xe08080, 0xeda080, 0xf0808080, 0xf4908080, 0xf8, 0xe282];
    for (let i = 0; i < bad.length; i++) {
      let len = 0;
      for (let shift = 24; shift >= 0; shift -= 8) {
        const byte = (bad[i] >> shift) & 0xff;
        if (byte != 0) store<u8>(room + len++, <u8>byte);
      }
      makePrintable(room, len);
      expect(String.UTF8.decodeUnsafe(room, len)).toBe("?".repeat(len));
    }
  });
});

describe("bytes/writer", () => {
  test("writes decimal numbers, the extremes too", () => {
    writer.reset(room, ROOM).decimal(0).u8(0x20).decimal(-7).u8(0x20).decimal(i64.MAX_VALUE);
    expect(written()).toBe("0 -7 9223372036854775807");
    writer.reset(room, ROOM).decimal(i64.MIN_VALUE);
    expect(written()).toBe("-9223372036854775808");
  });

  test("pads with zeros", () => {
    writer.reset(room, ROOM).padded(0, 2).u8(0x20).padded(536, 5).u8(0x20).padded(123456, 5);
    expect(written()).toBe("00 00536 123456");
    writer.reset(room, ROOM).padded(9, 1).padded(99, 3);
    expect(written()).toBe("9099");
  });

  test("counts things in English", () => {
    writer
      .reset(room, ROOM)
      .counted(0, "VPN")
      .u8(0x20)
      .counted(1, "VPN")
      .u8(0x20)
      .counted(2, "VPN");
    expect(written()).toBe("0 VPNs 1 VPN 2 VPNs");
  });

  test("writes hexadecimal numbers", () => {
    writer.reset(room, ROOM).hex(0xe37791d3).u8(0x20).hex(0xab, 2).u8(0x20).hex(1);
    expect(written()).toBe("e37791d3 ab 00000001");
  });

  test("writes in network byte order", () => {
    writer.reset(room, ROOM).u16be(0x1234).u32be(0xfedcba98);
    expect(writer.length).toBe(6);
    expect(loadU16be(room)).toBe(0x1234);
    expect(loadU32be(room + 2)).toBe(0xfedcba98);
  });

  test("writes milliseconds as seconds, with the decimals that are needed", () => {
    writer.reset(room, ROOM).seconds(10_000).u8(0x20).seconds(20).u8(0x20).seconds(1_500);
    writer.u8(0x20).seconds(7).u8(0x20).seconds(999).u8(0x20).seconds(-250);
    expect(written()).toBe("10 0.02 1.5 0.007 0.999 -0.25");
  });

  test("fills columns, with at least one space", () => {
    writer.reset(room, ROOM).text("ab").column(0, 4).text("c");
    expect(written()).toBe("ab  c");
    writer.reset(room, ROOM).text("abcdef").column(0, 4).text("c");
    expect(written()).toBe("abcdef c");
  });

  test("writes names", () => {
    setName(other, 31, put("branch"), 6);
    writer.reset(room, ROOM).u8(0x27).name(other).u8(0x27);
    expect(written()).toBe("'branch'");
  });

  test("leaves out what does not fit, and all that follows", () => {
    writer.reset(room, 5).text("abc").text("def").u8(0x78);
    expect(written()).toBe("abc");
    expect(writer.truncated).toBe(true);
    writer.reset(room, 5).bytes(other, -1);
    expect(writer.truncated).toBe(true);
    expect(writer.length).toBe(0);
  });

  test("writes nothing past any limit", () => {
    setName(other, 31, put("branch"), 6);
    for (let size = 0; size < 80; size++) {
      memory.fill(room, 0x55, ROOM);
      writer.reset(room, size).text("VPN ").name(other).u8(0x20).decimal(-1234567);
      writer.padded(3, 9).hex(0xabcdef).u16be(1).u32be(2).seconds(1234).column(0, 70);
      expect(writer.length <= size).toBe(true);
      expect(writer.truncated).toBe(size < 70);
      for (let i = size; i < size + 16; i++) {
        if (<i32>load<u8>(room + i) != 0x55) throw new Error(`writes past ${size}`);
      }
    }
  });
});

/** The address that `text` means, in the form that we write; or why there is none. */
function addressOf(text: string): string {
  const p = put(text);
  if (!parseAddress(p, String.UTF8.byteLength(text), room)) return "refused";
  writeAddress(writer.reset(other, ROOM), room);
  return written();
}

describe("bytes/address", () => {
  test("reads IPv4", () => {
    expect(addressOf("10.1.0.1")).toBe("10.1.0.1");
    expect(isV4(room)).toBe(true);
    expect(loadU32be(room + 12)).toBe(0x0a010001);
    expect(addressOf("0.0.0.0")).toBe("0.0.0.0");
    expect(addressOf("255.255.255.255")).toBe("255.255.255.255");
    expect(addressOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
    expect(addressOf("::FFFF:c000:0201")).toBe("192.0.2.1");
  });

  test("refuses what is no IPv4 address, leading zeros among it", () => {
    const wrong: string[] = [
      "",
      ".",
      "1",
      "1.2.3",
      "1.2.3.",
      "1.2.3.4.",
      "1.2.3.4.5",
      ".1.2.3",
      "1..2.3",
      "1.2.3.256",
      "1.2.3.0004",
      "1.2.3.04",
      "00.1.2.3",
      "1.2.3.-4",
      "1.2.3.4 ",
      " 1.2.3.4",
      "1.2.3.a",
      "1,2,3,4",
      "99999999999.2.3.4",
      "1.2.3.4/32",
    ];
    for (let i = 0; i < wrong.length; i++) expect(addressOf(wrong[i])).toBe("refused", wrong[i]);
  });

  test("reads IPv6 and writes it as RFC 5952 recommends", () => {
    expect(addressOf("2001:db8::1")).toBe("2001:db8::1");
    expect(isV4(room)).toBe(false);
    expect(addressOf("::")).toBe("::");
    expect(isUnset(room)).toBe(true);
    expect(addressOf("::1")).toBe("::1");
    expect(addressOf("1::")).toBe("1::");
    expect(addressOf("2001:DB8:0:0:0:0:0:1")).toBe("2001:db8::1");
    expect(addressOf("2001:0db8::0001")).toBe("2001:db8::1");
    // Section 4.2.2: not for a single group. 4.2.3: the longest run, the first of equals.
    expect(addressOf("2001:db8:0:1:1:1:1:1")).toBe("2001:db8:0:1:1:1:1:1");
    expect(addressOf("2001:db8::1:1:1:1:1")).toBe("2001:db8:0:1:1:1:1:1");
    expect(addressOf("2001:0:0:1:0:0:0:1")).toBe("2001:0:0:1::1");
    expect(addressOf("2001:db8:0:0:1:0:0:1")).toBe("2001:db8::1:0:0:1");
    expect(addressOf("1:2:3:4:5:6:7::")).toBe("1:2:3:4:5:6:7:0");
    expect(addressOf("::2:3:4:5:6:7:8")).toBe("0:2:3:4:5:6:7:8");
    expect(addressOf("64:ff9b::192.0.2.33")).toBe("64:ff9b::c000:221");
    expect(addressOf("1:2:3:4:5:6:1.2.3.4")).toBe("1:2:3:4:5:6:102:304");
    expect(addressOf("fe80::a:bcd:ef01")).toBe("fe80::a:bcd:ef01");
  });

  test("refuses what is no IPv6 address", () => {
    const wrong: string[] = [
      ":",
      ":::",
      "1:",
      ":1",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::",
      "::1:2:3:4:5:6:7:8",
      "12345::",
      "g::",
      "1:2:3:4:5:6:7:1.2.3.4",
      "::1:2:3:4:5:6:7:1.2.3.4",
      "::1.2.3",
      "::1.2.3.4:5",
      "1.2.3.4::",
      "fe80::1%eth0",
      "::1/128",
      "1:::2",
      "::1.2.3.04",
      "::ffff:1.2.3.256",
    ];
    for (let i = 0; i < wrong.length; i++) expect(addressOf(wrong[i])).toBe("refused", wrong[i]);
  });

  test("reads back what it writes", () => {
    seedRandom(1);
    for (let i = 0; i < 5000; i++) {
      randomBytes(other, ADDRESS_BYTES);
      // Zero groups, so that the gap stands everywhere.
      for (let zeros = random(9); zeros > 0; zeros--) store<u16>(other + 2 * random(8), 0);
      if (i % 5 == 0) fromV4(other + 4, other);
      writeAddress(writer.reset(room, 64), other);
      const read = parseAddress(room, writer.length, room + 64);
      if (!read || !sameAddress(other, room + 64)) throw new Error(written());
    }
  });

  test("takes any text, and what it accepts it can write and read again", () => {
    seedRandom(2);
    let accepted = 0;
    for (let i = 0; i < 20_000; i++) {
      const text = randomText(i % 2 == 0 ? "::::01aF." : "...0125", random(20));
      const first = addressOf(text);
      if (first == "refused") continue;
      accepted++;
      if (addressOf(first) != first) throw new Error(text);
    }
    expect(accepted > 100).toBe(true);
  });

  test("takes any bytes", () => {
    seedRandom(3);
    for (let i = 0; i < 20_000; i++) {
      const len = random(48);
      const p = atEdge(len);
      randomBytes(p, len);
      parseAddress(p, len, other);
    }
  });

  test("orders addresses as numbers", () => {
    parseAddress(put("10.0.0.255"), 10, room);
    parseAddress(put("10.0.1.0"), 8, other);
    expect(compareAddress(room, other)).toBe(-1);
    expect(compareAddress(other, room)).toBe(1);
    expect(compareAddress(room, room)).toBe(0);
    parseAddress(put("ffff::"), 6, room);
    expect(compareAddress(room, other)).toBe(1);
  });
});

const selector = changetype<Selector>(memory.data(SELECTOR_BYTES, 8));

/** The selector that `text` means, in the form that we write. */
function selectorOf(text: string): string {
  if (!parseSelector(put(text), String.UTF8.byteLength(text), selector)) return "refused";
  selector.write(writer.reset(other, ROOM));
  return written();
}

/** Whether the selector in `text` covers the address. */
function covers(text: string, address: string): bool {
  if (selectorOf(text) == "refused") return false;
  parseAddress(put(address), String.UTF8.byteLength(address), room);
  return selector.covers(room);
}

describe("bytes/selector", () => {
  test("reads prefixes, ranges and single addresses", () => {
    expect(selectorOf("10.1.0.0/16")).toBe("10.1.0.0/16");
    expect(selectorOf("10.1.2.3/16")).toBe("10.1.0.0/16");
    expect(selectorOf("10.1.2.3")).toBe("10.1.2.3/32");
    expect(selectorOf("0.0.0.0/0")).toBe("0.0.0.0/0");
    expect(selectorOf("10.1.0.1..10.1.0.9")).toBe("10.1.0.1..10.1.0.9");
    expect(selectorOf("2001:db8::/33")).toBe("2001:db8::/33");
    expect(selectorOf("2001:db8::1")).toBe("2001:db8::1/128");
    expect(selectorOf("::/0")).toBe("::/0");
    expect(selectorOf("2001:db8::1..2001:db8::f")).toBe("2001:db8::1..2001:db8::f");
  });

  test("covers from the first address to the last", () => {
    expect(covers("10.1.0.0/16", "10.1.0.0")).toBe(true);
    expect(covers("10.1.0.0/16", "10.1.255.255")).toBe(true);
    expect(covers("10.1.0.0/16", "10.0.255.255")).toBe(false);
    expect(covers("10.1.0.0/16", "10.2.0.0")).toBe(false);
    expect(covers("10.1.0.0/15", "10.0.0.1")).toBe(true);
    expect(covers("10.1.0.1/32", "10.1.0.1")).toBe(true);
    expect(covers("10.1.0.1/32", "10.1.0.2")).toBe(false);
    expect(covers("10.1.0.1..10.1.0.9", "10.1.0.9")).toBe(true);
    expect(covers("10.1.0.1..10.1.0.9", "10.1.0.10")).toBe(false);
    expect(covers("10.1.0.9..10.1.0.1", "10.1.0.5")).toBe(false);
    expect(covers("2001:db8::/33", "2001:db8:7fff::1")).toBe(true);
    expect(covers("2001:db8::/33", "2001:db8:8000::")).toBe(false);
  });

  test("covers one family only, though all of IPv4 lies inside ::/0 in the mapped form", () => {
    expect(covers("0.0.0.0/0", "255.255.255.255")).toBe(true);
    expect(covers("0.0.0.0/0", "::1")).toBe(false);
    expect(covers("::/0", "2001:db8::1")).toBe(true);
    expect(covers("::/0", "10.0.0.1")).toBe(false);
  });

  test("knows which protocol and port let an echo and its reply pass", () => {
    expect(covers("10.0.0.0/8[icmp]", "10.0.0.1")).toBe(true);
    expect(covers("10.0.0.0/8[1]", "10.0.0.1")).toBe(true);
    expect(covers("10.0.0.0/8[0]", "10.0.0.1")).toBe(true);
    expect(covers("2001:db8::/32[ipv6-icmp]", "2001:db8::1")).toBe(true);
    expect(covers("2001:db8::/32[58]", "2001:db8::1")).toBe(true);
    expect(covers("10.0.0.0/8[tcp]", "10.0.0.1")).toBe(false);
    expect(covers("10.0.0.0/8[tcp/http]", "10.0.0.1")).toBe(false);
    expect(covers("10.0.0.0/8[icmp/8]", "10.0.0.1")).toBe(false);
    expect(covers("10.0.0.0/8[17/1701]", "10.0.0.1")).toBe(false);
    expect(covers("10.0.0.0/8[ixxx-icmp]", "10.0.0.1")).toBe(false);
    expect(selectorOf("10.0.0.0/8[gre]")).toBe("10.0.0.0/8[not ICMP]");
  });

  test("refuses everything else", () => {
    const wrong: string[] = [
      "",
      "dynamic",
      "dynamic[icmp]",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0.0/-1",
      "/8",
      "[]",
      "[icmp]",
      "[",
      "10.0.0.0/8[",
      "10.0.0.0/8[icmp",
      "10.0.0.0/8[icmp]x",
      "10.0.0.1..",
      "..10.0.0.1",
      "..",
      "10.0.0.1..::1",
      "2001:db8::/129",
      "::ffff:10.0.0.0/104",
      "10.0.0.0/8/8",
      "10.0.0.1...10.0.0.2",
    ];
    for (let i = 0; i < wrong.length; i++) expect(selectorOf(wrong[i])).toBe("refused", wrong[i]);
  });

  test("takes any text, and what it accepts it can write and read again", () => {
    seedRandom(4);
    let accepted = 0;
    for (let i = 0; i < 20_000; i++) {
      const text =
        i % 2 == 0
          ? randomText("0123:/[].aicmp", random(24))
          : `${random(300)}.${random(256)}.0.0/${random(34)}` + randomText("[]17/", random(5));
      const first = selectorOf(text);
      if (first == "refused" || !selector.icmp) continue;
      accepted++;
      if (selectorOf(first) != first) throw new Error(text);
    }
    expect(accepted > 500).toBe(true);
  });

  test("takes any bytes", () => {
    seedRandom(5);
    for (let i = 0; i < 20_000; i++) {
      const len = random(64);
      const p = atEdge(len);
      randomBytes(p, len);
      parseSelector(p, len, selector);
    }
  });
});

const table = tableAt(memory.data(TABLE_BYTES));

describe("bytes/table", () => {
  test("gives zeroed records that stay where they are", () => {
    table.init(512, 1000);
    expect(table.ensure(1)).toBe(true);
    const first = table.at(0);
    let wrong = 0;
    for (let i = 0; i < 1000; i++) {
      wrong += i32(!table.ensure(i + 1));
      const record = table.at(i);
      for (let at = 0; at < 512; at += 8) wrong += i32(load<u64>(record + at) != 0);
      memory.fill(record, 0xff, 512);
      store<i32>(record, i);
    }
    for (let i = 0; i < 1000; i++) wrong += i32(load<i32>(table.at(i)) != i);
    expect(wrong).toBe(0);
    expect(table.at(0)).toBe(first);
  });

  test("refuses to grow past its limit", () => {
    expect(table.ensure(1000)).toBe(true);
    expect(table.ensure(1001)).toBe(false);
  });

  test("asserts that the index has memory", () => {
    expect(() => {
      table.at(-1);
    }).toThrow();
    expect(() => {
      table.at(1024);
    }).toThrow();
  });
});

const pool = poolAt(memory.data(POOL_BYTES));

describe("bytes/pool", () => {
  test("gives zeroed records, those that came back first", () => {
    pool.init(table.init(64, 1024));
    for (let i = 0; i < 3; i++) expect(pool.take()).toBe(i);
    memory.fill(table.at(1), 0xff, 64);
    pool.give(1);
    pool.give(0);
    expect(pool.take()).toBe(0);
    expect(pool.take()).toBe(1);
    for (let at = 0; at < 64; at += 8) expect(load<u64>(table.at(1) + at)).toBe(0);
    expect(pool.take()).toBe(3);
    expect(pool.used).toBe(4);
  });

  test("refuses one record more than its table may hold", () => {
    while (pool.used < 1024) pool.take();
    expect(pool.take()).toBe(-1);
    pool.give(9);
    expect(pool.take()).toBe(9);
    expect(pool.take()).toBe(-1);
  });
});

const index = hashIndexAt(memory.data(HASH_INDEX_BYTES));

/** How often `record` stands under `hash`. */
function occurrences(hash: u32, record: i32): i32 {
  let count = 0;
  for (let slot = index.first(hash); slot >= 0; slot = index.after(hash, slot)) {
    if (index.indexIn(slot) == record) count++;
  }
  return count;
}

describe("bytes/hash_index", () => {
  test("finds nothing before it is built, and nothing in an empty one", () => {
    expect(index.first(7)).toBe(-1);
    expect(index.rebuild(0).first(7)).toBe(-1);
  });

  test("finds every record among those that collide with it", () => {
    index.rebuild(1000);
    // A hundred records share each hash, and the hashes share their low bits.
    for (let i = 0; i < 1000; i++) index.add((<u32>(i % 10)) << 16, i);
    for (let i = 0; i < 1000; i++) expect(occurrences((<u32>(i % 10)) << 16, i)).toBe(1);
    expect(occurrences(1 << 16, 2)).toBe(0);
    expect(index.first(0xffffffff)).toBe(-1);
  });
});
