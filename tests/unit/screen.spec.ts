import { columnsOf } from "../../assembly/bytes/columns";
import { writerAt, WRITER_BYTES } from "../../assembly/bytes/writer";
import {
  beginScreen,
  draw,
  endLine,
  showAll,
  showLeft,
  showRight,
} from "../../assembly/console/screen";
import { seedRandom } from "../../assembly/random";
import { random } from "./hostile";

const ROOM: i32 = 4096;
const line = writerAt(memory.data(WRITER_BYTES, 8));
const line_room: usize = memory.data(ROOM);
const aside = writerAt(memory.data(WRITER_BYTES, 8));
const aside_room: usize = memory.data(ROOM);

/** Begins a screen of so many columns. */
function begin(columns: i32, as_ascii: bool = false): void {
  beginScreen(line.reset(line_room, ROOM), columns, as_ascii, false);
}

function put(text: string): void {
  aside.reset(aside_room, ROOM);
  aside.at += String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, aside.start);
}

function shown(): string {
  return String.UTF8.decodeUnsafe(line.start, line.length);
}

/** What is shown of the text. */
function all(text: string, columns: i32, as_ascii: bool = false): string {
  begin(columns, as_ascii);
  put(text);
  showAll(aside);
  return shown();
}

/** A character that a terminal might do something with, or any byte. */
function writeHostile(): void {
  const kind = random(6);
  if (kind == 0) aside.text("\x1b[2J");
  else if (kind == 1)
    aside.u8(0xc2).u8(0x9b).text("31m"); // CSI as one character
  else if (kind == 2)
    aside.u8(0xe2).u8(0x80).u8(0xae); // U+202E
  else if (kind == 3)
    aside.u8(0xe6).u8(0x97).u8(0xa5); // U+65E5
  else if (kind == 4)
    aside.u8(0xcc).u8(0x81); // U+0301
  else aside.u8(random(256));
}

describe("console/screen", () => {
  test("what fits is shown as it is, of what does not a mark stands at the end", () => {
    expect(all("branch", 6)).toBe("branch");
    expect(all("branch", 5)).toBe("bran…");
    expect(all("branch", 1)).toBe("…");
    expect(all("branch", 0)).toBe("");
    expect(all("branch", 5, true)).toBe("bran~");
    expect(all("", 5)).toBe("");
  });

  test("a wide character takes two columns, and half of one is not shown", () => {
    expect(all("日本", 4)).toBe("日本");
    expect(all("日本x", 4)).toBe("日… ");
    expect(all("日本", 3)).toBe("日…");
    expect(all("日本", 2)).toBe("… ");
    expect(all("日本", 3, true)).toBe("??");
    begin(10);
    put("日");
    showLeft(aside, 4);
    draw(0x7c, 0x7c);
    expect(shown()).toBe("日  |");
    begin(10);
    showRight(aside, 4);
    expect(shown()).toBe("  日");
  });

  test("nothing that a terminal obeys or hides comes through", () => {
    expect(all("a\x1b[2Jb\rc\x07d\x7f", 40)).toBe("a?[2Jb?c?d?");
    expect(all("a\u009b2Jb\u2028c", 40)).toBe("a?2Jb?c");
    expect(all("a\u202eb\u200bc\u2066d\ufeff", 40)).toBe("a?b?c?d?");
    expect(all("e\u0301", 40)).toBe("e?");
    begin(9);
    aside.reset(aside_room, ROOM).u8(0xff).u8(0xc3).u8(0x41).u8(0xe2).u8(0x82);
    showAll(aside);
    expect(shown()).toBe("??A??");
  });

  test("random bytes never make a line too wide, nor one of something else", () => {
    seedRandom(20261123);
    for (let round = 0; round < 1000; round++) {
      const columns = random(40);
      const as_ascii = random(2) == 0;
      aside.reset(aside_room, ROOM);
      for (let i = random(60); i > 0; i--) writeHostile();
      begin(columns, as_ascii);
      showLeft(aside, random(50));
      draw(0x2587, 0x7c);
      showRight(aside, random(50));
      const end = line.length;
      endLine();
      const text = String.UTF8.decodeUnsafe(line.start, end);
      expect(String.UTF8.byteLength(text)).toBe(end);
      let width = 0;
      let fine = true;
      for (let i = 0; i < text.length; i++) {
        const code = text.codePointAt(i);
        if (code > 0xffff) i++;
        if (code < 0x20 || (code > 0x7e && (as_ascii || code < 0xa0))) fine = false;
        if (columnsOf(code) == 0) fine = false;
        width += columnsOf(code);
      }
      expect(fine && width <= columns).toBe(true, text);
    }
  });
});
