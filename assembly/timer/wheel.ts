import { Table, TABLE_BYTES, tableAt } from "../bytes/table";
import { NEVER } from "../clock";
import { MAX_TIMERS } from "../limits";

/**
 * A hierarchical timing wheel (Varghese and Lauck, 1987) with ticks of 1 ms.
 *
 * A time is read as eleven digits of six bits, and `current` is the time that
 * the wheel has reached. A timer stands at the level of the highest digit in
 * which its time differs from `current`, in the slot of its own digit there:
 *
 *     level 0   64 slots of 1 ms       what is due within this 64 ms
 *     level 1   64 slots of 64 ms      later within this 4 s
 *     level 2   64 slots of 4.096 s    later within this 4 min ...
 *     level 10                         enough for any i64
 *
 * So a lower level is always due before a higher one, and a lower slot before a
 * higher one. When `current` reaches a slot of a higher level, its timers move
 * down. One bit for each slot in use makes every empty slot free of charge:
 * neither a long sleep nor a clock that jumps by years costs a step more.
 *
 * Timers of one time are due in the order in which they were scheduled.
 */
const DIGIT_BITS: i32 = 6;
const SLOTS: i32 = 1 << DIGIT_BITS;
const LEVELS: i32 = 11;

/**
 * A link of a slot's ring. The slot itself is one; its `at_ms` is the earliest of its timers, or
 * UNKNOWN.
 */
@unmanaged
class Link {
  next: Link;
  prev: Link;
  at_ms: i64;
}

/** A link that somebody waits for. */
@unmanaged
class Timer extends Link {
  owner: u32;
  /** Its own number. */
  index: i32;
  /** Whether `newTimer` gave it out. */
  used: bool;
}

const LINK_BYTES: i32 = 16;
const TIMER_BYTES: i32 = 32;
/**
 * Earliest of a slot whose earliest timer left it: found anew when asked for. Less than any time.
 */
const UNKNOWN: i64 = -1;
/** `next` of a timer that is not scheduled. */
const UNLINKED: Link = changetype<Link>(0);

const slots: usize = memory.data(LEVELS * SLOTS * LINK_BYTES, 16);
/** For each level, its slots in use. */
const occupied: usize = memory.data(LEVELS * sizeof<u64>(), 8);
/** Levels with slots in use. */
let occupied_levels: u32 = 0;
/** No timer is earlier. Never runs back. */
let current: i64 = 0;

const timers: Table = tableAt(memory.data(TABLE_BYTES));
/** Timers ever used. */
let timer_count: i32 = 0;
/** Those free again, chained by `next`. */
let first_free: Link = UNLINKED;

/** Empties the wheel and sets it to `now`. */
export function initWheel(now: i64): void {
  timers.init(TIMER_BYTES, MAX_TIMERS);
  timer_count = 0;
  first_free = UNLINKED;
  current = max(now, 0);
  occupied_levels = 0;
  memory.fill(occupied, 0, LEVELS * sizeof<u64>());
  for (let i = 0; i < LEVELS * SLOTS; i++) {
    const slot = slotAt(i);
    slot.next = slot;
    slot.prev = slot;
  }
}

/** A timer for `owner`, not scheduled; -1 at the limit. May take memory: not for the hot path. */
export function newTimer(owner: u32): i32 {
  let timer = changetype<Timer>(first_free);
  if (first_free != UNLINKED) {
    first_free = timer.next;
  } else {
    if (!timers.ensure(timer_count + 1)) return -1;
    timer = changetype<Timer>(timers.at(timer_count));
    timer.index = timer_count++;
  }
  timer.next = UNLINKED;
  timer.owner = owner;
  timer.used = true;
  return timer.index;
}

/** Cancels the timer and gives it back. */
export function freeTimer(t: i32): void {
  const timer = timerAt(t);
  remove(timer);
  timer.used = false;
  timer.next = first_free;
  first_free = timer;
}

/**
 * Makes the timer due at `at_ms`, and no longer when it was due before. What is past is due at
 * once.
 */
export function schedule(t: i32, at_ms: i64): void {
  const timer = timerAt(t);
  remove(timer);
  timer.at_ms = max(at_ms, current);
  insert(timer);
}

/** Makes the timer due never. */
export function cancel(t: i32): void {
  remove(timerAt(t));
}

