/** The queue of hooks and what they are told; tests/sim/hooks.test.ts has the behaviour. */
import { Action, actionBuffer, actionCount, resetActions } from "../../assembly/action";
import { setName } from "../../assembly/bytes/slice";
import { setTime } from "../../assembly/clock";
import { running, setGlobalDefaults } from "../../assembly/config/model";
import { Outcome } from "../../assembly/event/hook";
import { clearEvents, eventAt, eventCount } from "../../assembly/event/log";
import { MAX_HOOK_BYTES, MAX_HOOKS, MAX_IKE_NAME_BYTES } from "../../assembly/limits";
import { MAX_INTERFACE_BYTES, MAX_NAME_BYTES, MAX_PATH_BYTES } from "../../assembly/limits";
import {
  forgetHook,
  Hook,
  hookEnded,
  initHooks,
  recallHook,
  tellHook,
} from "../../assembly/monitor/hook";
import { writeHookMessage } from "../../assembly/monitor/hook_message";
import { rebuildRegistry } from "../../assembly/monitor/registry";
import {
  initTunnels,
  takeTunnel,
  tunnelAt,
  TunnelState,
  TUNNEL_STATES,
} from "../../assembly/route/tunnel";
import { initGateways, takeGateway } from "../../assembly/sa/gateway";
import { initPhase2 } from "../../assembly/sa/phase2";
import { giveVpn, initVpns, State, takeVpn, Vpn, vpnAt } from "../../assembly/sa/vpn";

const room: usize = memory.data(256);
const field: usize = memory.data(1 + MAX_NAME_BYTES);
/** By TunnelState. */
const WORDS: string[] = ["ready", "up", "down"];
const message: usize = memory.data(MAX_HOOK_BYTES);

function put(at: usize, max: i32, s: string): void {
  const len = <i32>String.UTF8.encodeUnsafe(changetype<usize>(s), s.length, room);
  assert(setName(at, max, room, len));
}

function addVpn(name: string): Vpn {
  const index = takeVpn();
  const vpn = vpnAt(index);
  put(vpn.config.name, MAX_NAME_BYTES, name);
  put(vpn.config.hook, MAX_PATH_BYTES, "/hook");
  vpn.gateway = 0;
  vpn.tunnel = -1;
  vpn.current = -1;
  vpn.delay_last_ms = -1;
  return vpn;
}

/** The hooks that were asked for since the last look: `name event skipped`, and what to keep. */
function asked(): string {
  let all = "";
  for (let i = 0; i < actionCount(); i++) {
    const record = actionBuffer() + 16 * i;
    if (load<u32>(record) != Action.RUN_HOOK) continue;
    const p = load<u32>(record, 8);
    const text = String.UTF8.decodeUnsafe(p, load<u32>(record, 12));
    if (all.length > 0) all += ", ";
    all += String.UTF8.decodeUnsafe(p + 1, load<u8>(p));
    all += " " + valueOf(text, "REKEYD_EVENT=") + " " + valueOf(text, "REKEYD_SKIPPED=");
    all += " " + load<u32>(record, 4).toString();
  }
  resetActions();
  return all;
}

function valueOf(text: string, variable: string): string {
  const from = text.indexOf(variable) + variable.length;
  return text.slice(from, text.indexOf("\0", from));
}

function end(name: string, outcome: Outcome = Outcome.EXITED, detail: i32 = 0): void {
  put(field, MAX_NAME_BYTES, name);
  hookEnded(field, outcome, detail);
}

function newest(): string {
  return String.UTF8.decodeUnsafe(eventAt(0).text, eventAt(0).text_length);
}

beforeEach(() => {
  resetActions();
  clearEvents();
  setTime(1_000_000, 1_795_440_001_250);
  initVpns();
  initGateways();
  initPhase2();
  initHooks();
  setGlobalDefaults(running);
  takeGateway();
  addVpn("a");
  rebuildRegistry(0);
});

