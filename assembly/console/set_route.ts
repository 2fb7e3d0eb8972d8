/** `set` and `unset` of tunnel interfaces, next hops and routes. */
import {
  beginChange,
  findBy,
  findWithout,
  removeOption,
  removeSection,
  setOption,
  wantSection,
} from "../config/change";
import { Option, Section } from "../config/option";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { MAX_COMMAND_BYTES } from "../limits";
import { findTunnel } from "../route/tunnel";
import { failAt } from "./caret";
import { commitChange } from "./commit";
import { find, given, means, word, wordCount, wordLength } from "./line";
import { optionMeant, setOptions } from "./option_words";
import { quoted } from "./parameter";
import { beginError } from "./reply";

/** Where the interface's name stands in the line, and behind it what is set. */
const NAME: i32 = 2;
const FIRST: i32 = 3;

/** The value of `option down`, which has a blank. */
const down: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const down_room: usize = memory.data(MAX_COMMAND_BYTES);

/** `set interface INTERFACE [OPTION ...]` */
export function setInterface(): void {
  const makes = wordCount() == FIRST || given("create") || given("if-id");
  if (!makes && findTunnel(word(NAME), wordLength(NAME)) < 0) return noSuchTunnel();
  beginInterface();
  wantSection();
  setOptions(Section.TUNNEL, FIRST);
  commitChange(NAME);
}

/** `set interface INTERFACE down withdraw` or `down metric METRIC` */
export function setDown(): void {
  if (findTunnel(word(NAME), wordLength(NAME)) < 0) return noSuchTunnel();
  beginInterface();
  const value = FIRST + 1;
  down.reset(down_room, MAX_COMMAND_BYTES);
  if (given("metric")) down.text("metric ").bytes(word(value + 1), wordLength(value + 1));
  else down.text("withdraw");
  setOption(Option.DOWN, down.start, down.length, wordCount() - 1);
  commitChange(NAME);
}

/** `unset interface TUNNEL [OPTION]` */
export function unsetInterface(): void {
  beginInterface();
  if (wordCount() == FIRST) removeSection();
  else removeOption(optionMeant(Section.TUNNEL, FIRST));
  commitChange(NAME);
}

function beginInterface(): void {
  beginChange(Section.TUNNEL, word(NAME), wordLength(NAME));
}

function noSuchTunnel(): void {
  const w = quoted(
    beginError().text("there is no tunnel interface "),
    word(NAME),
    wordLength(NAME),
  );
  failAt(NAME, w.text("; set interface NAME create makes one"));
}

/** `set interface INTERFACE nhtb NEXTHOP vpn NAME` */
export function setNhtb(): void {
  beginNhtb();
  setTo(Option.INTERFACE, NAME);
  setTo(Option.NEXTHOP, find("NEXTHOP"));
  setTo(Option.VPN, find("NAME"));
  commitChange(find("NEXTHOP"));
}

/** `unset interface TUNNEL nhtb NEXTHOP` */
export function unsetNhtb(): void {
  beginNhtb();
  removeSection();
  commitChange(find("NEXTHOP"));
}

/** A next hop stands once for an interface. */
function beginNhtb(): void {
  beginChange(Section.NHTB, 0, 0);
  findWith(Option.INTERFACE, NAME);
  findWith(Option.NEXTHOP, find("NEXTHOP"));
}

/** `set route TARGET interface TUNNEL [gateway NEXTHOP] [metric METRIC]`: all that it says. */
export function setRoute(): void {
  beginChange(Section.ROUTE, 0, 0);
  findRoute();
  if (!given("NEXTHOP")) findWithout(Option.ROUTE_GATEWAY);
  setTo(Option.TARGET, find("TARGET"));
  setTo(Option.INTERFACE, find("TUNNEL"));
  if (given("NEXTHOP")) setTo(Option.ROUTE_GATEWAY, find("NEXTHOP"));
  if (given("METRIC")) setTo(Option.METRIC, find("METRIC"));
  else removeOption(Option.METRIC);
  commitChange(find("TARGET"));
}

/** `unset route TARGET [interface TUNNEL] [gateway NEXTHOP]`: every route that is so. */
export function unsetRoute(): void {
  beginChange(Section.ROUTE, 0, 0);
  findRoute();
  removeSection();
  commitChange(find("TARGET"));
}

/** By what the line says. */
function findRoute(): void {
  findWith(Option.TARGET, find("TARGET"));
  if (given("TUNNEL")) findWith(Option.INTERFACE, find("TUNNEL"));
  if (given("NEXTHOP")) findWith(Option.ROUTE_GATEWAY, find("NEXTHOP"));
}

function findWith(option: Option, i: i32): void {
  findBy(option, word(i), wordLength(i));
}

function setTo(option: Option, i: i32): void {
  setOption(option, word(i), wordLength(i), i);
}
