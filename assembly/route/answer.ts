/** What the kernel answers to requests: it is done, or refused and asked again after a pause. */
import { now_ms } from "../clock";
import { routeForeign, routeRefused, tunnelRefused } from "../event/route";
import { RT_TABLE_MAIN } from "../netlink/route";
import { noteChange } from "./change";
import { Ask, Asked, askedAt, askedCount, takeAnswer } from "./request";
import { giveRoute, Origin, routeAt } from "./table";
import { Tunnel, tunnelAt } from "./tunnel";
import { isWanted } from "./ways";

/** The first pause, which doubles, and the longest. */
const FIRST_PAUSE_MS: i64 = 1_000;
const LAST_PAUSE_MS: i64 = 60_000;

// errno(3) on Linux.
const ESRCH: i32 = 3;
const EEXIST: i32 = 17;
const ENODEV: i32 = 19;
const EADDRNOTAVAIL: i32 = 99;
const ENOENT: i32 = 2;

/** Somebody else's may be in the way, or the picture is wrong: a look will tell. */
let doubtful: bool = false;

/** Whether an answer since this was asked last does not fit to what is known. */
export function takeDoubt(): bool {
  const was = doubtful;
  doubtful = false;
  return was;
}

/** Takes an answer; `errno` 0: it is done. */
export function answered(seq: u32, errno: i32): void {
  const asked = takeAnswer(seq);
  if (!asked) return;
  switch (asked.ask) {
    case Ask.ROUTE:
      routeAnswered(asked.index, errno);
      break;
    case Ask.ROUTE_REMOVAL:
      routeRemoved(asked.index, errno);
      break;
    case Ask.STRAY_RULE:
      break;
    default:
      tunnelAnswered(asked, errno);
  }
  asked.ask = Ask.NONE;
}

/** What is still to be answered never will be. */
export function forgetAnswers(): void {
  for (let i = 0; i < askedCount(); i++) {
    const asked = askedAt(i);
    if (asked.ask == Ask.ROUTE || asked.ask == Ask.ROUTE_REMOVAL) unpend(asked.index);
    if (asked.ask == Ask.OPER) tunnelAt(asked.index).asked_oper = 0;
    asked.ask = Ask.NONE;
  }
}

/** A request is no longer under way: whether the route is as it should be now is to be seen. */
function unpend(index: i32): void {
  const route = routeAt(index);
  route.pending--;
  if (route.pending > 0) return;
  if (!route.there && route.origin == Origin.NONE) giveRoute(index);
  else if (route.there != isWanted(route) || route.failures > 0) noteChange();
}

function pauseAfter(failures: i32): i64 {
  return min(FIRST_PAUSE_MS << min(failures - 1, 6), LAST_PAUSE_MS);
}

function routeAnswered(index: i32, errno: i32): void {
  const route = routeAt(index);
  if (errno == 0) {
    route.there = true;
    route.foreign = false;
    route.failures = 0;
    route.errno = 0;
  } else {
    route.failures++;
    route.retry_at_ms = now_ms + pauseAfter(route.failures);
    refuse(index, errno);
  }
  unpend(index);
}

/** The first refusal may come of a change that is just being told; the second is said, once. */
function refuse(index: i32, errno: i32): void {
  const route = routeAt(index);
  if (route.failures == 1) {
    if (errno == EEXIST) doubtful = true;
    return;
  }
  if (route.errno == errno || route.tunnel < 0) return;
  route.errno = errno;
  const name = tunnelAt(route.tunnel).config.name;
  const is_main = route.table == RT_TABLE_MAIN;
  route.foreign = errno == EEXIST;
  if (route.foreign) routeForeign(name, route.target, route.prefix, route.metric, is_main);
  else routeRefused(name, route.target, route.prefix, errno);
}

function routeRemoved(index: i32, errno: i32): void {
  const route = routeAt(index);
  if (errno == 0 || errno == ESRCH) {
    route.there = false;
    route.failures = 0;
  } else {
    route.failures++;
    route.retry_at_ms = now_ms + pauseAfter(route.failures);
    doubtful = doubtful || route.failures == 1;
  }
  unpend(index);
}

function tunnelAnswered(asked: Asked, errno: i32): void {
  const tunnel = tunnelAt(asked.index);
  if (!tunnel.used && !tunnel.leaving) return;
  if (errno == 0 || isDone(asked.ask, errno)) {
    if (<i32>tunnel.failing == asked.ask) forgive(tunnel);
    note(asked);
    return;
  }
  tunnel.failing = <u8>asked.ask;
  tunnel.failures++;
  noteChange();
  tunnel.retry_at_ms = now_ms + pauseAfter(tunnel.failures);
  if (asked.ask == Ask.INTERFACE && errno == EEXIST && tunnel.failures == 1) doubtful = true;
  else if (tunnel.errno != errno && tunnel.used) {
    tunnel.errno = errno;
    tunnelRefused(tunnel.config.name, errno);
  }
}

/** What was refused has been done after all. */
function forgive(tunnel: Tunnel): void {
  tunnel.failing = <u8>Ask.NONE;
  tunnel.failures = 0;
  tunnel.errno = 0;
}

/** Whether the error says that it is so already. */
function isDone(ask: i32, errno: i32): bool {
  if (ask == Ask.ADDRESS || ask == Ask.RULE) return errno == EEXIST;
  if (ask == Ask.ADDRESS_REMOVAL) return errno == EADDRNOTAVAIL || errno == ENODEV;
  if (ask == Ask.RULE_REMOVAL) return errno == ENOENT || errno == ESRCH;
  // A kernel without the setting goes on as it is.
  if (ask == Ask.FILTER) return true;
  return ask == Ask.REMOVAL && errno == ENODEV;
}

/** Notes what is so now; of an interface itself its NEWLINK tells. */
function note(asked: Asked): void {
  const tunnel = tunnelAt(asked.index);
  if (asked.ask == Ask.ADDRESS) tunnel.addresses |= 1 << asked.detail;
  else if (asked.ask == Ask.RULE) tunnel.rules |= asked.detail;
  else if (asked.ask == Ask.RULE_REMOVAL) tunnel.rules &= ~asked.detail;
  else if (asked.ask == Ask.FILTER) tunnel.filtered = true;
}