/** The timer that is due first, which then is scheduled no longer; -1 when none is due at `now`. */
export function popDue(now: i64): i32 {
  now = max(now, current);
  while (occupied_levels != 0) {
    const level = ctz(occupied_levels);
    const digit = <i32>ctz(occupiedAt(level));
    const start = startOf(level, digit);
    if (start > now) break;
    current = start;
    if (level == 0) {
      const timer = changetype<Timer>(slotAt(digit).next);
      remove(timer);
      return timer.index;
    }
    moveDown(level, digit);
  }
  // No slot begins between `current` and `now`, so every timer stands where it belongs.
  current = now;
  return -1;
}

/** What `newTimer` was called with. */
export function ownerOf(t: i32): u32 {
  return timerAt(t).owner;
}

/** When the first timer is due, to the millisecond; NEVER if none is scheduled. */
export function nextDeadline(): i64 {
  if (occupied_levels == 0) return NEVER;
  const level = ctz(occupied_levels);
  const slot = slotAt(level * SLOTS + <i32>ctz(occupiedAt(level)));
  if (slot.at_ms == UNKNOWN) slot.at_ms = earliestOf(slot);
  return slot.at_ms;
}

/** Forgets how often `nextDeadline` was asked, which the earliest of the slots tell. */
export function wipeDeadlines(): void {
  for (let i = 0; i < LEVELS * SLOTS; i++) {
    const slot = slotAt(i);
    const used = (occupiedAt(i / SLOTS) & ((<u64>1) << (i % SLOTS))) != 0;
    slot.at_ms = used ? earliestOf(slot) : UNKNOWN;
  }
}

function earliestOf(slot: Link): i64 {
  let earliest = NEVER;
  for (let link = slot.next; link != slot; link = link.next) earliest = min(earliest, link.at_ms);
  return earliest;
}

/** Puts a timer at the end of the slot that its time belongs to. */
function insert(timer: Timer): void {
  const level = levelOf(timer.at_ms);
  const digit = digitOf(timer.at_ms, level);
  const slot = slotAt(level * SLOTS + digit);
  if (slot.next == slot) {
    slot.at_ms = timer.at_ms;
    store<u64>(bitsOf(level), occupiedAt(level) | ((<u64>1) << digit));
    occupied_levels |= 1 << level;
  } else {
    slot.at_ms = min(slot.at_ms, timer.at_ms);
  }
  timer.next = slot;
  timer.prev = slot.prev;
  slot.prev.next = timer;
  slot.prev = timer;
}

/** Takes a timer out of its slot, if it is in one. */
function remove(timer: Timer): void {
  if (timer.next == UNLINKED) return;
  timer.next.prev = timer.prev;
  timer.prev.next = timer.next;
  timer.next = UNLINKED;

  const level = levelOf(timer.at_ms);
  const digit = digitOf(timer.at_ms, level);
  const slot = slotAt(level * SLOTS + digit);
  if (slot.next == slot) {
    vacate(level, digit);
  } else if (level > 0 && slot.at_ms == timer.at_ms) {
    slot.at_ms = UNKNOWN;
  }
}

/** Files the timers of a slot whose start is now `current` anew, each at a lower level. */
function moveDown(level: i32, digit: i32): void {
  const slot = slotAt(level * SLOTS + digit);
  vacate(level, digit);
  let link = slot.next;
  slot.next = slot;
  slot.prev = slot;
  while (link != slot) {
    const next = link.next;
    insert(changetype<Timer>(link));
    link = next;
  }
}

/** Notes that a slot is empty. */
function vacate(level: i32, digit: i32): void {
  const rest = occupiedAt(level) & ~((<u64>1) << digit);
  store<u64>(bitsOf(level), rest);
  if (rest == 0) occupied_levels &= ~(1 << level);
}

function levelOf(at_ms: i64): i32 {
  return (63 - <i32>clz((at_ms ^ current) | 1)) / DIGIT_BITS;
}

function digitOf(at_ms: i64, level: i32): i32 {
  return (<i32>(at_ms >> (level * DIGIT_BITS))) & (SLOTS - 1);
}

/** The first millisecond of a slot. */
function startOf(level: i32, digit: i32): i64 {
  const shift = level * DIGIT_BITS;
  // All of a level's slots together; 0 for the topmost, above which there is nothing to keep.
  const span = (<i64>SLOTS) << shift;
  return (current & -span) | ((<i64>digit) << shift);
}

function bitsOf(level: i32): usize {
  return occupied + level * sizeof<u64>();
}

function occupiedAt(level: i32): u64 {
  return load<u64>(bitsOf(level));
}

function slotAt(number: i32): Link {
  return changetype<Link>(slots + number * LINK_BYTES);
}

function timerAt(t: i32): Timer {
  const timer = changetype<Timer>(timers.at(t));
  assert(timer.used);
  return timer;
}
