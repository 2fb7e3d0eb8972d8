import { oidNumber, parseOid } from "../../assembly/console/oid";
import {
  family,
  isPlace,
  loaded_at_ms,
  setPlace,
  vpn,
  writePlace,
} from "../../assembly/console/place";
import { MAX_OID_NUMBERS } from "../../assembly/limits";
import { writerAt, WRITER_BYTES } from "../../assembly/bytes/writer";

const room: usize = memory.data(4096);
const out: usize = memory.data(256);
const writer = writerAt(memory.data(WRITER_BYTES, 8));

function put(s: string): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(s), s.length, room);
}

describe("object identifiers", () => {
  it("are numbers between dots, with or without one in front", () => {
    expect(parseOid(room, put(".1.3.6.1"))).toBe(4);
    expect(oidNumber(0)).toBe(1);
    expect(oidNumber(3)).toBe(1);
    expect(parseOid(room, put("4294967295.0"))).toBe(2);
    expect(oidNumber(0)).toBe(u32.MAX_VALUE);
    expect(parseOid(room, put("007"))).toBe(1);
    expect(oidNumber(0)).toBe(7);
  });

  it("are nothing else", () => {
    const wrong = [
      "",
      ".",
      "..1",
      "1..3",
      "1.",
      "-1",
      "1.a",
      "4294967296",
      "99999999999999999999",
      "1 2",
    ];
    for (let i = 0; i < wrong.length; i++) expect(parseOid(room, put(wrong[i]))).toBe(-1);
  });

  it("have at most 128 numbers", () => {
    expect(parseOid(room, put("1".padEnd(2 * MAX_OID_NUMBERS - 1, ".1")))).toBe(MAX_OID_NUMBERS);
    expect(parseOid(room, put("1".padEnd(2 * MAX_OID_NUMBERS + 1, ".1")))).toBe(-1);
  });

  it("are any bytes", () => {
    for (let byte = 0; byte < 256; byte++) {
      for (let len = 1; len < 6; len++) {
        memory.fill(room, <u8>byte, len);
        expect(parseOid(room, len)).toBe(byte >= 0x30 && byte <= 0x39 ? 1 : -1);
      }
    }
  });
});

describe("places in the metrics", () => {
  it("are read as they are written", () => {
    setPlace(1_795_440_000_123, 20, 99_999);
    const len = writePlace(writer.reset(out, 256)).length;
    setPlace(0, 0, 0);
    expect(isPlace(out, len)).toBe(true);
    expect(loaded_at_ms).toBe(1_795_440_000_123);
    expect(family).toBe(20);
    expect(vpn).toBe(99_999);
  });

  it("are three numbers", () => {
    const wrong = [
      "",
      "1",
      "1.2",
      "1.2.",
      ".2.3",
      "1..3",
      "1.2.3.4",
      "1.2.x",
      "1.2147483648.0",
      "1.0.-1",
    ];
    for (let i = 0; i < wrong.length; i++) expect(isPlace(room, put(wrong[i]))).toBe(false);
  });
});
