/** Times, amounts, sentences, addresses, lists: what the pages say, and where they lead. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { filtered, joined, newIn } from "../../host/web/pages/logic/events.ts";
import type { LogEvent, Vpn } from "../../host/web/pages/logic/model.ts";
import { inOrder } from "../../host/web/pages/logic/order.ts";
import { linkTo, routeOf, tokenOf } from "../../host/web/pages/logic/route.ts";
import { sentence } from "../../host/web/pages/logic/sentence.ts";
import { Store } from "../../host/web/pages/logic/store.ts";
import * as time from "../../host/web/pages/logic/time.ts";

test("spans have two units at most", () => {
  const cases: [number, string][] = [
    [-3, "0 s"],
    [0, "0 s"],
    [59.4, "59 s"],
    [60, "1 min"],
    [61, "1 min 1 s"],
    [3599, "59 min 59 s"],
    [3600, "1 h"],
    [3660, "1 h 1 min"],
    [86_399, "23 h 59 min"],
    [86_400, "1 d"],
    [93_600, "1 d 2 h"],
  ];
  for (const [span_s, text] of cases) assert.equal(time.spanText(span_s), text);
});

test("delays, amounts and shares", () => {
  assert.deepEqual([0, 0.42, 1, 9.96, 12.187, 130].map(time.delayText), [
    "0",
    "0.4",
    "1",
    "10",
    "12",
    "130",
  ]);
  assert.deepEqual([0, 999, 1000, 45_900, 999_949, 999_999, 2 ** 40].map(time.bytesText), [
    "0 bytes",
    "999 bytes",
    "1.0 kB",
    "45.9 kB",
    "1.0 MB",
    "1.0 MB",
    "1.1 TB",
  ]);
  assert.equal(time.shareLeft(30, 10), 0.75);
  assert.equal(time.shareLeft(0, 0), 0);
  assert.equal(time.shareLeft(null, 10), null);
  assert.equal(time.shareLeft(30, null), null);
});

test("a time is the browser's; what is none is shown as it came", () => {
  const date = new Date(2026, 10, 3, 4, 5, 6);
  assert.equal(time.clockText(date.toISOString()), "04:05:06");
  assert.equal(time.dayText(date.toISOString()), "2026-11-03");
  assert.equal(time.clockText("soon"), "soon");
  assert.equal(time.dayText("soon"), "");
});

test("the engine's words become a sentence; the name of an option stays", () => {
  assert.equal(sentence("there is no VPN 'x'"), "There is no VPN 'x'.");
  assert.equal(sentence("destination_ip '1' is wrong"), "destination_ip '1' is wrong.");
  assert.equal(sentence("VPN branch: asked."), "VPN branch: asked.");
  assert.equal(sentence(""), ".");
});

test("an address leads to a page and back; a wrong one to the list", () => {
  const names = ["branch", "a/b", "50%", "ä ö", "#"];
  for (const name of names) assert.deepEqual(routeOf(linkTo("status", name)), at("status", name));
  assert.deepEqual(routeOf(linkTo("log")), at("log"));
  for (const wrong of ["", "#", "#/", "#/nothing/x", "#vpns", "#token=x"]) {
    assert.deepEqual(routeOf(wrong), at("vpns"), wrong);
  }
  assert.deepEqual(routeOf("#/vpns/50%"), at("vpns", "50%"));
  assert.equal(tokenOf("#token=a%2Fb"), "a/b");
  assert.equal(tokenOf("#/vpns/token=x"), null);
  assert.equal(tokenOf(""), null);
});

const at = (view: string, name = ""): object => ({ view, name });

test("what is wrong stands at the top, and equals keep their order", () => {
  const vpn = (name: string, state: string, monitor = true): Vpn =>
    ({ name, state, monitor }) as Vpn;
  const ordered = inOrder([
    vpn("off", "inactive", false),
    vpn("up1", "up"),
    vpn("ready", "ready"),
    vpn("down1", "down"),
    vpn("up2", "up"),
    vpn("none", "inactive"),
    vpn("down2", "down"),
  ]);
  assert.equal(ordered.map(({ name }) => name).join(" "), "down1 down2 none ready up1 up2 off");
});

const event = (second: number, text: string, part: Partial<LogEvent> = {}): LogEvent => ({
  id: 536,
  severity: "information",
  time: `2026-11-23T13:20:${String(second).padStart(2, "0")}.000Z`,
  vpn: "branch",
  text,
  ...part,
});

test("events that are told again are not shown again, and come in order", () => {
  const log = [event(1, "a"), event(2, "b")];
  const told = [event(2, "b"), event(2, "c"), event(3, "d")];
  assert.deepEqual(newIn(told, log), [event(2, "c"), event(3, "d")]);
  const texts = (events: LogEvent[]): string => events.map(({ text }) => text).join("");
  assert.equal(texts(joined(log, told)), "abcd");
  assert.equal(texts(joined(told, log)), "abcd");
  const many = Array.from({ length: 3000 }, (_, i) => event(i % 60, String(i)));
  assert.equal(joined([], many).length, 1024);
});

test("the log is filtered by level, VPN and text, the newest first", () => {
  const log = [
    event(1, "VPN 'branch' is up.", { severity: "critical" }),
    event(2, "VPN 'office' is up.", { severity: "critical", vpn: "office" }),
    event(3, "Connected", { vpn: null }),
  ];
  const found = (level: string, vpn: string, text: string): string =>
    filtered(log, { level, vpn, text })
      .map(({ time: told }) => told.slice(17, 19))
      .join(" ");
  assert.equal(found("", "", ""), "03 02 01");
  assert.equal(found("critical", "", ""), "02 01");
  assert.equal(found("", "branch", ""), "01");
  assert.equal(found("", "", " IS UP"), "02 01");
  assert.equal(found("critical", "office", "branch"), "");
});

test("a store tells its listeners of changes alone, until they end it", () => {
  const store = new Store(1);
  const heard: number[] = [];
  const end = store.subscribe(() => heard.push(store.value));
  store.set(1);
  store.set(2);
  end();
  store.set(3);
  assert.deepEqual(heard, [2]);
});
