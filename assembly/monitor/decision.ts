/**
 * The decision table of VPN Monitor, as data: what a VPN does at each event, in
 * each state, in each mode. Read it beside screenos.md ("The Rekey option",
 * "Optimized") and design.md ("State and Sta"). tests/unit/decision.spec.ts
 * enumerates all of it against a second statement of those rules.
 */
import { State } from "../sa/vpn";

/** What the administrator asked for: `set vpn NAME monitor [rekey]`. */
export const enum Mode {
  OFF = 0,
  MONITOR = 1,
  REKEY = 2,
}
export const MODES: i32 = 3;
export const STATES: i32 = 4;

/** What can happen to a VPN. */
export const enum Event {
  /** A round is due and an SA covers its echoes. */
  DUE = 0,
  /** A round is due and there is no SA. */
  DUE_NO_SA,
  /** A round is due, and the SA there is does not cover its echoes. */
  DUE_UNCOVERED,
  /**
   * A round is due, and user traffic flows both ways (optimized). That this is a success, ANSWERED
   * says.
   */
  BUSY,
  /** Enough rounds in a row were answered (`recover`; by user traffic too, if optimized). */
  ANSWERED,
  /** `threshold` rounds in a row were missed. */
  THRESHOLD,
  /**
   * Likewise, but the target has not answered on this SA at all while user traffic came in through
   * it.
   */
  SILENT,
  /** An SA is there, and was not. */
  SA_UP,
  /** Another SA (another SPI) took the place of the one in use. */
  SA_NEW,
  /** The last SA is gone. */
  SA_GONE,
  /** User packets came in through the SA. */
  INBOUND,
  /** An SA nears its hard lifetime and strongSwan would not renew it in time. */
  SOFT_LIFETIME,
  /** The uplink, an address or a route came back. */
  LINK_BACK,
}
export const EVENTS: i32 = 13;

/** What to do, beside taking the next state (effect.ts does it). */
export const enum Do {
  /** Send an echo to every target. */
  ECHO = 1 << 2,
  /** Ask the gateway to negotiate for this VPN until it has a working SA. */
  NEGOTIATE = 1 << 3,
  /** Renew the key of a healthy SA, make before break. */
  RENEW = 1 << 4,
  /** Begin a round at once, to verify a new SA. */
  PROBE = 1 << 5,
  /** Forget the misses so far: they were another SA's. */
  RESET = 1 << 6,
  /** Event 00040. */
  SAY_UP = 1 << 7,
  /** Event 00041. */
  SAY_DOWN = 1 << 8,
  /** Event 00536, deactivated. */
  DEACTIVATE = 1 << 9,
  /** Event 00536, the rekey succeeded: if the SA that answers has a new key. */
  SAY_REKEYED = 1 << 10,
  /** The event that names a target which never answered. */
  SAY_SILENT = 1 << 11,
  /** The event that names the selectors which do not cover the echoes. */
  SAY_UNCOVERED = 1 << 12,
}

/** A cell is the next state, in the two lowest bits, and what to do. */
const STATE_MASK: u32 = 3;

const I = State.INACTIVE;
const R = State.READY;
const U = State.UP;
const D = State.DOWN;

/** Up without rekey. */
const GOES_UP = U | Do.SAY_UP;
/** Up with rekey: if it took a new key, that is said too. */
const RECOVERED = U | Do.SAY_UP | Do.SAY_REKEYED;
/** Down without rekey: said, and that is all. */
const GOES_DOWN = D | Do.SAY_DOWN;
/** Down with rekey: the SA is deactivated, and a new one is sought. */
const RECOVERS = D | Do.SAY_DOWN | Do.DEACTIVATE | Do.NEGOTIATE;
/** The SA vanished: that is down, without a threshold to wait for. */
const LOST = GOES_DOWN | Do.NEGOTIATE;
/** Down for a target that never answered: its tunnel is left alone. */
const SILENCED = D | Do.SAY_DOWN | Do.SAY_SILENT;
/** A new SA is to be verified from scratch. */
const VERIFY = Do.PROBE | Do.RESET;

