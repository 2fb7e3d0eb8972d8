/**
 * The conversation with the kernel about interfaces, routes and rules of ours. After the dump of
 * interfaces and addresses (netlink/network.ts) routes and rules are dumped, too; then the kernel
 * tells of every change, and answers requests (request.ts).
 */
import { act, Action } from "../action";
import { sameName } from "../bytes/slice";
import { NEVER, now_ms } from "../clock";
import { MAX_INTERFACES } from "../limits";
import { Builder, BUILDER_BYTES, builderAt } from "../netlink/builder";
import { interfaceCount, interfaceName } from "../netlink/interfaces";
import { align, Flag, hasMessage, Message, Type } from "../netlink/message";
import { isDumping, startDump } from "../netlink/network";
import { AF_INET, AF_INET6, buildRouteDump, buildRuleDump } from "../netlink/route";
import { answered } from "./answer";
import { noteChange } from "./change";
import { beginRoutes, beginRules, endRoutes, forgetStrays } from "./picture";
import { interfaceGone, takeAddress, takeLink, takeRouteMessage, takeRule } from "./picture";
import { initRequests, isOurs, takeSeqs } from "./request";
import { hasRoutes } from "./table";
import { hasTunnels, Tunnel, tunnelAt, tunnelCount } from "./tunnel";

/** What is dumped, one after the other. */
const enum Part {
  NOTHING = 0,
  ROUTES_V4,
  ROUTES_V6,
  RULES_V4,
  RULES_V6,
  /** All has been. */
  OVER,
}

/** A dump that is refused (an examination has one under way) or not ended is asked for again. */
const RETRY_MS: i64 = 500;
const LIMIT_MS: i64 = 10_000;

const builder: Builder = builderAt(memory.data(BUILDER_BYTES, 4));
const REQUEST_BYTES: i32 = 64;
const request: usize = memory.data(REQUEST_BYTES, 8);
let part: Part = Part.NOTHING;
let seq: u32 = 0;
let interrupted: bool = false;
/** When the part is asked for (again); NEVER: all is known, or an earlier dump comes first. */
let due_ms: i64 = NEVER;

/** Forgets all. */
export function initKernel(): void {
  part = Part.NOTHING;
  due_ms = NEVER;
  initRequests();
  forgetStrays();
}

/** Whether there is anything to know of the kernel. */
export function isRouting(): bool {
  return hasTunnels() || hasRoutes();
}

/** Whether the kernel's picture is whole, so that it can be compared. */
export function isComplete(): bool {
  return part == Part.OVER;
}

/** When `dumpDue` is to be called. */
export function dumpDeadline(): i64 {
  return due_ms;
}

/** The picture may be wrong: all of it is asked for again. */
export function lookAgain(): void {
  if (!isDumping()) startDump();
  pictureLost();
}

/** It is, and interfaces are being asked for: routes and rules come after them. */
export function pictureLost(): void {
  part = Part.NOTHING;
  due_ms = NEVER;
}

/** Takes what was read from the socket, when netlink/network.ts has taken its part of it. */
export function kernelBytes(p: usize, len: i32): void {
  if (!isRouting()) return;
  while (hasMessage(p, len)) {
    const message = changetype<Message>(p);
    take(message);
    const step = align(<i32>message.length);
    p += step;
    len -= step;
  }
  follow();
}

/** Begins the dump when the one of interfaces is over, and anew when there is another one. */
function follow(): void {
  if (isDumping()) pictureLost();
  else if (part == Part.NOTHING) {
    missInterfaces();
    begin(Part.ROUTES_V4);
  }
}

/** What the dump of interfaces has not shown is gone. */
function missInterfaces(): void {
  for (let i = 0; i < tunnelCount(); i++) {
    const tunnel = tunnelAt(i);
    const shown = interfaceName(tunnel.named_index);
    // Of more interfaces than are kept some are there that are not known.
    const is_gone = shown == 0 ? interfaceCount() < MAX_INTERFACES : !isCalled(tunnel, shown);
    if (tunnel.named_index != 0 && is_gone) interfaceGone(i);
    else tunnel.addresses = 0;
  }
}

function isCalled(tunnel: Tunnel, name: usize): bool {
  return sameName(tunnel.config.name, name);
}

function begin(next: Part): void {
  part = next;
  if (part == Part.ROUTES_V4) beginRoutes();
  if (part == Part.RULES_V4) beginRules();
  if (part == Part.OVER) {
    endRoutes();
    due_ms = NEVER;
    noteChange();
  } else {
    due_ms = now_ms;
    dumpDue();
  }
}

/** Asks for the part that is due; again, where the kernel has not told it whole. */
export function dumpDue(): void {
  if (part == Part.NOTHING || part == Part.OVER || due_ms > now_ms) return;
  seq = takeSeqs(1);
  interrupted = false;
  builder.reset(request, REQUEST_BYTES);
  const family = part == Part.ROUTES_V4 || part == Part.RULES_V4 ? AF_INET : AF_INET6;
  if (part == Part.ROUTES_V4 || part == Part.ROUTES_V6) buildRouteDump(builder, family, seq);
  else buildRuleDump(builder, family, seq);
  const asked = act(Action.NETLINK_SEND, 0, request, builder.length);
  due_ms = now_ms + (asked ? LIMIT_MS : RETRY_MS);
}

function take(message: Message): void {
  if (message.seq == seq && (message.flags & Flag.DUMP_INTR) != 0) interrupted = true;
  switch (<i32>message.type) {
    case Type.NEWLINK:
    case Type.DELLINK:
      return takeLink(message);
    case Type.NEWADDR:
    case Type.DELADDR:
      return takeAddress(message);
    case Type.NEWROUTE:
    case Type.DELROUTE:
      return takeRouteMessage(message);
    case Type.NEWRULE:
    case Type.DELRULE:
      return takeRule(message);
    case Type.DONE:
      return takeDone(message);
    case Type.ERROR:
      return takeError(message);
  }
}

function takeDone(message: Message): void {
  if (message.seq != seq || part == Part.NOTHING || part == Part.OVER) return;
  if (interrupted) due_ms = now_ms + RETRY_MS;
  else begin(part + 1);
}

function takeError(message: Message): void {
  if (message.payload_bytes < 4 || !isOurs(message.seq)) return;
  if (message.seq == seq && part != Part.NOTHING && part != Part.OVER) due_ms = now_ms + RETRY_MS;
  else answered(message.seq, -load<i32>(message.payload));
}
