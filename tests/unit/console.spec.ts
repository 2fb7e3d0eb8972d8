import { actionBuffer, actionCount, resetActions } from "../../assembly/action";
import { clear, parseAddress } from "../../assembly/bytes/address";
import { parseSelector, Selector } from "../../assembly/bytes/selector";
import { setName } from "../../assembly/bytes/slice";
import { writerAt, WRITER_BYTES } from "../../assembly/bytes/writer";
import { NEVER, now_ms, setTime, wall_ms } from "../../assembly/clock";
import { initHistory, noteLoaded, noteRefused } from "../../assembly/config/history";
import { readConfig } from "../../assembly/config/read";
import { initConfig } from "../../assembly/config/staged";
import { running, setGlobalDefaults, VpnFlag } from "../../assembly/config/model";
import { answerDoctor } from "../../assembly/console/doctor";
import { runCommand } from "../../assembly/console/command";
import * as json from "../../assembly/bytes/json";
import { sta } from "../../assembly/console/sta";
import { clearEvents } from "../../assembly/event/log";
import { connectionUnknown, saDeactivated, vpnDown, vpnUp } from "../../assembly/event/text";
import { recorderTold } from "../../assembly/monitor/recorder";
import { answerRecord } from "../../assembly/console/record";
import { EXAM_MS, MAX_COMMAND_BYTES, MAX_EVENTS, MAX_REPLY_BYTES } from "../../assembly/limits";
import { examDue, examOver, isExamining } from "../../assembly/monitor/exam";
import {
  beginDump,
  endInterfaceDump,
  removeInterface,
  setAddress,
  setInterface,
} from "../../assembly/netlink/interfaces";
import { rebuildRegistry } from "../../assembly/monitor/registry";
import { gatewayAt, initGateways, Negotiation, takeGateway } from "../../assembly/sa/gateway";
import { initListing, mergePhase1, mergePhase2 } from "../../assembly/sa/listing";
import { IkeState, Phase1, PHASE1_BYTES } from "../../assembly/sa/phase1";
import { ChildState, Phase2, PHASE2_BYTES } from "../../assembly/sa/phase2";
import { giveVpn, initVpns, Note, State, stateWord, takeVpn, vpnAt } from "../../assembly/sa/vpn";
import { parsesAsJson } from "./fixture";

const room: usize = memory.data(4096);
const out: usize = memory.data(8192);
const writer = writerAt(memory.data(WRITER_BYTES, 8));
const phase1: Phase1 = changetype<Phase1>(memory.data(PHASE1_BYTES, 8));
const phase2: Phase2 = changetype<Phase2>(memory.data(PHASE2_BYTES, 8));

function put(s: string): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(s), s.length, room);
}

function name(field: usize, max: i32, s: string): void {
  assert(setName(field, max, room, put(s)));
}

function address(at: usize, s: string): void {
  assert(parseAddress(room, put(s), at));
}

/** Runs the bytes in `room` as a command; the reply is where `replyAt` says. */
function run(len: i32): void {
  resetActions();
  runCommand(7, room, len);
  if (isExamining()) endExam();
  assert(actionCount() == 1);
  assert(load<u32>(actionBuffer()) == 6 && load<u32>(actionBuffer(), 4) == 7);
  assert(replyLength() <= MAX_REPLY_BYTES);
}

/** Nobody tells the doctor anything until its time is over. */
function endExam(): void {
  const at_ms = now_ms;
  for (let i = 1; i <= 2; i++) {
    setTime(at_ms + i * EXAM_MS, wall_ms);
    examDue();
  }
  setTime(at_ms, wall_ms);
  resetActions();
  assert(examOver());
  answerDoctor();
}

function replyAt(): usize {
  return load<u32>(actionBuffer(), 8);
}

function replyLength(): i32 {
  return load<i32>(actionBuffer(), 12);
}

/** The answer to a command. In JSON it must be a document behind the first line. */
function ask(command: string): string {
  run(put(command));
  const reply = String.UTF8.decodeUnsafe(replyAt(), replyLength());
  const head = reply.indexOf("\n") + 1;
  assert(["ok\n", "found\n", "error\n"].includes(reply.substring(0, head)));
  if (command.startsWith("json")) assert(parsesAsJson(replyAt() + head, replyLength() - head));
  return reply;
}

function addGateway(gateway_name: string, peer: string): i32 {
  const index = takeGateway();
  const gateway = gatewayAt(index);
  gateway.first_vpn = -1;
  gateway.first_phase1 = -1;
  gateway.version = 2;
  gateway.known = true;
  gateway.listed = true;
  gateway.listed_at_ms = 99_001;
  gateway.deadline_ms = NEVER;
  gateway.vpn = -1;
  name(gateway.name, 63, gateway_name);
  if (peer.length > 0) address(gateway.peer_ip, peer);
  else clear(gateway.peer_ip);
  return index;
}

function addVpn(gateway: i32, vpn_name: string, flags: i32): i32 {
  const index = takeVpn();
  const vpn = vpnAt(index);
  vpn.gateway = gateway;
  vpn.next_of_gateway = gatewayAt(gateway).first_vpn;
  gatewayAt(gateway).first_vpn = index;
  vpn.current = -1;
  vpn.first_phase2 = -1;
  vpn.delay_last_ms = -1;
  vpn.delay_avg_16 = -1;
  const config = vpn.config;
  name(config.name, 31, vpn_name);
  memory.copy(config.gateway, gatewayAt(gateway).name, 64);
  name(config.child, 63, "net");
  config.flags = flags;
  config.interval_ms = 1000;
  config.threshold = 3;
  config.recover = 1;
  config.quorum = 1;
  config.size = 64;
  rebuildRegistry(0);
  return index;
}

