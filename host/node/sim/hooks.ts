/**
 * The helper that runs hooks, and what a host keeps of them over a trap, as hooks.rs and helper.rs
 * of host/device have it.
 */
import type { ActionRecord } from "../engine.ts";

/** What a RUN_HOOK asks for (assembly/monitor/hook_message.ts). */
export interface HookRun {
  vpn: string;
  limit_ms: number;
  path: string;
  variables: Record<string, string>;
}

/** How a hook ends (assembly/event/hook.ts). */
export interface HookEnd {
  /** Infinity: it would never end of itself. */
  after_ms: number;
  outcome: number;
  detail: number;
}

export const Outcome = {
  EXITED: 0,
  SIGNALED: 1,
  TIMED_OUT: 2,
  NOT_STARTED: 3,
  UNSAFE: 4,
  HELPER_GONE: 5,
} as const;

export const SUCCESS: HookEnd = { after_ms: 5, outcome: Outcome.EXITED, detail: 0 };

interface Told {
  told: number;
  runs: boolean;
}

/** What it needs of the world around it. */
interface Surroundings {
  after(ms: number, what: () => void): void;
  hookEnded(outcome: number, detail: number, vpn: string): void;
}

export class Hooks {
  /** Every hook that was run. */
  readonly runs: HookRun[] = [];
  /** VPNs whose hooks run. */
  readonly running: string[] = [];
  /** What a fresh engine has to know. */
  readonly told = new Map<string, Told>();
  /** How a hook behaves. */
  behaviour: (run: HookRun) => HookEnd = () => SUCCESS;

  /** Changes when the helper is another: the old one's hooks have ended with it. */
  private helper = 0;

  constructor(private readonly world: Surroundings) {}

  /** rekeyd is another process, and so is its helper. */
  startAnew(): void {
    this.helper++;
    this.running.length = 0;
    this.told.clear();
  }

  /** What an engine is told that follows on one that trapped. */
  recall(tell: (told: number, runs: boolean, vpn: string) => void): void {
    for (const [vpn, { told, runs }] of [...this.told]) tell(told, runs, vpn);
  }

  run(action: ActionRecord): HookRun {
    const run = readMessage(action.bytes);
    const { vpn } = run;
    this.runs.push(run);
    this.running.push(vpn);
    this.told.set(vpn, { told: action.argument, runs: true });
    const { after_ms, outcome, detail } = this.behaviour(run);
    const in_time = after_ms <= run.limit_ms;
    const { helper } = this;
    this.world.after(in_time ? after_ms : run.limit_ms, () => {
      if (helper !== this.helper) return;
      this.running.splice(this.running.indexOf(vpn), 1);
      this.told.set(vpn, { ...this.told.get(vpn)!, runs: false });
      if (in_time) this.world.hookEnded(outcome, detail, vpn);
      else this.world.hookEnded(Outcome.TIMED_OUT, 0, vpn);
    });
    return run;
  }
}

function readMessage(bytes: Buffer): HookRun {
  const name_end = 1 + bytes.readUInt8(0);
  const strings = bytes.toString("utf8", name_end + 4).split("\0");
  if (strings.pop() !== "") throw new Error("the last string of the message does not end");
  const [path = "", ...variables] = strings;
  return {
    vpn: bytes.toString("utf8", 1, name_end),
    limit_ms: bytes.readUInt32LE(name_end),
    path,
    variables: Object.fromEntries(
      variables.map((text) => [text.split("=", 1)[0]!, text.slice(text.indexOf("=") + 1)]),
    ),
  };
}
