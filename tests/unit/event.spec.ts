import { act, Action, actionBuffer, actionCount, resetActions } from "../../assembly/action";
import { clear, parseAddress } from "../../assembly/bytes/address";
import { parseSelector, Selector, SELECTOR_BYTES } from "../../assembly/bytes/selector";
import { setName } from "../../assembly/bytes/slice";
import { writerAt, WRITER_BYTES } from "../../assembly/bytes/writer";
import { setTime, setUtcOffset } from "../../assembly/clock";
import { writeDate } from "../../assembly/bytes/date";
import {
  beginEvent,
  clearEvents,
  droppedEvents,
  endEvent,
  eventAt,
  eventCount,
} from "../../assembly/event/log";
import { Severity } from "../../assembly/event/severity";
import * as text from "../../assembly/event/text";
import {
  MAX_ACTIONS,
  MAX_EVENT_BYTES,
  MAX_EVENT_FORMS_BYTES,
  MAX_EVENTS,
  RESERVED_ACTIONS,
} from "../../assembly/limits";
import { parsesAsJson } from "./fixture";

/** 2026-11-23 13:20:01.250 UTC */
const WALL_MS: i64 = 1_795_440_001_250;

const vpn: usize = memory.data(32);
const other: usize = memory.data(64);
const third: usize = memory.data(64);
const peer: usize = memory.data(16, 8);
const source: usize = memory.data(16, 8);
const target: usize = memory.data(16, 8);
const unset: usize = memory.data(16, 8);
const local: usize = memory.data(2 * SELECTOR_BYTES, 8);
const remote: usize = memory.data(SELECTOR_BYTES, 8);
const room: usize = memory.data(1024);
const summary: usize = memory.data(64);
const writer = writerAt(memory.data(WRITER_BYTES, 8));

function put(s: string): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(s), s.length, room);
}

function name(field: usize, max: i32, s: string): usize {
  setName(field, max, room, put(s));
  return field;
}

function address(at: usize, s: string): usize {
  assert(parseAddress(room, put(s), at));
  return at;
}

function selector(at: usize, s: string): void {
  assert(parseSelector(room, put(s), changetype<Selector>(at)));
}

function line(age: i32): string {
  return String.UTF8.decodeUnsafe(eventAt(age).line, eventAt(age).line_length);
}

/** The newest event without what is the same in all lines. */
function newest(): string {
  const whole = line(0);
  return whole.slice("[Root]system-".length, whole.length - " (2026-11-23 14:20:01)".length);
}

/** The bytes of action `i`, which is of this kind. */
function action(i: i32, kind: Action): string {
  const record = actionBuffer() + 16 * i;
  expect(load<u32>(record)).toBe(kind);
  return String.UTF8.decodeUnsafe(load<u32>(record, 8), load<u32>(record, 12));
}

function date(ms: i64): string {
  writeDate(writer.reset(room, 64), ms, 0x20);
  return String.UTF8.decodeUnsafe(room, writer.length);
}

beforeEach(() => {
  resetActions();
  clearEvents();
  setTime(5_000, WALL_MS);
  setUtcOffset(3600);
  name(vpn, 31, "branch");
  name(other, 63, "s2s");
  name(third, 63, "net");
  address(peer, "203.0.113.1");
  address(source, "10.1.0.1");
  address(target, "10.2.0.10");
  clear(unset);
  selector(local, "10.1.0.0/16");
  selector(local + SELECTOR_BYTES, "10.3.0.1..10.3.0.9[tcp/22]");
  selector(remote, "10.2.0.0/16");
});