function addIkeSa(gateway: i32, id: u32, peer: string, port: u16): void {
  memory.fill(changetype<usize>(phase1), 0, PHASE1_BYTES);
  phase1.id = id;
  phase1.state = <u8>IkeState.ESTABLISHED;
  phase1.initiator = true;
  phase1.version = 2;
  phase1.remote_port = port;
  phase1.established_at_ms = 40_000;
  phase1.rekey_at_ms = 14_000_000;
  address(phase1.local_host, "198.51.100.2");
  address(phase1.remote_host, peer);
  name(phase1.algorithm, 31, "aes128/sha256");
  mergePhase1(gateway, phase1);
}

function addChildSa(vpn: i32, id: u32, ike_id: u32, spi: u32, state: ChildState): i32 {
  memory.fill(changetype<usize>(phase2), 0, PHASE2_BYTES);
  phase2.id = id;
  phase2.ike_id = ike_id;
  phase2.spi_in = spi;
  phase2.spi_out = spi + 1;
  phase2.state = <u8>state;
  phase2.packets_in = 11;
  phase2.bytes_in = 924;
  phase2.packets_out = 12;
  phase2.bytes_out = 1008;
  phase2.installed_at_ms = 96_000;
  phase2.rekey_at_ms = 3_300_000;
  phase2.expires_at_ms = 3_696_999;
  name(phase2.algorithm, 31, "esp:aes128/sha1");
  phase2.local_selectors = 1;
  phase2.remote_selectors = 2;
  assert(parseSelector(room, put("10.1.0.0/16"), phase2.local_selector(0)));
  assert(parseSelector(room, put("10.2.0.0/16"), phase2.remote_selector(0)));
  assert(parseSelector(room, put("10.3.0.1..10.3.0.9[tcp]"), phase2.remote_selector(1)));
  return mergePhase2(vpn, phase2);
}

/** A VPN that is up, with answers. */
function addUp(): i32 {
  const gateway = addGateway("s2s", "203.0.113.1");
  gatewayAt(gateway).dpd_delay_s = 10;
  const index = addVpn(gateway, "branch", VpnFlag.MONITOR | VpnFlag.REKEY);
  addIkeSa(gateway, 3, "203.0.113.1", 4500);
  const vpn = vpnAt(index);
  vpn.current = addChildSa(index, 5, 3, 0xe37791d3, ChildState.INSTALLED);
  vpn.state = <u8>State.UP;
  vpn.target_count = 2;
  vpn.config.quorum = 0;
  address(vpn.source, "10.1.0.1");
  address(vpn.target(0).address, "10.2.0.10");
  address(vpn.target(1).address, "10.2.0.11");
  vpn.target(0).answered = 0b110;
  vpn.target(1).answered = 0b100;
  vpn.samples = 0b1110;
  vpn.sample_count = 4;
  vpn.delay_last_ms = 12;
  vpn.delay_avg_16 = 195;
  vpn.echoes_sent = 5;
  vpn.echoes_answered = 3;
  vpn.misses = 1;
  vpn.rekeys = 2;
  return index;
}

beforeEach(() => {
  initHistory();
  resetActions();
  clearEvents();
  initVpns();
  initGateways();
  initListing();
  setGlobalDefaults(running);
  setTime(100_000, 1_795_440_001_250);
  rebuildRegistry(0);
});

describe("bytes/json", () => {
  test("commas, escapes, every kind of value", () => {
    const w = writer.reset(out, 8192);
    json.beginObject(w);
    json.numberValue(json.key(w, "a"), -5);
    json.beginList(json.key(w, "b"));
    json.boolValue(w, true);
    json.nullValue(w);
    json.endList(json.beginList(w));
    json.endObject(json.beginObject(w));
    json.textValue(w, "x");
    json.hexValue(w, 0xab);
    json.thousandthsValue(w, 12_062);
    json.endList(w);
    json.stringValue(json.key(w, "c"), room, put('"\\\n\t\x7f\x01é€😀/[{:\x85\u2028'));
    json.endObject(w);
    expect(String.UTF8.decodeUnsafe(out, w.length)).toBe(
      '{"a":-5,"b":[true,null,[],{},"x","000000ab",12.062],' +
        '"c":"\\"\\\\\\u000a\\u0009\\u007f\\u0001é€😀/[{:\\u0085\\u2028"}',
    );
    expect(parsesAsJson(out, w.length)).toBe(true);
  });

  test("any bytes become a string of UTF-8", () => {
    let seed: u32 = 1;
    for (let round = 0; round < 3000; round++) {
      const len = round % 40;
      for (let i = 0; i < len; i++) {
        seed = seed * 1_664_525 + 1_013_904_223;
        const byte = seed >> 24;
        // Mostly bytes of which sequences are made.
        store<u8>(room + i, <u8>((seed & 0x10000) != 0 ? byte | 0x80 : byte));
      }
      const w = json.stringValue(writer.reset(out, 8192), room, len);
      expect(parsesAsJson(out, w.length)).toBe(true, "round " + round.toString());
    }
  });

  test("what is not UTF-8 is replaced, byte by byte", () => {
    const bad: u32[] = [0x80, 0xc1bf, 0xe08080, 0xeda080, 0xf0808080, 0xf4908080, 0xf8, 0xe282];
    for (let i = 0; i < bad.length; i++) {
      let len = 0;
      for (let shift = 24; shift >= 0; shift -= 8) {
        const byte = (bad[i] >> shift) & 0xff;
        if (byte != 0) store<u8>(room + len++, <u8>byte);
      }
      const w = json.stringValue(writer.reset(out, 8192), room, len);
      expect(String.UTF8.decodeUnsafe(out, w.length)).toBe('"' + "\\ufffd".repeat(len) + '"');
    }
  });
});