describe("the queue", () => {
  it("runs one at a time, and keeps what is still true", () => {
    tellHook(0, Hook.UP);
    expect(asked()).toBe("a up 0 1");
    tellHook(0, Hook.REKEYED);
    tellHook(0, Hook.DOWN);
    tellHook(0, Hook.TARGET_SILENT);
    expect(asked()).toBe("");
    end("a");
    expect(asked()).toBe("a down 1 2");
    end("a");
    expect(asked()).toBe("a target-silent 0 10");
    tellHook(0, Hook.UP);
    tellHook(0, Hook.REKEYED);
    end("a");
    expect(asked()).toBe("a up 0 1");
    end("a");
    expect(asked()).toBe("a rekeyed 0 1");
    end("a");
    expect(asked()).toBe("");
  });

  it("stays as small as it is, whatever happens while a hook hangs", () => {
    tellHook(0, Hook.DOWN);
    for (let i = 0; i < 100_000; i++) tellHook(0, i & 1 ? Hook.DOWN : Hook.UP);
    tellHook(0, Hook.UP);
    asked();
    end("a");
    expect(asked()).toBe("a up 65535 1");
    expect(newest()).toBe(
      "Hook for VPN a: skipped 65535 events that had passed when it could be run.",
    );
  });

  it("has " + MAX_HOOKS.toString() + " places for all, and turns for everybody", () => {
    for (let i = 1; i < 20; i++) addVpn("v" + i.toString());
    rebuildRegistry(0);
    for (let i = 0; i < 20; i++) tellHook(i, Hook.UP);
    expect(asked().split(", ").length).toBe(MAX_HOOKS);
    let order = "";
    for (let i = 0; i < 12; i++) {
      end(i == 0 ? "a" : "v" + i.toString());
      // What runs again meanwhile has its next turn behind the others.
      if (i < MAX_HOOKS) tellHook(i, Hook.DOWN);
      order += asked() + ";";
    }
    for (let i = MAX_HOOKS; i < 20; i++) {
      expect(order.includes("v" + i.toString() + " up 0 1")).toBe(true, order);
    }
  });

  it("forgets a VPN that is removed, but not that its hook runs", () => {
    tellHook(0, Hook.UP);
    tellHook(0, Hook.DOWN);
    asked();
    forgetHook(vpnAt(0));
    giveVpn(0);
    addVpn("a");
    rebuildRegistry(0);
    tellHook(0, Hook.UP);
    expect(asked()).toBe("");
    end("a");
    expect(asked()).toBe("a up 0 1");
  });

  it("needs a hook", () => {
    put(vpnAt(0).config.hook, MAX_PATH_BYTES, "");
    tellHook(0, Hook.UP);
    expect(asked()).toBe("");
  });

  it("answers any end", () => {
    end("stranger");
    end("");
    end("a", Outcome.TIMED_OUT);
    hookEnded(field, <Outcome>77, i32.MIN_VALUE);
    expect(eventCount()).toBe(0);
    tellHook(0, Hook.UP);
    end("a", <Outcome>77, i32.MIN_VALUE);
    expect(newest()).toBe("Hook /hook for VPN a could not be started: errno -2147483648.");
  });
});

describe("after a trap", () => {
  it("what was told is not told again, until it changes", () => {
    put(field, MAX_NAME_BYTES, "a");
    recallHook(field, Hook.UP, false);
    tellHook(0, Hook.UP);
    expect(asked()).toBe("");
    tellHook(0, Hook.DOWN);
    expect(asked()).toBe("a down 0 2");
    end("a");
    tellHook(0, Hook.UP);
    expect(asked()).toBe("a up 0 1");
  });

  it("that a target is silent is not told again either", () => {
    put(field, MAX_NAME_BYTES, "a");
    recallHook(field, Hook.DOWN | Hook.TARGET_SILENT, false);
    tellHook(0, Hook.DOWN);
    tellHook(0, Hook.TARGET_SILENT);
    expect(asked()).toBe("");
    tellHook(0, Hook.UP);
    expect(asked()).toBe("a up 0 1");
  });

  it("a hook that still runs keeps its place; who it was for may be gone", () => {
    put(field, MAX_NAME_BYTES, "a");
    recallHook(field, Hook.DOWN, true);
    tellHook(0, Hook.UP);
    expect(asked()).toBe("");
    end("a", Outcome.TIMED_OUT);
    expect(asked()).toBe("a up 0 1");
    for (let i = 0; i < 2 * MAX_HOOKS; i++) {
      put(field, MAX_NAME_BYTES, "gone" + i.toString());
      recallHook(field, Hook.UP, true);
    }
    end("a");
    end("gone0");
    tellHook(0, Hook.DOWN);
    expect(asked()).toBe("a down 0 2");
  });
});

