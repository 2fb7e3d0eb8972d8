import { actionBuffer, resetActions } from "../../assembly/action";
import {
  asksForHelp,
  cutHelp,
  cutLine,
  find,
  given,
  lastWordOpen,
  lineLength,
  splitLine,
  word,
  wordCount,
  wordIs,
  wordLength,
  wordOffset,
} from "../../assembly/console/line";
import {
  beginLook,
  beginPass,
  endLook,
  Found,
  isWhole,
  Pass,
  row,
} from "../../assembly/console/matcher";
import { beginCompletion } from "../../assembly/console/completion";
import { beginOffers, Offer } from "../../assembly/console/offer";
import { answerTo, beginReply, endReply } from "../../assembly/console/reply";

const room: usize = memory.data(4096);

function put(s: string): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(s), s.length, room);
}

/** The words of a line, with `|` between them. */
function words(line: string): string {
  splitLine(room, put(line));
  const found: string[] = [];
  for (let i = 0; i < wordCount(); i++) {
    found.push(String.UTF8.decodeUnsafe(word(i), wordLength(i)));
  }
  return found.join("|");
}

let ran: string = "";

/** A table with everything that a notation can have. */
function table(): void {
  if (row("set|unset vpn LEVEL monitor [last N] [optimized] [rekey]", "a")) ran += "monitor";
  if (row("set vpn LEVEL gateway", "b")) ran += "gateway";
  if (row("set|unset vpnmonitor interval|threshold N", "c")) ran += "vpnmonitor";
  if (row("get sa [active|inactive|id ID]", "d")) ran += "sa";
  if (row("get [brief] log [a b c|d] end", "e")) ran += "log";
  if (row("save", "f")) ran += "save";
}

/** Which row the line runs, or what is wrong with which word. */
function run(line: string): string {
  splitLine(room, put(line));
  ran = "";
  beginPass(Pass.BEGIN);
  table();
  for (let i = 0; i < wordCount(); i++) {
    beginLook(i);
    table();
    const found = endLook(i);
    if (found == Found.UNKNOWN) return "unknown " + i.toString();
    if (found == Found.AMBIGUOUS) return "ambiguous " + i.toString();
    if (found == Found.UNFIT) return "unfit " + i.toString();
    beginPass(Pass.FOLLOW);
    table();
  }
  beginPass(Pass.END);
  table();
  if (!isWhole()) return "incomplete";
  beginPass(Pass.RUN);
  table();
  return ran;
}

/** What may stand behind a good line, told in one of the ways. */
function offers(line: string, way: Offer, start: string = ""): string {
  run(line);
  resetActions();
  answerTo(1, false);
  beginReply();
  beginCompletion();
  const len = put(start);
  for (let pass = 0; pass < 2; pass++) {
    beginOffers(pass == 0 ? Offer.MEASURE : way, room, len);
    beginPass(Pass.OFFER);
    table();
  }
  endReply();
  const reply = String.UTF8.decodeUnsafe(
    load<u32>(actionBuffer(), 8),
    load<i32>(actionBuffer(), 12),
  );
  return reply.slice(3);
}

describe("console/line", () => {
  test("white space and control characters separate words", () => {
    expect(words("")).toBe("");
    expect(words(" \t\r\n")).toBe("");
    expect(words("get sa")).toBe("get|sa");
    expect(words("  get\x01\tsa \n")).toBe("get|sa");
    expect(words("é ü")).toBe("é|ü");
  });

  test("quotes keep a word together, also one that is not closed", () => {
    expect(words('"a b" c')).toBe("a b|c");
    expect(words('a "b c')).toBe("a|b c");
    expect(words('""')).toBe("");
    expect(wordCount()).toBe(1);
    expect(words('"a""b"c')).toBe("a|b|c");
    expect(words('a"b c"')).toBe('a"b|c"');
  });

  test("words past the limit are left out", () => {
    expect(words("x ".repeat(500)).length).toBe(2 * 32 - 1);
  });

  test("where words are", () => {
    words('  get "sa"  ');
    expect(wordOffset(0)).toBe(2);
    expect(wordOffset(1)).toBe(6);
    expect(wordOffset(2)).toBe(10);
    expect(lineLength()).toBe(10);
    expect(wordIs(0, "get")).toBe(true);
    expect(wordIs(1, "sa")).toBe(false, "it is quoted");
    expect(wordIs(2, "")).toBe(false);
    cutLine(1);
    expect(wordOffset(0)).toBe(0);
    expect(wordCount()).toBe(1);
    cutLine(1);
    expect(wordCount()).toBe(0);
    cutLine(1);
    expect(lineLength()).toBe(0);
  });

  test("a question, and whether the last word is open", () => {
    expect(words("get ?")).toBe("get|?");
    expect(asksForHelp()).toBe(true);
    cutHelp();
    expect(wordCount()).toBe(1);
    expect(lastWordOpen()).toBe(false);
    words("get s? ");
    expect(asksForHelp()).toBe(true);
    cutHelp();
    expect(wordCount()).toBe(2);
    expect(lastWordOpen()).toBe(true);
    words('get "?"');
    expect(asksForHelp()).toBe(false);
    words('get "s');
    expect(lastWordOpen()).toBe(true);
    words("");
    expect(asksForHelp()).toBe(false);
    expect(lastWordOpen()).toBe(false);
  });
});