describe("console/sta", () => {
  test("every state, with and without an SA, monitored or not", () => {
    const index = addVpn(addGateway("g", ""), "a", 0);
    const vpn = vpnAt(index);
    const states = [State.INACTIVE, State.READY, State.UP, State.DOWN];
    const state_words = ["inactive", "ready", "up", "down"];
    const monitored = ["A/-", "A/-", "A/U", "A/D"];
    for (let i = 0; i < 4; i++) {
      vpn.state = <u8>states[i];
      expect(stateWord(vpn)).toBe(state_words[i]);
      vpn.current = -1;
      vpn.config.flags = 0;
      expect(sta(vpn)).toBe("I/I");
      vpn.config.flags = VpnFlag.MONITOR;
      expect(sta(vpn)).toBe("I/I");
      vpn.current = 0;
      expect(sta(vpn)).toBe(monitored[i]);
      vpn.config.flags = 0;
      expect(sta(vpn)).toBe("A/-");
    }
  });
});

/** What `get vpn NAME` says of a negotiation; the JSON must say the same. */
function negotiationOf(index: i32): string {
  const field = vpnAt(index).config.name;
  const vpn_name = String.UTF8.decodeUnsafe(field + 1, load<u8>(field));
  const text = ask("get vpn " + vpn_name);
  const at = text.indexOf("  Negotiation   ");
  const said = at < 0 ? "idle" : text.slice(at + 16, text.indexOf("\n", at));
  const word = said.split(",")[0];
  assert(ask("json get vpn " + vpn_name).includes('"negotiation":"' + word + '"'));
  return said;
}

const SA_HEAD =
  "HEX ID     Gateway          Port Algorithm       SPI      Life:sec    kb Sta  PID vsys\n";