describe("failures", () => {
  it("are said once, until the hook succeeds or fails in another way", () => {
    tellHook(0, Hook.UP);
    end("a", Outcome.NOT_STARTED, 2);
    expect(newest()).toBe(
      "Hook /hook for VPN a could not be started: No such file or directory (it, or what its " +
        "first line names).",
    );
    tellHook(0, Hook.DOWN);
    end("a", Outcome.NOT_STARTED, 2);
    expect(eventCount()).toBe(1);
    tellHook(0, Hook.UP);
    end("a", Outcome.EXITED, 2);
    expect(newest()).toBe("Hook /hook for VPN a ended with status 2.");
    tellHook(0, Hook.DOWN);
    end("a");
    tellHook(0, Hook.UP);
    end("a", Outcome.EXITED, 2);
    expect(eventCount()).toBe(3);
    tellHook(0, Hook.DOWN);
    end("a", Outcome.SIGNALED, 11);
    expect(newest()).toBe("Hook /hook for VPN a was ended by signal 11.");
    tellHook(0, Hook.UP);
    end("a", Outcome.UNSAFE);
    expect(newest()).toBe(
      "Hook /hook for VPN a was not run: it and every folder above must belong to root, or to " +
        "the user of the hooks, and be writable for nobody else.",
    );
  });

  it("of the helper itself: one that hangs is said once, one that is gone ends it all", () => {
    tellHook(0, Hook.UP);
    setTime(1_000_000 + 40_000, 0);
    tellHook(0, Hook.DOWN);
    expect(eventCount()).toBe(0);
    setTime(1_000_000 + 40_001, 0);
    tellHook(0, Hook.UP);
    tellHook(0, Hook.DOWN);
    expect(eventCount()).toBe(1);
    expect(newest().includes("(rekeyd-hooks) hangs")).toBe(true);
    asked();
    put(field, MAX_NAME_BYTES, "");
    hookEnded(field, Outcome.HELPER_GONE, 0);
    hookEnded(field, Outcome.HELPER_GONE, 0);
    expect(eventCount()).toBe(2);
    tellHook(0, Hook.UP);
    expect(asked()).toBe("");
  });
});

describe("the message", () => {
  it("has room for the longest names, and lets no line break through", () => {
    const vpn = vpnAt(0);
    put(vpn.config.name, MAX_NAME_BYTES, "n".repeat(MAX_NAME_BYTES));
    put(vpn.config.gateway, MAX_IKE_NAME_BYTES, "g\n" + "g".repeat(MAX_IKE_NAME_BYTES - 2));
    put(vpn.config.child, MAX_IKE_NAME_BYTES, "c\x1b\x7f" + "c".repeat(MAX_IKE_NAME_BYTES - 3));
    put(vpn.config.hook, MAX_PATH_BYTES, "/" + "h".repeat(MAX_PATH_BYTES - 1));
    vpn.delay_last_ms = i32.MAX_VALUE;
    vpn.hook_skipped = u16.MAX_VALUE;
    vpn.hook_at_ms = i64.MAX_VALUE;
    vpn.state = State.INACTIVE;
    const text = String.UTF8.decodeUnsafe(message, writeHookMessage(message, 0, "target-silent"));
    expect(valueOf(text, "REKEYD_GATEWAY=").startsWith("g?gg")).toBe(true);
    expect(valueOf(text, "REKEYD_CHILD=").startsWith("c??cc")).toBe(true);
    expect(valueOf(text, "REKEYD_STATE=")).toBe("inactive");
    expect(valueOf(text, "REKEYD_TIME=")).toBe("9999-12-31T23:59:59Z");
    expect(valueOf(text, "REKEYD_PEER=")).toBe("");
    expect(valueOf(text, "REKEYD_SPI_IN=")).toBe("");
    expect(text.endsWith("\0")).toBe(true);
  });

  it("tells the tunnel interface that the VPN is bound to, and its state at the time", () => {
    initTunnels();
    vpnAt(0).tunnel = takeTunnel();
    const tunnel = tunnelAt(vpnAt(0).tunnel);
    put(tunnel.config.name, MAX_INTERFACE_BYTES, "tunnel.1");
    for (let state = 0; state < TUNNEL_STATES; state++) {
      tunnel.state = <TunnelState>state;
      const text = String.UTF8.decodeUnsafe(message, writeHookMessage(message, 0, "up"));
      expect(valueOf(text, "REKEYD_TUNNEL=")).toBe("tunnel.1");
      expect(valueOf(text, "REKEYD_TUNNEL_STATE=")).toBe(WORDS[state]);
    }
  });
});