describe("bytes/date", () => {
  test("dates since 1970", () => {
    expect(date(0)).toBe("1970-01-01 00:00:00");
    expect(date(951_782_399_999)).toBe("2000-02-28 23:59:59");
    expect(date(951_782_400_000)).toBe("2000-02-29 00:00:00");
    expect(date(951_868_800_000)).toBe("2000-03-01 00:00:00");
    expect(date(1_709_164_800_000)).toBe("2024-02-29 00:00:00");
    expect(date(1_735_689_599_000)).toBe("2024-12-31 23:59:59");
    expect(date(4_107_542_400_000)).toBe("2100-03-01 00:00:00");
    expect(date(4_107_456_000_000)).toBe("2100-02-28 00:00:00");
    expect(date(WALL_MS)).toBe("2026-11-23 13:20:01");
  });

  test("a clock that is far off", () => {
    expect(date(-1)).toBe("1970-01-01 00:00:00");
    expect(date(i64.MIN_VALUE)).toBe("1970-01-01 00:00:00");
    expect(date(253_402_300_799_999)).toBe("9999-12-31 23:59:59");
    expect(date(i64.MAX_VALUE)).toBe("9999-12-31 23:59:59");
  });

  test("every day of 400 years follows the one before", () => {
    const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let ms: i64 = 0;
    for (let year = 1970; year < 2370; year++) {
      const leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
      for (let month = 0; month < 12; month++) {
        const days = lengths[month] + (month == 1 && leap ? 1 : 0);
        for (let day = 1; day <= days; day++) {
          writeDate(writer.reset(room, 64), ms, 0x54);
          const d = room + 5;
          assert((<i32>load<u8>(d) - 48) * 10 + load<u8>(d, 1) - 48 == month + 1);
          assert((<i32>load<u8>(d, 3) - 48) * 10 + load<u8>(d, 4) - 48 == day);
          ms += 86_400_000;
        }
      }
    }
    expect(date(ms)).toBe("2370-01-01 00:00:00");
  });
});