// prettier-ignore
const table: usize = memory.data<u32>([
  // Mode.OFF: only whether there is an SA. (UP and DOWN are left by configuration alone.)
  // INACTIVE READY UP  DOWN
  I,        R,     U,  D,     // DUE
  I,        R,     U,  D,     // DUE_NO_SA
  I,        R,     U,  D,     // DUE_UNCOVERED
  I,        R,     U,  D,     // BUSY
  I,        R,     U,  D,     // ANSWERED
  I,        R,     U,  D,     // THRESHOLD
  I,        R,     U,  D,     // SILENT
  R,        R,     R,  R,     // SA_UP
  R,        R,     R,  R,     // SA_NEW
  I,        I,     I,  I,     // SA_GONE
  I,        R,     U,  D,     // INBOUND
  I,        R,     U,  D,     // SOFT_LIFETIME
  I,        R,     U,  D,     // LINK_BACK

  // Mode.MONITOR: watches, and never touches an SA. Once down, no echo leaves until
  // a new SPI or inbound user packets appear.
  // INACTIVE  READY                 UP                    DOWN
  I,          R | Do.ECHO,          U | Do.ECHO,          D,           // DUE
  I,          R,                    U,                    D,           // DUE_NO_SA
  I,          R | Do.SAY_UNCOVERED, U | Do.SAY_UNCOVERED, D,           // DUE_UNCOVERED
  I,          R,                    U,                    D,           // BUSY
  I,          GOES_UP,              U,                    D,           // ANSWERED
  I,          GOES_DOWN,            GOES_DOWN,            D,           // THRESHOLD
  I,          SILENCED,             SILENCED,             D,           // SILENT
  R | VERIFY, R | VERIFY,           U | Do.PROBE,         R | VERIFY,  // SA_UP
  R | VERIFY, R | VERIFY,           U | Do.PROBE,         R | VERIFY,  // SA_NEW
  I,          I,                    I | Do.SAY_DOWN,      I,           // SA_GONE
  I,          R,                    U,                    R | VERIFY,  // INBOUND
  I,          R,                    U,                    D,           // SOFT_LIFETIME
  I,          R,                    U,                    D,           // LINK_BACK

  // Mode.REKEY: watches, renews, and negotiates until it works. Echoes never stop;
  // without an SA each is an attempt.
  // INACTIVE        READY                 UP                    DOWN
  I,                R | Do.ECHO,          U | Do.ECHO,          D | Do.ECHO,           // DUE
  I | Do.NEGOTIATE, R | Do.NEGOTIATE,     U | Do.NEGOTIATE,     D | Do.NEGOTIATE,      // DUE_NO_SA
  I,                R | Do.SAY_UNCOVERED, U | Do.SAY_UNCOVERED, D | Do.SAY_UNCOVERED,  // DUE_UNCOVERED
  I,                R,                    U,                    D,                     // BUSY
  I,                RECOVERED,            U | Do.SAY_REKEYED,   RECOVERED,             // ANSWERED
  I,                RECOVERS,             RECOVERS,             D | Do.NEGOTIATE,      // THRESHOLD
  I,                SILENCED,             SILENCED,             D | Do.SAY_SILENT,     // SILENT
  R | VERIFY,       R | VERIFY,           U | Do.PROBE,         D | VERIFY,            // SA_UP
  R | VERIFY,       R | VERIFY,           U | Do.PROBE,         D | VERIFY,            // SA_NEW
  I | Do.NEGOTIATE, LOST,                 LOST,                 D | Do.NEGOTIATE,      // SA_GONE
  I,                R,                    U,                    D,                     // INBOUND
  I,                R | Do.RENEW,         U | Do.RENEW,         D | Do.RENEW,          // SOFT_LIFETIME
  I | Do.NEGOTIATE, R,                    U,                    D | Do.NEGOTIATE,      // LINK_BACK
]);

/** The cell for `event` in `state` and `mode`: what `nextState` and the Do flags are read from. */
export function decide(mode: Mode, state: State, event: Event): u32 {
  assert(<u32>mode < <u32>MODES && <u32>state < <u32>STATES && <u32>event < <u32>EVENTS);
  return load<u32>(table + (((mode * EVENTS + event) * STATES + state) << 2));
}

/** The state that a cell leads to. */
export function nextState(cell: u32): State {
  return <State>(cell & STATE_MASK);
}
