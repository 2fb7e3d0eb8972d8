/**
 * The decision table against a second statement of the same behaviour: rules,
 * each read from screenos.md ("The Rekey option", "Optimized"), design.md ("State
 * and Sta", rules 5 to 7) or the documentation made of them, which together
 * determine every cell. They say when something is done, over all modes, states
 * and events; the table says what is done in one cell.
 */
import {
  decide,
  Do,
  Event,
  EVENTS,
  Mode,
  MODES,
  nextState,
  STATES,
} from "../../assembly/monitor/decision";
import { State } from "../../assembly/sa/vpn";

/**
 * Whether echoes go out and rounds are judged: "echoes start as soon as the
 * tunnel's configuration is complete, and never stop"; but "rekey off: once the
 * tunnel is marked down no more echoes are sent", and without an SA none ever is.
 */
function watches(mode: Mode, state: State): bool {
  if (mode == Mode.OFF || state == State.INACTIVE) return false;
  return mode == Mode.REKEY || state != State.DOWN;
}

/** An SA is there that was not in use before. To a VPN it is the same whether it had one. */
function isNewSa(event: Event): bool {
  return event == Event.SA_UP || event == Event.SA_NEW;
}

function next(mode: Mode, state: State, event: Event): State {
  // "SA gone: down (rekey) or inactive". What had no SA has lost none.
  if (event == Event.SA_GONE) {
    return mode == Mode.REKEY && state != State.INACTIVE ? State.DOWN : State.INACTIVE;
  }
  if (isNewSa(event)) {
    // "Monitor off, SA: ready."
    if (mode == Mode.OFF) return State.READY;
    // Renewal is make before break: a new key puts no verified path in doubt.
    if (state == State.UP) return State.UP;
    // "Until the monitor's state is up", "from the first UP on only UP or DOWN" (with rekey).
    if (mode == Mode.REKEY && state == State.DOWN) return State.DOWN;
    // "SA, not yet verified: ready"; without rekey "it resumes when a new SPI ... appears" ...
    return State.READY;
  }
  // ... "or inbound packets".
  if (resumes(mode, state, event)) return State.READY;
  // "Ready until the first answer or the threshold"; "up"; "SA there but no answers: down".
  if (watches(mode, state)) {
    if (event == Event.ANSWERED) return State.UP;
    if (event == Event.THRESHOLD || event == Event.SILENT) return State.DOWN;
  }
  // Nothing else changes a state. (That a busy round is a success is ANSWERED's to say.)
  return state;
}

function resumes(mode: Mode, state: State, event: Event): bool {
  return mode == Mode.MONITOR && state == State.DOWN && event == Event.INBOUND;
}

/** "On up -> down the Phase 2 SA of that peer is deactivated": so is one that never worked. */
function deactivates(mode: Mode, state: State, event: Event): bool {
  return mode == Mode.REKEY && event == Event.THRESHOLD && goesDown(mode, state, event);
}

function goesDown(mode: Mode, state: State, event: Event): bool {
  return state != State.DOWN && next(mode, state, event) == State.DOWN;
}

/**
 * Only the Rekey option negotiates: where an echo has no SA, where one does not help, and when the
 * way is back.
 */
function negotiates(mode: Mode, state: State, event: Event): bool {
  if (mode != Mode.REKEY) return false;
  // "No SA and rekey on: the due echo becomes an attempt to negotiate."
  if (event == Event.DUE_NO_SA || event == Event.SA_GONE) return true;
  // "The SA itself is then replaced", "until one succeeds".
  if (event == Event.THRESHOLD) return state != State.INACTIVE;
  // "An uplink or route that comes back wakes the waiting ones at once."
  return event == Event.LINK_BACK && (state == State.INACTIVE || state == State.DOWN);
}

/**
 * "When the lifetime ... is about to expire, it renews the key ... keeps the SA active": whatever
 * the target answers.
 */
function renews(mode: Mode, state: State, event: Event): bool {
  return mode == Mode.REKEY && event == Event.SOFT_LIFETIME && state != State.INACTIVE;
}

