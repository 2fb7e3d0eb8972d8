/**
 * At most MAX_NEGOTIATIONS gateways talk to their peers at once: each takes a place, and one that
 * finds none queues for it (design.md, rule 7: a cap for all, against a stampede after an outage).
 */
import { NEVER, now_ms } from "../clock";
import { MAX_NEGOTIATIONS } from "../limits";
import { gatewayAt, gatewayCount, Negotiation, setDeadline } from "../sa/gateway";

/** Places that are taken. */
let taken: i32 = 0;
/** Gateways in Negotiation.QUEUED. */
let queued: i32 = 0;
/** Where the search for the next of them begins: round robin. */
let next_queued: i32 = 0;

/** Every place is free, and nobody queues. */
export function initPlaces(): void {
  taken = 0;
  queued = 0;
  next_queued = 0;
}

/** Takes a place; false: there is none. */
export function takePlace(): bool {
  if (taken == MAX_NEGOTIATIONS) return false;
  taken++;
  return true;
}

/** Gives a place back; `offerPlace` is to follow. */
export function freePlace(): void {
  assert(taken > 0);
  taken--;
}

/** Whether other gateways queue. */
export function anyQueued(): bool {
  return queued > 0;
}

/** The gateway queues for a place. */
export function enterQueue(index: i32): void {
  gatewayAt(index).step = Negotiation.QUEUED;
  setDeadline(index, NEVER);
  queued++;
}

/** The gateway, in Negotiation.QUEUED, queues no more. */
export function leaveQueue(): void {
  assert(queued > 0);
  queued--;
}

/**
 * Tells the next gateway that queues of a free place: its timer begins it. Called wherever a place
 * was given back or not taken: one that nobody is told of would be lost for good.
 */
export function offerPlace(): void {
  if (queued == 0 || taken == MAX_NEGOTIATIONS) return;
  const count = gatewayCount();
  for (let i = 0; i < count; i++) {
    const index = (next_queued + i) % count;
    const gateway = gatewayAt(index);
    if (!gateway.used || gateway.step != Negotiation.QUEUED) continue;
    next_queued = index + 1;
    leaveQueue();
    gateway.step = Negotiation.BACKING_OFF;
    setDeadline(index, now_ms);
    return;
  }
}