describe("console/matcher", () => {
  test("words are found by their name or an unambiguous beginning", () => {
    expect(run("save")).toBe("save");
    expect(run("sa")).toBe("save");
    expect(run("s")).toBe("ambiguous 0");
    expect(run("x")).toBe("unknown 0");
    expect(run("saves")).toBe("unknown 0");
    expect(run("SAVE")).toBe("unknown 0");
    expect(run('""')).toBe("unknown 0");
    expect(run("save now")).toBe("unknown 1");
    expect(run("")).toBe("incomplete");
    expect(run("get")).toBe("incomplete");
    expect(run("g s a")).toBe("sa");
  });

  test("a whole word is never ambiguous", () => {
    expect(run("set vpnm i 5")).toBe("vpnmonitor");
    expect(run("set vp error gateway")).toBe("ambiguous 1");
    expect(run("set vpn error gateway")).toBe("gateway");
    expect(run("un vpnmonitor t 5")).toBe("vpnmonitor");
  });

  test("of words with | one stands; rows part where they differ", () => {
    expect(run("unset vpn error gateway")).toBe("unknown 3");
    expect(run("unset vpn error m")).toBe("monitor");
    expect(run("set vpnmonitor 5")).toBe("unknown 2");
    expect(run("set vpnmonitor interval")).toBe("incomplete");
    expect(given("interval")).toBe(true);
    expect(given("threshold")).toBe(false);
  });

  test("values are checked", () => {
    expect(run("set vpn nonsense monitor")).toBe("unfit 2");
    expect(run("set vpnmonitor interval 0")).toBe("unfit 3");
    expect(run('set vpn "error" monitor last 7')).toBe("monitor");
    expect(find("N")).toBe(5);
    expect(find("ID")).toBe(-1);
    expect(given("optimized")).toBe(false);
  });

  test("what is in brackets may be left out, in any order, each once", () => {
    expect(run("set vpn error monitor rekey optimized")).toBe("monitor");
    expect(run("set vpn error monitor rekey last 3 optimized")).toBe("monitor");
    expect(run("set vpn error monitor r o l 3")).toBe("monitor");
    expect(run("set vpn error monitor rekey rekey")).toBe("unknown 5");
    expect(run("set vpn error monitor last")).toBe("incomplete");
    expect(run("set vpn error monitor last rekey")).toBe("unfit 5");
    expect(run("get sa active inactive")).toBe("unknown 3");
    expect(run("get sa id 0x7")).toBe("sa");
  });

  test("brackets in the middle, and with several words", () => {
    expect(run("get log end")).toBe("log");
    expect(run("get brief log a b c end")).toBe("log");
    expect(run("get log d end")).toBe("log");
    expect(run("get log d a b c end")).toBe("unknown 3");
    expect(run("get log a end")).toBe("unknown 3");
    expect(run("get brief log")).toBe("incomplete");
    expect(run("get brief brief log end")).toBe("unknown 2");
  });
});

describe("console/offer", () => {
  test("what may stand there, explained", () => {
    expect(offers("", Offer.EXPLAIN, "g")).toBe(
      "  get sa [active|inactive|id ID]  d\n  get [brief] log [a b c|d] end   e\n",
    );
    expect(offers("set", Offer.EXPLAIN)).toBe(
      "  vpn LEVEL monitor [last N] [optimized] [rekey]\n" +
        "                     a\n" +
        "  vpn LEVEL gateway  b\n" +
        "  vpnmonitor interval|threshold N\n" +
        "                     c\n",
    );
    expect(offers("set vpn", Offer.EXPLAIN)).toBe(
      "  LEVEL  critical, error, warning, notification or information\n",
    );
    expect(offers("set vpn error monitor rekey", Offer.EXPLAIN)).toBe(
      "  last N     a number, such as 10\n  optimized\n  <return>   a\n",
    );
    expect(offers("set vpnmonitor", Offer.EXPLAIN)).toBe("  interval N   c\n  threshold N  c\n");
    expect(offers("get log a b", Offer.EXPLAIN)).toBe("  c\n");
    expect(offers("get", Offer.EXPLAIN)).toBe(
      "  sa [active|inactive|id ID]  d\n  brief\n  log [a b c|d] end           e\n",
    );
    expect(offers("save", Offer.EXPLAIN)).toBe("  <return>  f\n");
    expect(offers("save", Offer.EXPLAIN, "x")).toBe("");
  });

  test("completion: each word once", () => {
    expect(offers("", Offer.COMPLETE)).toBe("set\nunset\nget\nsave\n");
    expect(offers("set", Offer.COMPLETE, "v")).toBe("vpn\nvpnmonitor\n");
    expect(offers("set vpn", Offer.COMPLETE, "e")).toBe("emergency\nerror\n");
    expect(offers("save", Offer.COMPLETE)).toBe("");
  });
});