/** A path that is new, or that packets came through, is verified at once. */
function probes(mode: Mode, state: State, event: Event): bool {
  return (mode != Mode.OFF && isNewSa(event)) || resumes(mode, state, event);
}

/** Events 00040 and 00041 tell of 'up' and 'down', unless it is the administrator's doing. */
function saysUp(mode: Mode, state: State, event: Event): bool {
  return state != State.UP && next(mode, state, event) == State.UP;
}

function saysDown(mode: Mode, state: State, event: Event): bool {
  if (mode == Mode.OFF) return false;
  const lost = state == State.UP && next(mode, state, event) == State.INACTIVE;
  return lost || goesDown(mode, state, event);
}

/** "The event log says that a rekey succeeded": success is an answer, and only Rekey rekeys. */
function saysRekeyed(mode: Mode, state: State, event: Event): bool {
  return mode == Mode.REKEY && event == Event.ANSWERED && state != State.INACTIVE;
}

function when(condition: bool, what: u32): u32 {
  return condition ? what : 0;
}

/** What the rules make of one cell. */
function ruled(mode: Mode, state: State, event: Event): u32 {
  const watched = watches(mode, state);
  const probed = probes(mode, state, event);
  return (
    (<u32>next(mode, state, event)) |
    when(watched && event == Event.DUE, Do.ECHO) |
    when(negotiates(mode, state, event), Do.NEGOTIATE) |
    when(renews(mode, state, event), Do.RENEW) |
    when(probed, Do.PROBE) |
    // Misses are of one path in a row: those of an 'up' path count on over a new key.
    when(probed && state != State.UP, Do.RESET) |
    when(saysUp(mode, state, event), Do.SAY_UP) |
    when(saysDown(mode, state, event), Do.SAY_DOWN) |
    when(deactivates(mode, state, event), Do.DEACTIVATE) |
    when(saysRekeyed(mode, state, event), Do.SAY_REKEYED) |
    // "A target that has never answered while user traffic flows raises an event."
    when(watched && event == Event.SILENT, Do.SAY_SILENT) |
    // "An SA that does not cover the probe: an event that names the selectors."
    when(watched && event == Event.DUE_UNCOVERED, Do.SAY_UNCOVERED)
  );
}

const mode_names: StaticArray<string> = ["OFF", "MONITOR", "REKEY"];
const state_names: StaticArray<string> = ["INACTIVE", "READY", "UP", "DOWN"];
const event_names: StaticArray<string> = [
  "DUE",
  "DUE_NO_SA",
  "DUE_UNCOVERED",
  "BUSY",
  "ANSWERED",
  "THRESHOLD",
  "SILENT",
  "SA_UP",
  "SA_NEW",
  "SA_GONE",
  "INBOUND",
  "SOFT_LIFETIME",
  "LINK_BACK",
];
const do_names: StaticArray<string> = [
  "ECHO",
  "NEGOTIATE",
  "RENEW",
  "PROBE",
  "RESET",
  "SAY_UP",
  "SAY_DOWN",
  "DEACTIVATE",
  "SAY_REKEYED",
  "SAY_SILENT",
  "SAY_UNCOVERED",
];

function shown(cell: u32): string {
  let text = state_names[nextState(cell)];
  for (let i = 0; i < do_names.length; i++) if (cell & (4 << i)) text += " " + do_names[i];
  return text;
}

/** All cells of a mode in which the table and the rules differ. */
function differences(mode: Mode): string {
  let text = "";
  for (let state = 0; state < STATES; state++) {
    for (let event = 0; event < EVENTS; event++) {
      const cell = decide(mode, <State>state, <Event>event);
      const rule = ruled(mode, <State>state, <Event>event);
      if (cell == rule) continue;
      const where = mode_names[mode] + " " + state_names[state] + " " + event_names[event];
      text += where + ": the table says " + shown(cell) + ", the rules " + shown(rule) + "\n";
    }
  }
  return text;
}

