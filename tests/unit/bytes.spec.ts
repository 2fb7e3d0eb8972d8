import { loadU32be, parseDecimal, storeU32be } from "../../assembly/bytes/slice";
import { writerAt, WRITER_BYTES } from "../../assembly/bytes/writer";

const room: usize = memory.data(64);
const writer = writerAt(memory.data(WRITER_BYTES));

/** What the writer holds, as a string. */
function written(): string {
  return String.UTF8.decodeUnsafe(writer.start, writer.length);
}

describe("bytes/slice", () => {
  test("stores and loads in network byte order", () => {
    storeU32be(room, 0x01020304);
    expect(<i32>load<u8>(room)).toBe(1);
    expect(loadU32be(room)).toBe(0x01020304);
  });

  test("parses decimal numbers", () => {
    writer.reset(room, 64).text("1350");
    expect(parseDecimal(room, 4)).toBe(1350);
    expect(parseDecimal(room, 0)).toBe(-1);
  });
});

describe("bytes/writer", () => {
  test("leaves out what does not fit", () => {
    writer.reset(room, 5).text("abc").text("def");
    expect(written()).toBe("abc");
    expect(writer.truncated).toBe(true);
  });
});
