/** Events of hooks: the programs that are run when something happens to a VPN. */
import { Writer } from "../bytes/writer";
import { beginEvent, endEvent } from "./log";
import { Severity } from "./severity";

/** How a hook ended, as the host tells it. */
export const enum Outcome {
  /** Of itself; its status goes with it. */
  EXITED = 0,
  /** By a signal, whose number goes with it. */
  SIGNALED = 1,
  /** It was ended when its time was over. */
  TIMED_OUT = 2,
  /** It could not be started; errno goes with it. */
  NOT_STARTED = 3,
  /** It was not started: others than its user could have written it. */
  UNSAFE = 4,
  /** Of no hook: the helper that runs them has ended. */
  HELPER_GONE = 5,
}

/** ScreenOS's "System": the daemon itself. */
const SYSTEM: i32 = 767;

/** 00767: a hook did not do what it was run for. `path` may be empty: it is not known any more. */
export function hookFailed(
  vpn: usize,
  path: usize,
  path_len: i32,
  outcome: Outcome,
  detail: i32,
  timeout_ms: i32,
): void {
  const w = beginEvent(Severity.WARNING, SYSTEM, vpn).text("Hook ");
  if (path_len > 0) w.bytes(path, path_len).u8(0x20);
  w.text("for VPN ").name(vpn).u8(0x20);
  switch (<i32>outcome) {
    case Outcome.EXITED:
      w.text("ended with status ").decimal(detail);
      break;
    case Outcome.SIGNALED:
      w.text("was ended by signal ").decimal(detail);
      break;
    case Outcome.TIMED_OUT:
      w.text("was ended: it ran longer than ").seconds(timeout_ms).text(" s (hook_timeout)");
      break;
    case Outcome.UNSAFE:
      w.text("was not run: it and every folder above must belong to root, ").text(
        "or to the user of the hooks, and be writable for nobody else",
      );
      break;
    default:
      startingReason(w.text("could not be started: "), detail);
  }
  w.u8(0x2e);
  endEvent();
}

/** 00767: so many events gave way to later ones while the VPN's hook ran or had to wait. */
export function hookSkipped(vpn: usize, count: i32): void {
  beginEvent(Severity.NOTIFICATION, SYSTEM, vpn)
    .text("Hook for VPN ")
    .name(vpn)
    .text(": skipped ")
    .counted(count, "event")
    .text(" that had passed when it could be run.");
  endEvent();
}

/** 00767: the VPN's hook should have been ended long ago, and nothing is heard of that. */
export function helperStuck(vpn: usize): void {
  beginEvent(Severity.ERROR, SYSTEM, vpn)
    .text("Hook for VPN ")
    .name(vpn)
    .text(" has not been ended in time: the process that runs hooks (rekeyd-hooks) hangs.");
  endEvent();
}

/** 00767: no hook runs any more. */
export function helperGone(): void {
  beginEvent(Severity.ERROR, SYSTEM, 0).text(
    "The process that runs hooks (rekeyd-hooks) has ended: no hook runs until rekeyd is " +
      "started anew. The VPNs are monitored as before.",
  );
  endEvent();
}

/** Why a program cannot be run, in the words of Linux's strerror(3). */
function startingReason(w: Writer, errno: i32): Writer {
  switch (errno) {
    case 2:
      return w.text("No such file or directory (it, or what its first line names)");
    case 8:
      return w.text("Exec format error (does its first line name an interpreter?)");
    case 11:
      return w.text("Resource temporarily unavailable");
    case 12:
      return w.text("Cannot allocate memory");
    case 13:
      return w.text("Permission denied (is it executable?)");
    default:
      return w.text("errno ").decimal(errno);
  }
}