/** Whether any cell of a mode does `what`. */
function ever(mode: Mode, what: u32): bool {
  for (let state = 0; state < STATES; state++) {
    for (let event = 0; event < EVENTS; event++) {
      if (decide(mode, <State>state, <Event>event) & what) return true;
    }
  }
  return false;
}

describe("the decision table", () => {
  it("has the modes, states and events that are named here", () => {
    expect(MODES).toBe(mode_names.length);
    expect(STATES).toBe(state_names.length);
    expect(EVENTS).toBe(event_names.length);
  });

  it("agrees with the rules in every cell, monitor off", () => {
    expect(differences(Mode.OFF)).toBe("");
  });

  it("agrees with the rules in every cell, monitor without rekey", () => {
    expect(differences(Mode.MONITOR)).toBe("");
  });

  it("agrees with the rules in every cell, monitor with rekey", () => {
    expect(differences(Mode.REKEY)).toBe("");
  });
});

describe("whatever the table's cells are", () => {
  it("a VPN that is not monitored does and says nothing", () => {
    expect(ever(Mode.OFF, ~3)).toBe(false);
  });

  it("without rekey nothing is negotiated, renewed, deactivated or said to be rekeyed", () => {
    const rekey = Do.NEGOTIATE | Do.RENEW | Do.DEACTIVATE | Do.SAY_REKEYED;
    expect(ever(Mode.MONITOR, rekey)).toBe(false);
    expect(ever(Mode.REKEY, rekey)).toBe(true);
  });

  it("without rekey a new SPI, inbound packets or the SA's end leads out of down", () => {
    for (let event = 0; event < EVENTS; event++) {
      const cell = decide(Mode.MONITOR, State.DOWN, <Event>event);
      const out = isNewSa(<Event>event) || event == Event.INBOUND || event == Event.SA_GONE;
      expect(nextState(cell) != State.DOWN).toBe(out, event_names[event]);
      expect((cell & Do.ECHO) != 0).toBe(false, event_names[event]);
    }
  });

  it("with rekey nothing but an answer leads out of down", () => {
    for (let event = 0; event < EVENTS; event++) {
      const cell = decide(Mode.REKEY, State.DOWN, <Event>event);
      expect(nextState(cell) != State.DOWN).toBe(event == Event.ANSWERED, event_names[event]);
    }
  });

  it("with rekey a due round is an echo or an attempt, or is said to be neither", () => {
    for (let state: i32 = State.READY; state < STATES; state++) {
      expect(decide(Mode.REKEY, <State>state, Event.DUE) & Do.ECHO).not.toBe(0);
      expect(decide(Mode.REKEY, <State>state, Event.DUE_NO_SA) & Do.NEGOTIATE).not.toBe(0);
      expect(decide(Mode.REKEY, <State>state, Event.DUE_UNCOVERED) & Do.SAY_UNCOVERED).not.toBe(0);
    }
  });

  it("no echo leaves where no SA covers it, or where user traffic flows both ways", () => {
    for (let mode = 0; mode < MODES; mode++) {
      for (let state = 0; state < STATES; state++) {
        for (let event: i32 = Event.DUE + 1; event < EVENTS; event++) {
          expect(decide(<Mode>mode, <State>state, <Event>event) & Do.ECHO).toBe(0);
        }
      }
    }
  });

  it("'up' and 'down' are said when the state becomes so, and not twice", () => {
    for (let mode: i32 = Mode.MONITOR; mode < MODES; mode++) {
      for (let event = 0; event < EVENTS; event++) {
        expect(decide(<Mode>mode, State.UP, <Event>event) & Do.SAY_UP).toBe(0);
        expect(decide(<Mode>mode, State.DOWN, <Event>event) & Do.SAY_DOWN).toBe(0);
      }
    }
  });

  it("asserts its bounds", () => {
    expect(() => {
      decide(<Mode>MODES, State.UP, Event.DUE);
    }).toThrow();
    expect(() => {
      decide(Mode.REKEY, <State>STATES, Event.DUE);
    }).toThrow();
    expect(() => {
      decide(Mode.REKEY, State.UP, <Event>EVENTS);
    }).toThrow();
  });
});