describe("event/log", () => {
  test("stores the line, and has the host log the same bytes", () => {
    text.vpnUp(vpn, peer);
    expect(line(0)).toBe(
      "[Root]system-critical-00040: VPN 'branch' from 203.0.113.1 is up. (2026-11-23 14:20:01)",
    );
    const event = eventAt(0);
    expect(event.id).toBe(40);
    expect(event.severity).toBe(2);
    expect(event.wall_ms).toBe(WALL_MS);
    expect(String.UTF8.decodeUnsafe(event.vpn + 1, load<u8>(event.vpn))).toBe("branch");
    expect(String.UTF8.decodeUnsafe(event.text, event.text_length)).toBe(
      "VPN 'branch' from 203.0.113.1 is up.",
    );
    expect(actionCount()).toBe(3);
    expect(load<u32>(actionBuffer())).toBe(5);
    expect(load<u32>(actionBuffer(), 4)).toBe(2);
    expect(load<u32>(actionBuffer(), 8)).toBe(<u32>event.line);
    expect(load<u32>(actionBuffer(), 12)).toBe(event.line_length);
  });

  test("has the host log JSON and the journal's fields as well", () => {
    text.vpnUp(vpn, peer);
    expect(action(1, Action.LOG_JSON)).toBe(
      '{"id":40,"severity":"critical","time":"2026-11-23T13:20:01.250Z","vpn":"branch",' +
        '"text":"VPN \'branch\' from 203.0.113.1 is up."}\n',
    );
    expect(action(2, Action.LOG_FIELDS)).toBe(
      "MESSAGE=VPN 'branch' from 203.0.113.1 is up.\nPRIORITY=2\nSYSLOG_IDENTIFIER=rekeyd\n" +
        "REKEYD_EVENT=00040\nREKEYD_VPN=branch\n",
    );
    beginEvent(Severity.ERROR, 767, 0).text('a "b"\n\\ c');
    endEvent();
    expect(action(4, Action.LOG_JSON)).toBe(
      '{"id":767,"severity":"error","time":"2026-11-23T13:20:01.250Z","vpn":null,' +
        '"text":"a \\"b\\"?\\\\ c"}\n',
    );
    expect(action(5, Action.LOG_FIELDS)).toBe(
      'MESSAGE=a "b"?\\ c\nPRIORITY=3\nSYSLOG_IDENTIFIER=rekeyd\nREKEYD_EVENT=00767\n',
    );
  });

  test("shows local time, also west of Greenwich", () => {
    setUtcOffset(-5 * 3600 - 1800);
    text.vpnDown(vpn, peer);
    expect(line(0)).toBe(
      "[Root]system-critical-00041: VPN 'branch' from 203.0.113.1 is down. (2026-11-23 07:50:01)",
    );
  });

  test("keeps the last ones", () => {
    for (let i = 0; i < MAX_EVENTS + 10; i++) {
      resetActions();
      text.intervalSet(1000 * i);
      expect(eventCount()).toBe(min(i + 1, MAX_EVENTS));
    }
    expect(newest()).toBe(
      "notification-00017: vpnmonitor interval is set to " + (MAX_EVENTS + 9).toString(),
    );
    expect(droppedEvents()).toBe(10);
    expect(line(MAX_EVENTS - 1).includes("interval is set to 10 (")).toBe(true);
    clearEvents();
    expect(eventCount()).toBe(0);
  });

  test("cuts what is too long", () => {
    const w = beginEvent(Severity.ERROR, 767, 0);
    for (let i = 0; i < 1000; i++) w.text("0123456789");
    endEvent();
    expect(newest()).toBe("error-00767: " + "0123456789".repeat(39) + "...");
    text.vpnUp(vpn, peer);
    expect(newest()).toBe("critical-00040: VPN 'branch' from 203.0.113.1 is up.");
    const uncut = MAX_EVENT_BYTES - 3;
    for (let length = uncut - 100; length < uncut + 100; length++) {
      const shorter = beginEvent(Severity.NOTIFICATION, 17, vpn);
      for (let i = 0; i < length; i++) shorter.u8(0x78);
      endEvent();
      expect(<i32>eventAt(0).text_length).toBe(length > uncut ? MAX_EVENT_BYTES : length);
    }
  });

  test("moves no cursor and breaks no line", () => {
    beginEvent(Severity.ERROR, 767, 0).text("a\nb\x1b[2J\x7f\t");
    endEvent();
    expect(newest()).toBe("error-00767: a?b?[2J??");
  });

  test("leaves room for other actions, and says how many events that cost", () => {
    for (let i = 0; i < MAX_ACTIONS; i++) text.thresholdSet(i);
    const fit = (MAX_ACTIONS - RESERVED_ACTIONS) / 3;
    expect(actionCount()).toBe(3 * fit);
    expect(eventCount()).toBe(fit);
    resetActions();
    text.vpnUp(vpn, peer);
    expect(actionCount()).toBe(6);
    expect(newest()).toBe(
      "warning-00767: " +
        (MAX_ACTIONS - fit).toString() +
        " earlier events not logged: too many came at the same time.",
    );
    text.vpnUp(vpn, peer);
    expect(actionCount()).toBe(9);
  });

  test("an event that is dropped after all damages none of those that are kept", () => {
    for (let i = 0; i < MAX_EVENTS; i++) {
      resetActions();
      text.intervalSet(1000 * i);
    }
    const oldest = line(MAX_EVENTS - 1);
    resetActions();
    for (let i = 0; i < MAX_ACTIONS; i++) act(Action.VICI_CLOSE, 0, 0, 0);
    text.vpnUp(vpn, peer);
    expect(eventCount()).toBe(MAX_EVENTS);
    expect(line(MAX_EVENTS - 1)).toBe(oldest);
    expect(droppedEvents()).toBe(0);
  });

  test("what finds no room as JSON is counted, and what is there stays as it is", () => {
    const events = MAX_EVENT_FORMS_BYTES / 700;
    for (let i = 0; i < events; i++) {
      const w = beginEvent(Severity.ERROR, 767, vpn);
      for (let j = 0; j < 380; j++) w.u8(0x22);
      endEvent();
    }
    expect(eventCount() < events).toBe(true);
    const records = actionBuffer();
    for (let i = 0; i < actionCount(); i++) {
      const record = records + 16 * i;
      const p = load<u32>(record, 8);
      const len = load<u32>(record, 12);
      if (load<u32>(record) == Action.LOG_JSON) expect(parsesAsJson(p, len)).toBe(true);
    }
    resetActions();
    text.vpnUp(vpn, peer);
    expect(newest().includes("earlier event")).toBe(true);
  });
});