describe("get sa", () => {
  test("nothing is configured", () => {
    expect(ask("get sa\n")).toBe("ok\ntotal configured sa: 0\n" + SA_HEAD);
    expect(ask("json get sa")).toBe('ok\n{"vpns":[]}\n');
  });

  test("ScreenOS's table", () => {
    addUp();
    addVpn(addGateway("other", ""), "idle", VpnFlag.MONITOR);
    expect(ask("get sa")).toBe(
      "ok\ntotal configured sa: 2\n" +
        SA_HEAD +
        "00000001<  203.0.113.1      4500 esp:aes128/sha1 e37791d3     3596 unlim A/U   -1 0\n" +
        "00000001>  203.0.113.1      4500 esp:aes128/sha1 e37791d4     3596 unlim A/U   -1 0\n" +
        "00000002<  0.0.0.0           500 -               00000000    expir unlim I/I   -1 0\n" +
        "00000002>  0.0.0.0           500 -               00000000    expir unlim I/I   -1 0\n",
    );
  });

  test("wide addresses move the columns, not the order", () => {
    const gateway = addGateway("s2s", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff");
    addVpn(gateway, "six", 0);
    addVpn(addGateway("other", "192.0.2.1"), "four", 0);
    expect(ask("get sa")).toBe(
      "ok\ntotal configured sa: 2\n" +
        "HEX ID     Gateway                                 Port Algorithm       SPI      " +
        "Life:sec    kb Sta  PID vsys\n" +
        "00000001<  2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff   500 -               00000000    " +
        "expir unlim I/I   -1 0\n" +
        "00000001>  2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff   500 -               00000000    " +
        "expir unlim I/I   -1 0\n" +
        "00000002<  192.0.2.1                                500 -               00000000    " +
        "expir unlim I/I   -1 0\n" +
        "00000002>  192.0.2.1                                500 -               00000000    " +
        "expir unlim I/I   -1 0\n",
    );
  });

  test("active, inactive, and one by its ID", () => {
    addUp();
    addVpn(addGateway("other", ""), "idle", 0);
    expect(ask("get sa active").includes("00000002<")).toBe(false);
    expect(ask("get sa active").includes("00000001<")).toBe(true);
    expect(ask("get sa inactive").includes("00000001<")).toBe(false);
    expect(ask("get sa inactive").includes("total configured sa: 1\n")).toBe(true);
    expect(ask("get sa id 0x00000002").includes("00000001<")).toBe(false);
    expect(ask("get sa id 2").includes("00000002>")).toBe(true);
    expect(ask("get sa id 0X3").includes("total configured sa: 0\n")).toBe(true);
    expect(ask("json get sa active").includes('"name":"idle"')).toBe(false);
  });

  test("beside the SA in use those that forward are shown, no others", () => {
    const index = addUp();
    addChildSa(index, 6, 3, 0x66, ChildState.REKEYING);
    addChildSa(index, 7, 3, 0x77, ChildState.DELETED);
    addChildSa(index, 8, 3, 0x88, ChildState.CREATED);
    const table = ask("get sa");
    expect(table.split("\n").length - 1).toBe(3 + 4);
    expect(table.includes(" 00000066 ")).toBe(true);
    expect(table.includes(" 00000077 ")).toBe(false);
    expect(table.includes(" 00000088 ")).toBe(false);
  });

  test("a lifetime that is over, and one that never ends", () => {
    const index = addUp();
    setTime(4_000_000, 0);
    expect(ask("get sa").includes(" e37791d3        0 unlim A/U ")).toBe(true);
    phase2.expires_at_ms = 0;
    mergePhase2(index, phase2);
    expect(ask("get sa").includes(" e37791d3    unlim unlim A/U ")).toBe(true);
  });

  test("VPNs that are gone are not shown", () => {
    addUp();
    giveVpn(addVpn(addGateway("other", ""), "gone", 0));
    expect(ask("get sa").includes("total configured sa: 1\n")).toBe(true);
    expect(ask("json get vpn").includes("gone")).toBe(false);
  });
});

describe("get vpn", () => {
  test("a line for each", () => {
    addUp();
    const vpn = vpnAt(addVpn(addGateway("a-long-gateway", ""), "idle", 0));
    expect(ask("get vpn")).toBe(
      "ok\n" +
        "Name     Gateway        Monitor Rekey Optimized Sta State    Delay:ms Avail\n" +
        "branch   s2s            on      on    off       A/U up             12   75%\n" +
        "idle     a-long-gateway off     off   off       I/I inactive        -     -\n",
    );
    vpn.config.flags = VpnFlag.MONITOR | VpnFlag.OPTIMIZED;
    expect(
      ask("get vpn").endsWith(
        "idle     a-long-gateway on      off   on        I/I inactive        -     - *\n" +
          "* optimized: delay and availability come from fewer echoes\n",
      ),
    ).toBe(true);
  });

  test("all of one", () => {
    const index = addUp();
    vpnUp(vpnAt(index).config.name, gatewayAt(0).peer_ip);
    connectionUnknown(gatewayAt(0).name, gatewayAt(0).name);
    expect(ask("get vpn branch")).toBe(
      "ok\n" +
        "VPN branch: up, Sta A/U, ID 0x00000001\n" +
        "  Next          echo now\n" +
        "  Gateway       s2s, 203.0.113.1, IKEv2\n" +
        "  Child         net\n" +
        "  Monitor       on, rekey on, optimized off\n" +
        "  Interval      1 s, threshold 3, recover 1, size 64 bytes\n" +
        "  Source        10.1.0.1\n" +
        "  Destination   10.2.0.10, answers\n" +
        "                10.2.0.11, no answer\n" +
        "  Quorum        all of 2\n" +
        "  Phase 1       established, aes128/sha256, 198.51.100.2 - 203.0.113.1[4500], for 60 " +
        "s, rekeyed in 13900 s\n" +
        "  DPD           on, every 10 s\n" +
        "  Phase 2       installed, esp:aes128/sha1, SPI e37791d3 in, e37791d4 out\n" +
        "                lifetime 3596 s, rekeyed in 3200 s\n" +
        "                11 packets, 924 bytes in; 12 packets, 1008 bytes out\n" +
        "                10.1.0.0/16 === 10.2.0.0/16 10.3.0.1..10.3.0.9[not ICMP]\n" +
        "  Echoes        5 sent, 3 answered, 1 missed in a row\n" +
        "  Delay         12 ms, average 12.187 ms, availability 75%\n" +
        "  Rekeys        2\n" +
        "  Events\n" +
        "    [Root]system-critical-00040: VPN 'branch' from 203.0.113.1 is up. (2026-11-23 " +
        "13:20:01)\n",
    );
  });

  test("one without anything", () => {
    const gateway = addGateway("g", "");
    gatewayAt(gateway).version = 0;
    gatewayAt(gateway).known = false;
    const index = addVpn(gateway, "idle", VpnFlag.MONITOR | VpnFlag.OPTIMIZED);
    name(vpnAt(index).config.source_interface, 15, "br-lan");
    gatewayAt(gateway).step = Negotiation.BACKING_OFF;
    vpnAt(index).note(Note.RECOVERING);
    vpnAt(index).refusals = 2;
    gatewayAt(gateway).deadline_ms = 104_500;
    expect(ask("get vpn idle")).toBe(
      "ok\n" +
        "VPN idle: inactive, Sta I/I, ID 0x00000001\n" +
        "  Why           there is no SA\n" +
        "  Tried last    nothing yet\n" +
        "  Next          nothing: without rekey a new SA, or user traffic, is waited for\n" +
        "  Gateway       g, any address, unknown to strongSwan\n" +
        "  Child         net\n" +
        "  Monitor       on, rekey off, optimized on\n" +
        "  Interval      1 s, threshold 3, recover 1, size 64 bytes\n" +
        "  Source        none yet (br-lan)\n" +
        "  Destination   none yet\n" +
        "  Phase 1       none\n" +
        "  DPD           off\n" +
        "  Negotiation   waiting, refusals 2, next step in 4.5 s\n" +
        "  Phase 2       none\n" +
        "  Echoes        0 sent, 0 answered, 0 missed in a row\n" +
        "  Delay         none yet, availability - (optimized: from fewer echoes)\n" +
        "  Rekeys        0\n",
    );
  });

  test("counters tell their age, and count one as one", () => {
    const index = addUp();
    phase2.packets_in = 1;
    phase2.bytes_out = 1;
    mergePhase2(index, phase2);
    gatewayAt(0).listed_at_ms = 87_500;
    const line = "1 packet, 924 bytes in; 12 packets, 1 byte out (12 s ago)\n";
    expect(ask("get vpn branch").includes(line)).toBe(true);
    expect(ask("json get vpn branch").includes('"listed_s":12')).toBe(true);
    gatewayAt(0).listed = false;
    expect(ask("json get vpn branch").includes('"listed_s":null')).toBe(true);
  });

  test("a negotiation is shown where it is meant, and nowhere else", () => {
    const first = addUp();
    const gateway = gatewayAt(0);
    const second = addVpn(0, "second", VpnFlag.MONITOR | VpnFlag.REKEY);
    const third = addVpn(0, "third", VpnFlag.MONITOR | VpnFlag.REKEY);
    vpnAt(second).note(Note.RECOVERING);
    vpnAt(third).note(Note.RECOVERING);
    gateway.step = Negotiation.INITIATING;
    gateway.vpn = second;
    gateway.deadline_ms = 100_400;
    vpnAt(third).retry_at_ms = 103_000;
    expect(negotiationOf(first)).toBe("idle");
    expect(negotiationOf(second)).toBe("initiating, next step in 0.4 s");
    expect(negotiationOf(third)).toBe("waiting, next step in 3 s");

    gateway.step = Negotiation.QUEUED;
    gateway.vpn = -1;
    expect(negotiationOf(first)).toBe("idle");
    expect(negotiationOf(second)).toBe("queued");
    expect(negotiationOf(third)).toBe("queued");

    gateway.step = Negotiation.BACKING_OFF;
    gateway.deadline_ms = NEVER;
    vpnAt(second).refusals = 1;
    expect(negotiationOf(first)).toBe("idle");
    expect(negotiationOf(second)).toBe("waiting, refusals 1");
  });

  test("its last ten events, and only its own", () => {
    const index = addUp();
    const config = vpnAt(index).config;
    for (let i = 0; i < 15; i++) saDeactivated(config.name, i);
    connectionUnknown(config.gateway, config.gateway);
    const detail = ask("get vpn branch");
    expect(detail.includes("ID 0x00000004.")).toBe(false);
    expect(detail.includes("ID 0x00000005.")).toBe(true);
    expect(detail.endsWith("ID 0x0000000e. (2026-11-23 13:20:01)\n")).toBe(true);
    expect(ask("json get vpn branch").split('"id":536').length - 1).toBe(10);
  });

  test("JSON", () => {
    addUp();
    const vpn =
      '{"name":"branch","gateway":"s2s","child":"net","id":"00000001",' +
      '"interface":null,"interface_state":null,"if_id":null,"peer":"203.0.113.1",' +
      '"monitor":true,"rekey":true,"optimized":false,"sta":"A/U","state":"up",' +
      '"source":"10.1.0.1",' +
      '"targets":[{"address":"10.2.0.10","answered":true},{"address":"10.2.0.11",' +
      '"answered":false}],' +
      '"interval_ms":1000,"threshold":3,"recover":1,"quorum":"all","size":64,' +
      '"delay_last_ms":12,"delay_avg_ms":12.187,"availability_percent":75,"rounds":"0111",' +
      '"echoes_sent":5,' +
      '"echoes_answered":3,"misses":1,"rekeys":2,"negotiation":"idle","next":"echo now",' +
      '"next_ms":0,"ike":{"known":true,"version":2,"dpd":true,"dpd_delay_s":10,"sas":[{"id":3,' +
      '"state":"established",' +
      '"initiator":true,"version":2,"algorithm":"aes128/sha256","local":"198.51.100.2",' +
      '"remote":"203.0.113.1","remote_port":4500,"established_s":60,"rekey_s":13900,' +
      '"reauth_s":null}]},' +
      '"listed_s":0,' +
      '"sas":[{"id":5,"ike_id":3,"current":true,"state":"installed","spi_in":"e37791d3",' +
      '"spi_out":"e37791d4","algorithm":"esp:aes128/sha1","lifetime_s":3596,"rekey_s":3200,' +
      '"installed_s":4,"packets_in":11,"packets_out":12,"bytes_in":924,"bytes_out":1008,' +
      '"local_ts":["10.1.0.0/16"],"remote_ts":["10.2.0.0/16","10.3.0.1..10.3.0.9[not ICMP]"]}]';
    expect(ask("json get sa")).toBe('ok\n{"vpns":[' + vpn + "}]}\n");
    expect(ask("json get vpn")).toBe('ok\n{"vpns":[' + vpn + "}]}\n");
    expect(ask("json get vpn branch")).toBe(
      'ok\n{"vpns":[' +
        vpn +
        ',"settings":{"source_interface":null,"source_ip":null,"destination_ip":[]},' +
        '"events":[]}]}\n',
    );
  });

  test("JSON: what is set", () => {
    const config = vpnAt(addUp()).config;
    name(config.source_interface, 15, "br-lan");
    config.destination_count = 2;
    address(config.destination_ip(0), "10.2.0.10");
    address(config.destination_ip(1), "fd00::1");
    expect(settings()).toBe(
      '{"source_interface":"br-lan","source_ip":null,"destination_ip":["10.2.0.10","fd00::1"]}',
    );
    address(config.source_ip, "10.1.0.1");
    clear(config.source_interface);
    config.destination_count = 0;
    expect(settings()).toBe('{"source_interface":null,"source_ip":"10.1.0.1","destination_ip":[]}');
  });

  test("JSON: the last 30 rounds, of which the newest is last", () => {
    const vpn = vpnAt(addUp());
    // The lowest bit is the round under way.
    vpn.samples = 0b101;
    vpn.sample_count = 64;
    const rounds = '"rounds":"000000000000000000000000000010","echoes_sent"';
    expect(ask("json get vpn").includes(rounds)).toBe(true);
    vpn.sample_count = 0;
    expect(ask("json get vpn").includes('"rounds":"",')).toBe(true);
  });

  test("JSON: when the next thing comes", () => {
    const vpn = vpnAt(addUp());
    vpn.due_ms = now_ms + 2500;
    expect(ask("json get vpn").includes('"next":"echo in 3 s","next_ms":2500,')).toBe(true);
    vpn.config.flags = 0;
    const nothing = '"next":"nothing: not monitored","next_ms":null,';
    expect(ask("json get vpn").includes(nothing)).toBe(true);
  });

  test("JSON of one without anything", () => {
    const gateway = addGateway("g", "");
    addVpn(gateway, "idle", 0);
    const document = ask("json get vpn idle");
    const parts = [
      '"peer":null',
      '"source":null',
      '"targets":[]',
      '"delay_last_ms":null',
      '"delay_avg_ms":null',
      '"availability_percent":null',
      '"sas":[]},"listed_s":0,"sas":[],',
      '"quorum":1',
      '"state":"inactive"',
      '"sta":"I/I"',
    ];
    for (let i = 0; i < parts.length; i++) expect(document.includes(parts[i])).toBe(true, parts[i]);
  });

  test("names that try to break out", () => {
    const gateway = addGateway('g"},{"', "192.0.2.1");
    const index = addVpn(gateway, "a", 0);
    const child = vpnAt(index).config.child;
    for (let i = 0; i < 63; i++) store<u8>(child + 1 + i, <u8>(i * 5));
    store<u8>(child, 63);
    vpnDown(child, gatewayAt(gateway).peer_ip);
    connectionUnknown(vpnAt(index).config.name, child);
    expect(ask("json get sa").includes('"gateway":"g\\"},{\\""')).toBe(true);
    expect(ask("json get vpn a").startsWith("ok\n")).toBe(true);
    expect(ask("json get event").startsWith("ok\n")).toBe(true);
  });
});

/** Of the only VPN. */
function settings(): string {
  const document = ask("json get vpn branch");
  const start = document.indexOf('"settings":') + 11;
  return document.substring(start, document.indexOf(',"events"'));
}

describe("get interface", () => {
  test("none, one that is down, one with addresses of both families", () => {
    beginDump();
    endInterfaceDump();
    expect(ask("get interface")).toBe("ok\nName            State Address\n");
    expect(ask("json get interface")).toBe('ok\n{"interfaces":[]}\n');
    const at = memory.data(16);
    setInterface(2, room, put("wan"), false);
    setInterface(3, room, put("br-lan"), true);
    address(at, "10.1.0.1");
    setAddress(3, at, 24, 0);
    address(at, "fd00::1");
    setAddress(3, at, 64, 0);
    expect(ask("get interface")).toBe(
      "ok\n" +
        "Name            State Address\n" +
        "wan             down  -\n" +
        "br-lan          up    10.1.0.1/24\n" +
        "                      fd00::1/64\n",
    );
    expect(ask("json get interface")).toBe(
      'ok\n{"interfaces":[{"name":"wan","up":false,"addresses":[]},' +
        '{"name":"br-lan","up":true,"addresses":["10.1.0.1/24","fd00::1/64"]}]}\n',
    );
    removeInterface(2);
    removeInterface(3);
  });
});

describe("get vpnmonitor", () => {
  test("settings and counts", () => {
    addUp();
    addVpn(addGateway("other", ""), "idle", 0);
    running.interval_ms = 500;
    expect(ask("get vpnmonitor")).toBe(
      "ok\n" +
        "VPN monitor interval: 0.5 (seconds)\n" +
        "VPN monitor threshold: 10\n" +
        "strongSwan (vici): /var/run/charon.vici, not connected\n" +
        "Configuration: none\n" +
        "Recorder: off\n" +
        "VPNs: 2 configured, 1 monitored; 1 up, 0 down, 0 ready, 1 inactive\n",
    );
    expect(ask("json get vpnmonitor")).toBe(
      'ok\n{"interval_ms":500,"threshold":10,"vici":"/var/run/charon.vici","connected":false,' +
        '"configuration":null,"recorder":{"on":false,"since":null,"error":null},' +
        '"vpns":{"configured":2,"monitored":1,"inactive":1,"ready":0,"up":1,"down":0}}\n',
    );
  });
});

/** The only action of the call, as kind and argument. */
function action(): string {
  assert(actionCount() == 1);
  return `${load<u32>(actionBuffer())} ${load<u32>(actionBuffer(), 4)}`;
}

/** Gives the command without a look at what it answers. */
function tell(command: string): void {
  resetActions();
  runCommand(7, room, put(command));
}

/** What the client is answered when the host tells what became of its command. */
function hear(on: bool, errno: i32): string {
  resetActions();
  recorderTold(on, errno);
  resetActions();
  answerRecord();
  if (actionCount() == 0) return "";
  const reply = actionBuffer();
  return String.UTF8.decodeUnsafe(load<usize>(reply, 8), load<u32>(reply, 12));
}

describe("record", () => {
  test("a command is the host's affair first, and answered when that is known", () => {
    tell("record start");
    expect(action()).toBe("10 1");
    expect(hear(true, 0)).toBe("ok\nRecorder: on since 2026-11-23 13:20:01\n");
    expect(hear(true, 0)).toBe("");
    expect(ask("record start")).toBe("ok\nRecorder: on since 2026-11-23 13:20:01\n");
    expect(ask("get vpnmonitor").includes("\nRecorder: on since 2026-11-23 13:20:01\n")).toBe(true);
    tell("json record stop");
    expect(action()).toBe("10 0");
    expect(hear(false, 0)).toBe(
      'ok\n{"recorder":{"on":false,"since":"2026-11-23T13:20:01.250Z","error":null}}\n',
    );
    expect(ask("record stop")).toBe("ok\nRecorder: off since 2026-11-23 13:20:01\n");
  });

  test("what keeps it from recording is told, and shown until it records", () => {
    tell("record start");
    expect(hear(false, 28)).toBe("error\nrecording is not possible: No space left on device\n");
    expect(ask("get vpnmonitor").includes("13:20:01: No space left on device\nVPNs")).toBe(true);
    expect(ask("json get vpnmonitor").includes('"error":"No space left on device"}')).toBe(true);
    tell("json record start");
    expect(hear(false, 13)).toBe(
      'error\n{"error":"recording is not possible: Permission denied"}\n',
    );
    tell("record start");
    expect(hear(true, 0)).toBe("ok\nRecorder: on since 2026-11-23 13:20:01\n");
    hear(false, 28);
    expect(ask("get event").includes("Recording is not possible (No space left")).toBe(true);
    recorderTold(false, 0);
    resetActions();
  });

  test("saving is the host's affair alone", () => {
    tell('rec sa "a file"');
    expect(action()).toBe("11 7");
    const file = String.UTF8.decodeUnsafe(
      load<usize>(actionBuffer(), 8),
      load<u32>(actionBuffer(), 12),
    );
    expect(file).toBe("a file");
    expect(ask("record save").startsWith("error\n")).toBe(true);
  });
});

describe("get vpnmonitor: the configuration", () => {
  test("which one is in force, and that a later one was refused", () => {
    noteLoaded(room, put("/etc/config/rekeyd"));
    expect(
      ask("get vpnmonitor").includes(
        "\nConfiguration: /etc/config/rekeyd, loaded 2026-11-23 13:20:01\nRecorder: ",
      ),
    ).toBe(true);
    expect(
      ask("json get vpnmonitor").includes(
        '"configuration":{"path":"/etc/config/rekeyd","loaded":"2026-11-23T13:20:01.250Z",' +
          '"saved":true,"refused":null},',
      ),
    ).toBe(true);

    setTime(100_000, 1_795_440_061_000);
    initConfig();
    const path_len = put("vpn.conf");
    const bad = "optoin x\noption y\n";
    const bad_len = <i32>String.UTF8.encodeUnsafe(changetype<usize>(bad), bad.length, out);
    expect(readConfig(room, path_len, out, bad_len)).toBe(2);
    noteRefused();
    expect(
      ask("get vpnmonitor").includes(
        "loaded 2026-11-23 13:20:01\n" +
          "Last reload: refused 2026-11-23 13:21:01, 2 mistakes; vpn.conf:1: a line cannot begin " +
          "with 'optoin'; did you mean 'option'?\nRecorder: ",
      ),
    ).toBe(true);
    expect(
      ask("json get vpnmonitor").includes(
        '"refused":{"time":"2026-11-23T13:21:01.000Z","mistakes":2,"first":"vpn.conf:1: a line ' +
          "cannot begin with 'optoin'; did you mean 'option'?\"}},",
      ),
    ).toBe(true);
  });
});

describe("get event", () => {
  test("text and JSON, the newest last", () => {
    expect(ask("get event")).toBe("ok\n");
    expect(ask("json get event")).toBe('ok\n{"dropped":0,"events":[]}\n');
    const index = addUp();
    const vpn = vpnAt(index).config.name;
    vpnDown(vpn, gatewayAt(0).peer_ip);
    setTime(100_000, 1_795_440_061_007);
    vpnUp(vpn, gatewayAt(0).peer_ip);
    expect(ask("get event")).toBe(
      "ok\n" +
        "[Root]system-critical-00041: VPN 'branch' from 203.0.113.1 is down. (2026-11-23 " +
        "13:20:01)\n" +
        "[Root]system-critical-00040: VPN 'branch' from 203.0.113.1 is up. (2026-11-23 13:21:01)\n",
    );
    expect(ask("json get event")).toBe(
      'ok\n{"dropped":0,"events":[{"id":41,"severity":"critical",' +
        '"time":"2026-11-23T13:20:01.250Z","vpn":"branch",' +
        '"text":"VPN \'branch\' from 203.0.113.1 is down."},' +
        '{"id":40,"severity":"critical","time":"2026-11-23T13:21:01.007Z","vpn":"branch",' +
        '"text":"VPN \'branch\' from 203.0.113.1 is up."}]}\n',
    );
  });

  test("a full log fits", () => {
    const index = addUp();
    for (let i = 0; i < MAX_EVENTS; i++) {
      resetActions();
      saDeactivated(vpnAt(index).config.name, i);
    }
    expect(ask("get event").split("\n").length).toBe(MAX_EVENTS + 2);
    expect(ask("json get event").split('"id":').length - 1).toBe(MAX_EVENTS);
    resetActions();
    saDeactivated(vpnAt(index).config.name, 0);
    expect(ask("get event").split("\n")[1]).toBe(
      "(1 older event dropped: the log keeps the last 1024)",
    );
    for (let i = 0; i < 41; i++) saDeactivated(vpnAt(index).config.name, i);
    expect(ask("get event").split("\n")[1]).toBe(
      "(42 older events dropped: the log keeps the last 1024)",
    );
    expect(ask("json get event").startsWith('ok\n{"dropped":42,"events":[{')).toBe(true);
  });
});

describe("commands", () => {
  test("white space of any kind separates words", () => {
    expect(ask("  get\tvpnmonitor \r\n").startsWith("ok\n")).toBe(true);
    expect(ask("\tjson  get   vpnmonitor").startsWith("ok\n{")).toBe(true);
  });

  test("a wrong word is shown in its line, with a caret and what may stand there", () => {
    addUp();
    expect(ask(" get\tvpn branhc")).toBe(
      "error\n get vpn branhc\n" +
        "         ^--- there is no VPN 'branhc'; here may stand:\n" +
        "  NAME      a VPN: branch\n" +
        "  <return>  all VPNs, or everything about one\n",
    );
    expect(ask('json get vpn "x')).toBe(
      'error\n{"error":"there is no VPN \'x\'","column":9,"expected":' +
        '[{"word":"NAME","text":"a VPN: branch"},' +
        '{"word":"<return>","text":"all VPNs, or everything about one"}]}\n',
    );
    expect(ask("get vpn " + "n".repeat(100)).includes("'" + "n".repeat(48) + "...'")).toBe(true);
    expect(ask("get vpn n\x7f").startsWith("error\nget vpn n?\n        ^--- ")).toBe(true);
    expect(ask("get vpn n\x7f").includes("there is no VPN 'n?';")).toBe(true);
  });

  test("a line that is too long is refused", () => {
    expect(ask("get event " + " x".repeat(600))).toBe(
      "error\nthe command is longer than 1024 bytes\n",
    );
    expect(ask("json get event " + "x".repeat(1100))).toBe(
      'error\n{"error":"the command is longer than 1024 bytes"}\n',
    );
  });

  test("of many VPNs help names a few, completion all", () => {
    const gateway = addGateway("s2s", "203.0.113.1");
    for (let i = 0; i < 20; i++) addVpn(gateway, "branch" + i.toString(), 0);
    addVpn(gateway, "other", 0);
    const few = "branch0, branch1, branch2, branch3, branch4, branch5, branch6, branch7";
    expect(ask("get vpn ?").includes("a VPN: " + few + " and 13 more\n")).toBe(true);
    expect(ask("get vpn branch1?").includes("branch16 and 3 more\n")).toBe(true);
    expect(ask("complete get vpn ").split("\n").length - 2).toBe(21);
    expect(ask("complete get vpn branch1").split("\n").length - 2).toBe(11);
  });

  test("any bytes get one answer", () => {
    addUp();
    const parts = [
      "? ",
      "help ",
      "complete ",
      "json ",
      "get ",
      "sa ",
      "vpn ",
      "event ",
      "vpnmonitor ",
      "id ",
      "0x1 ",
      "branch ",
      '"',
      "\n",
      "active ",
    ];
    let seed: u32 = 7;
    for (let round = 0; round < 5000; round++) {
      let len = 0;
      for (let i = 0; i < round % 9; i++) {
        seed = seed * 1_664_525 + 1_013_904_223;
        const choice = seed >> 27;
        if (<i32>choice < parts.length) {
          const part = parts[choice];
          len += <i32>String.UTF8.encodeUnsafe(changetype<usize>(part), part.length, room + len);
        } else {
          store<u8>(room + len++, <u8>(seed >> 16));
        }
      }
      // A byte beyond the line must not be read.
      store<u8>(room + len, 0x78);
      run(len);
      const ok = load<u8>(replyAt()) == 0x6f;
      if (len > 5 && String.UTF8.decodeUnsafe(room, 5) == "json ") {
        expect(parsesAsJson(replyAt() + (ok ? 3 : 6), replyLength() - (ok ? 3 : 6))).toBe(true);
      }
    }
    for (let round = 0; round < 3000; round++) {
      const len = round % (MAX_COMMAND_BYTES + 100);
      for (let i = 0; i < len; i++) {
        seed = seed * 1_664_525 + 1_013_904_223;
        store<u8>(room + i, <u8>(seed >> 24));
      }
      run(len);
    }
  });
});

describe("answers that are too long", () => {
  test("text ends with a whole line and says so; JSON becomes an error", () => {
    const gateway = addGateway("s2s", "203.0.113.1");
    const vpn_name = "a-name-that-is-31-bytes-long-aa";
    const first = addVpn(gateway, vpn_name, 0);
    for (let i = 0; i < 60_000; i++) {
      const index = takeVpn();
      memory.copy(changetype<usize>(vpnAt(index)), changetype<usize>(vpnAt(first)), 1024);
    }
    const notice =
      "\n(cut: the answer is longer than 4194304 bytes; ask for one VPN: get vpn NAME)\n";
    const table = ask("get sa");
    expect(table.startsWith("ok\ntotal configured sa: 60001\n")).toBe(true);
    expect(table.endsWith(" unlim I/I   -1 0" + notice)).toBe(true);
    expect(ask("get vpn").endsWith("    -     -" + notice)).toBe(true);
    const error =
      'error\n{"error":"the answer is longer than 4194304 bytes; ask for one VPN: get vpn NAME"}\n';
    expect(ask("json get sa")).toBe(error);
    expect(ask("json get vpn")).toBe(error);
    expect(ask("json get vpn " + vpn_name).startsWith("ok\n")).toBe(true);
  });
});