describe("event/text", () => {
  test("the longest names fit", () => {
    name(vpn, 31, "v".repeat(31));
    text.childUnknown(vpn, name(other, 63, "g".repeat(63)), name(third, 63, "c".repeat(63)));
    expect(newest().endsWith("mend option child.")).toBe(true);
  });

  test("up, down, deactivated, rekeyed", () => {
    text.vpnUp(vpn, peer);
    expect(newest()).toBe("critical-00040: VPN 'branch' from 203.0.113.1 is up.");
    text.vpnDown(vpn, unset);
    expect(newest()).toBe("critical-00041: VPN 'branch' from 0.0.0.0 is down.");
    text.saDeactivated(vpn, 0x2a);
    expect(newest()).toBe(
      "information-00536: VPN monitoring for VPN branch has deactivated the SA with ID 0x0000002a.",
    );
    text.rekeySucceeded(vpn, 1, 0xe37791d3);
    expect(newest()).toBe(
      "information-00536: VPN monitoring for VPN branch has successfully rekeyed the SA with ID " +
        "0x00000001, new SPI e37791d3.",
    );
  });

  test("settings", () => {
    text.monitoringSet(vpn, true, name(third, 15, ""), source, target, true);
    expect(newest()).toBe(
      "notification-00017: VPN monitoring for VPN branch has been enabled. Src IF 10.1.0.1 dst " +
        "IP 10.2.0.10 with rekeying enabled.",
    );
    text.monitoringSet(vpn, false, name(third, 15, "br-lan"), source, unset, false);
    expect(newest()).toBe(
      "notification-00017: VPN monitoring for VPN branch has been disabled. Src IF br-lan dst " +
        "IP default with rekeying disabled.",
    );
    text.monitoringSet(vpn, true, name(third, 15, ""), unset, unset, false);
    expect(newest()).toBe(
      "notification-00017: VPN monitoring for VPN branch has been enabled. Src IF default dst " +
        "IP default with rekeying disabled.",
    );
    text.intervalSet(500);
    expect(newest()).toBe("notification-00017: vpnmonitor interval is set to 0.5");
    text.thresholdSet(3);
    expect(newest()).toBe("notification-00017: vpnmonitor threshold is set to 3");
  });

  test("both phases", () => {
    text.phase1Initiated(vpn, peer);
    expect(newest()).toBe("information-00536: IKE 203.0.113.1 Phase 1: Initiated negotiations.");
    text.phase2Initiated(vpn, address(peer, "2001:db8::1"));
    expect(newest()).toBe("information-00536: IKE 2001:db8::1 Phase 2: Initiated negotiations.");
    address(peer, "203.0.113.1");
    text.phase1Completed(vpn, peer, 28_800);
    expect(newest()).toBe(
      "information-00536: IKE 203.0.113.1 Phase 1: Completed negotiations with a 28800-second " +
        "lifetime.",
    );
    text.phase1Completed(vpn, peer, 0);
    expect(newest()).toBe(
      "information-00536: IKE 203.0.113.1 Phase 1: Completed negotiations with no lifetime.",
    );
    text.phase2Completed(vpn, peer, 7, 0xc0ffee00, 1, 3600);
    expect(newest()).toBe(
      "information-00536: IKE 203.0.113.1 Phase 2 msg ID 00000007: Completed negotiations with " +
        "SPI c0ffee00, tunnel ID 1, and lifetime 3600 seconds/0 KB.",
    );
    text.phase1Rekeyed(vpn, peer);
    expect(newest()).toBe("information-00536: IKE 203.0.113.1 Phase 1: Successfully rekeyed.");
    text.retransmissionLimit(vpn, peer);
    expect(newest()).toBe(
      "information-00536: IKE 203.0.113.1 Phase 1: Retransmission limit has been reached.",
    );
    text.phase1Deactivated(vpn, peer);
    expect(newest()).toBe(
      "information-00536: IKE 203.0.113.1 Phase 1: Deactivated, because Phase 2 of VPN branch " +
        "could not be rekeyed on it.",
    );
    text.duplicateRemoved(vpn, peer, 0x11, 0x22);
    expect(newest()).toBe(
      "information-00536: IKE 203.0.113.1 Phase 2: Removed the duplicate SA of VPN branch with " +
        "SPI 00000011 in, 00000022 out.",
    );
    text.negotiationRefused(vpn, peer, room, put("no matching CHILD_SA config"), 4250);
    expect(newest()).toBe(
      "warning-00536: IKE 203.0.113.1 Phase 2: Negotiations have failed for VPN branch (no " +
        "matching CHILD_SA config); next attempt in 4.25 s.",
    );
    text.negotiationRefused(vpn, peer, room, 0, 1000);
    expect(newest()).toBe(
      "warning-00536: IKE 203.0.113.1 Phase 2: Negotiations have failed for VPN branch; next " +
        "attempt in 1 s.",
    );
  });

  test("echoes that do not leave", () => {
    text.echoHeldBack(vpn, source, target);
    expect(newest()).toBe(
      "warning-00536: VPN monitoring for VPN branch: echoes from 10.1.0.1 to 10.2.0.10 would " +
        "leave unencrypted (no policy or route into the tunnel) and are held back.",
    );
    text.echoUnsendable(vpn, target, 101);
    expect(newest()).toBe(
      "warning-00536: VPN monitoring for VPN branch cannot send to 10.2.0.10: Network is " +
        "unreachable.",
    );
    text.echoUnsendable(vpn, target, 22);
    expect(newest().endsWith(": Invalid argument.")).toBe(true);
    text.echoUnsendable(vpn, target, 97);
    expect(newest().endsWith(": Address family not supported by protocol.")).toBe(true);
    text.echoUnsendable(vpn, target, 99);
    expect(newest().endsWith(": Cannot assign requested address.")).toBe(true);
    text.echoUnsendable(vpn, target, 113);
    expect(newest().endsWith(": No route to host.")).toBe(true);
    text.echoUnsendable(vpn, target, 5);
    expect(newest().endsWith(": errno 5.")).toBe(true);
  });

  test("a connection with several peers", () => {
    name(vpn, 31, "v".repeat(31));
    text.peersShared(vpn, name(other, 63, "g".repeat(63)));
    expect(newest()).toBe(
      "warning-00536: VPN monitoring for VPN " +
        "v".repeat(31) +
        ": connection '" +
        "g".repeat(63) +
        "' has IKE_SAs with several peers; duplicates are left alone. " +
        "Give each peer a connection of its own.",
    );
  });

  test("what keeps a VPN from being monitored", () => {
    text.targetSilent(vpn, target);
    expect(newest()).toBe(
      "warning-00536: VPN monitoring for VPN branch has never had an answer from 10.2.0.10, " +
        "although user traffic comes in: " +
        "the SA is left alone. Does 10.2.0.10 exist, and may it be pinged?",
    );
    text.echoNotCovered(vpn, source, target, local, 2, remote, 1);
    expect(newest()).toBe(
      "error-00536: VPN monitoring for VPN branch cannot ping 10.2.0.10 from 10.1.0.1: " +
        "the SA's selectors are 10.1.0.0/16 10.3.0.1..10.3.0.9[not ICMP] === 10.2.0.0/16.",
    );
    text.sourceMissing(vpn, local, 1);
    expect(newest()).toBe(
      "error-00536: VPN monitoring for VPN branch cannot start: no address of this machine is " +
        "inside " +
        "the local selectors 10.1.0.0/16. Set source_ip or source_interface.",
    );
    text.sourceMissing(vpn, local, 0);
    expect(newest().includes("selectors (none).")).toBe(true);
    text.destinationMissing(vpn, peer, remote, 1);
    expect(newest()).toBe(
      "error-00536: VPN monitoring for VPN branch cannot start: the gateway's address " +
        "203.0.113.1 is outside " +
        "the remote selectors 10.2.0.0/16. Set destination_ip.",
    );
    text.interfaceWithoutAddress(vpn, name(third, 15, "br-lan"), true);
    expect(newest()).toBe(
      "error-00536: VPN monitoring for VPN branch cannot start: interface br-lan has no IPv4 " +
        "address.",
    );
    text.interfaceWithoutAddress(vpn, third, false);
    expect(newest().includes("no IPv6 address")).toBe(true);
    text.connectionUnknown(vpn, other);
    expect(newest()).toBe(
      "error-00536: VPN monitoring for VPN branch waits: strongSwan has no connection 's2s'. " +
        "Load it (swanctl --load-all) or mend option gateway.",
    );
    text.childUnknown(vpn, other, name(third, 63, "net"));
    expect(newest()).toBe(
      "error-00536: VPN monitoring for VPN branch waits: strongSwan's connection 's2s' has no " +
        "child 'net'. " +
        "Load it (swanctl --load-all) or mend option child.",
    );
    text.childNotTunnel(vpn, other, name(third, 63, "net"));
    expect(newest()).toBe(
      "error-00536: VPN monitoring for VPN branch waits: child 'net' of connection 's2s' is not " +
        "in tunnel mode. Set mode = tunnel, or name another child.",
    );
  });

  test("strongSwan and the configuration", () => {
    const path = name(other, 63, "/run/charon.vici");
    text.charonConnected(path);
    expect(newest()).toBe("notification-00767: Connected to strongSwan at /run/charon.vici.");
    const errnos = [0, 2, 13, 32, 71, 104, 110, 111, 98];
    const reasons = [
      "strongSwan closed it",
      "no such socket: is charon running, with the vici plugin?",
      "permission denied",
      "connection reset",
      "what came is not vici: is it charon's socket?",
      "connection reset",
      "no answer in time",
      "connection refused: is charon running?",
      "error 98",
    ];
    for (let i = 0; i < errnos.length; i++) {
      text.charonLost(path, errnos[i]);
      expect(newest()).toBe(
        "error-00767: No connection to strongSwan at /run/charon.vici (" +
          reasons[i] +
          "). SAs stay as they are; trying again every second.",
      );
    }
    writer.reset(summary, 64).text("1 VPN, 0 monitored, 0 with rekey");
    text.configurationLoaded(room, put("/etc/config/rekeyd"), writer);
    expect(newest()).toBe(
      "notification-00767: Configuration /etc/config/rekeyd has been loaded: 1 VPN, 0 " +
        "monitored, 0 with rekey.",
    );
    text.configurationLoaded(room, put("x".repeat(1000)), writer);
    expect(newest()).toBe(
      "notification-00767: Configuration " +
        "x".repeat(128) +
        " has been loaded: 1 VPN, 0 monitored, 0 with rekey.",
    );
    text.configurationRefused(1, room, put("f:3: child has no value"));
    expect(newest()).toBe(
      "error-00767: Configuration refused, the running one stays: f:3: child has no value",
    );
    text.configurationRefused(3, room, put("y".repeat(500)));
    expect(newest()).toBe(
      "error-00767: Configuration refused, the running one stays: " +
        "y".repeat(170) +
        " (and 2 more)",
    );
  });
});
