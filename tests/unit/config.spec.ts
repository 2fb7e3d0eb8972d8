import { isUnset, writeAddress } from "../../assembly/bytes/address";
import { writerAt, WRITER_BYTES } from "../../assembly/bytes/writer";
import {
  mistakeCount,
  mistakeLine,
  mistakeLineLength,
  mistakeLines,
} from "../../assembly/config/mistakes";
import {
  initHistory,
  isLoaded,
  loadedAt,
  loadedPath,
  noteLoaded,
  noteRefused,
  refusedAt,
  refusedLine,
  refusedMistakes,
} from "../../assembly/config/history";
import { VpnConfig, VpnFlag } from "../../assembly/config/model";
import { resembles } from "../../assembly/config/nearest";
import { readConfig } from "../../assembly/config/read";
import { initConfig, stagedCount, stagedGlobal, stagedVpn } from "../../assembly/config/staged";
import { summarize } from "../../assembly/config/summary";
import { setTime } from "../../assembly/clock";
import {
  nextStatement,
  openUci,
  statementLine,
  statementSyntax,
  Syntax,
  word,
  wordCount,
  wordLength,
} from "../../assembly/config/uci";
import { Host, parseHost, parseSeconds } from "../../assembly/config/value";
import { MAX_CONFIG_BYTES, MAX_CONFIG_ERRORS, MAX_VPNS } from "../../assembly/limits";
import { random } from "./hostile";

const ROOM: i32 = 1 << 16;
const text_room: usize = memory.data(ROOM);
const many_room: usize = memory.data(MAX_CONFIG_BYTES);
const path_room: usize = memory.data(512);
const out: usize = memory.data(512);
const writer = writerAt(memory.data(WRITER_BYTES, 8));

initConfig();

/** Copies a string as UTF-8 and answers its length. */
function put(at: usize, s: string): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(s), s.length, at);
}

/** Reads the configuration; answers the mistakes, a line each. */
function read(content: string): string {
  const path_len = put(path_room, "vpn.conf");
  const count = readConfig(path_room, path_len, text_room, put(text_room, content));
  let all = "";
  const lines = mistakeLines();
  for (let i = 0; i < lines; i++) {
    if (i > 0) all += "\n";
    all += String.UTF8.decodeUnsafe(mistakeLine(i), mistakeLineLength(i));
  }
  assert(count == mistakeCount());
  return all;
}

/** Mistakes of one VPN with a gateway and these lines; the first of them is line 3. */
function readVpn(lines: string): string {
  return read("config vpn 'a'\n\toption gateway 'g'\n" + lines);
}

function expectHosts(kind: Host, addresses: string): void {
  const each = addresses.split(" ");
  for (let i = 0; i < each.length; i++) {
    expect<i32>(parseHost(text_room, put(text_room, each[i]), out)).toBe(kind, each[i]);
  }
}

function summary(): string {
  const w = summarize();
  return String.UTF8.decodeUnsafe(w.start, w.length);
}

function refused(): string {
  return String.UTF8.decodeUnsafe(refusedLine().start, refusedLine().length);
}

function name(field: usize): string {
  return String.UTF8.decodeUnsafe(field + 1, load<u8>(field));
}

function address(at: usize): string {
  writer.reset(out, 512);
  writeAddress(writer, at);
  return String.UTF8.decodeUnsafe(out, writer.length);
}

/** The words of all statements, `|` between words, `\n` between statements. */
function words(content: string): string {
  openUci(text_room, put(text_room, content));
  let all = "";
  while (nextStatement()) {
    if (all.length > 0) all += "\n";
    all += statementLine().toString() + ":";
    if (statementSyntax() != Syntax.GOOD) {
      all += "syntax " + statementSyntax().toString();
      continue;
    }
    for (let i = 0; i < wordCount(); i++) {
      if (i > 0) all += "|";
      all += String.UTF8.decodeUnsafe(word(i), wordLength(i));
    }
  }
  return all;
}

const EXAMPLE =
  "config vpnmonitor 'global'\n" +
  "\toption interval '5'\n" +
  "\toption threshold '4'\n" +
  "\toption vici '/run/charon.vici'\n" +
  "\toption recorder '1'\n" +
  "\n" +
  "config vpn 'branch'\n" +
  "\toption gateway 's2s'\n" +
  "\toption child 'net'\n" +
  "\toption monitor '1'\n" +
  "\toption rekey '1'\n" +
  "\toption optimized '0'\n" +
  "\toption source_ip '10.1.0.1'\n" +
  "\tlist destination_ip '10.2.0.10'\n" +
  "\tlist destination_ip '10.2.0.11'\n" +
  "\toption interval '0.02'\n" +
  "\toption threshold '3'\n" +
  "\toption size '1350'\n" +
  "\toption quorum 'all'\n" +
  "\toption recover '2'\n" +
  "\toption phase1_lifetime '3600'\n" +
  "config vpn 'plain'\n" +
  "\toption gateway 's2s'\n";

describe("config/uci", () => {
  test("cuts lines into words", () => {
    expect(words("config vpn 'a'\n\toption x \"y\"\n")).toBe("1:config|vpn|a\n2:option|x|y");
    expect(words("a b  c\td")).toBe("1:a|b|c|d");
    expect(words("")).toBe("");
    expect(words(" \n\n\t\n")).toBe("");
  });

  test("takes quotes and escapes as libuci does", () => {
    expect(words("option x 'a b'")).toBe("1:option|x|a b");
    expect(words("option x 'a'\"b\"c")).toBe("1:option|x|abc");
    expect(words('option x "a\\"b"')).toBe('1:option|x|a"b');
    expect(words("option x 'a\\'")).toBe("1:option|x|a\\");
    expect(words("option x a\\ b")).toBe("1:option|x|a b");
    expect(words("option x ''")).toBe("1:option|x|");
    expect(words("option x 'it'\\''s'")).toBe("1:option|x|it's");
  });

  test("leaves out comments and empty lines, and counts lines all the same", () => {
    expect(words("# one\n\n  # two\na 'b#c' # three\nd#e\n")).toBe("4:a|b#c\n5:d");
    expect(words("a \\\nb\nc")).toBe("1:a|b\n3:c");
    expect(words("a;b c;\nd")).toBe("1:a\n1:b|c\n2:d");
  });

  test("takes the line ends of other systems, and a byte order mark", () => {
    expect(words("a 'b'\r\nc d\r\n")).toBe("1:a|b\n2:c|d");
    expect(words("\ufeffa b")).toBe("1:a|b");
  });

  test("finds what is no text, line by line", () => {
    const open = ":syntax " + Syntax.OPEN_QUOTE.toString();
    expect(words("a 'b\nc 'd'\n")).toBe("1" + open + "\n2:c|d");
    expect(words('a "b\r\nc')).toBe("1" + open + "\n2:c");
    expect(words('a "b')).toBe("1" + open);
    expect(words("a b\x01c\nd")).toBe("1:syntax " + Syntax.CONTROL_CHARACTER.toString() + "\n2:d");
    expect(words("a '\0'")).toBe("1:syntax " + Syntax.CONTROL_CHARACTER.toString());
    expect(words("a " + "x".repeat(255))).toBe("1:a|" + "x".repeat(255));
    expect(words("a " + "x".repeat(256))).toBe("1:syntax " + Syntax.LONG_WORD.toString());
  });

  test("keeps no more words than it has room for", () => {
    expect(words("a b c d e f g")).toBe("1:a|b|c|g");
  });
});

describe("config/value", () => {
  test("seconds", () => {
    const texts = ["10", "0.02", "0.5", ".5", "3600", "1.234", "0.001"];
    const values: i64[] = [10_000, 20, 500, 500, 3_600_000, 1234, 1];
    for (let i = 0; i < texts.length; i++) {
      expect(parseSeconds(text_room, put(text_room, texts[i]))).toBe(values[i], texts[i]);
    }
    const bad = ["", ".", "1.", "1.2345", "-1", "1,5", "1e3", "10s", " 1", "1.2.3", "0x10"];
    for (let i = 0; i < bad.length; i++) {
      expect(parseSeconds(text_room, put(text_room, bad[i]))).toBe(-1, bad[i]);
    }
  });

  test("addresses of hosts only", () => {
    expectHosts(Host.GOOD, "10.1.0.1 1.0.0.0 126.255.255.255 128.0.0.0 223.255.255.255");
    expectHosts(Host.GOOD, "169.254.10.1 fd00::1 ::2 1::1 0:0:0:1::1 fe7f::1 fec0::1 feff::1");
    expectHosts(Host.UNSPECIFIED, "0.0.0.0 0.255.255.255 :: ::ffff:0.0.0.0");
    expectHosts(Host.LOOPBACK, "127.0.0.1 127.255.255.255 ::1 ::ffff:127.0.0.1");
    expectHosts(Host.LINK_LOCAL, "fe80::1 febf::1");
    expectHosts(Host.MULTICAST, "224.0.0.1 239.255.255.255 ff00:: ff02::1 ffff::1");
    expectHosts(Host.RESERVED, "240.0.0.0 255.255.255.255");
    expectHosts(Host.MALFORMED, "10.1.0 10.1.0.1/24 fe80::1%eth0 x : 256.0.0.1");
  });
});

describe("config/summary", () => {
  test("says what a file would do, also if that is nothing", () => {
    expect(read("")).toBe("");
    expect(summary()).toBe("0 VPNs, 0 monitored, 0 with rekey");
    expect(readVpn("")).toBe("");
    expect(summary()).toBe("1 VPN, 0 monitored, 0 with rekey");
    expect(read(EXAMPLE)).toBe("");
    expect(summary()).toBe("2 VPNs, 1 monitored, 1 with rekey");
  });
});

describe("config/history", () => {
  test("what was taken, and what was refused since then", () => {
    initHistory();
    expect(isLoaded()).toBe(false);
    expect(refusedMistakes()).toBe(0);
    setTime(0, 1000);
    noteLoaded(path_room, put(path_room, "/etc/config/rekeyd"));
    expect(isLoaded()).toBe(true);
    expect(name(loadedPath())).toBe("/etc/config/rekeyd");
    expect(loadedAt()).toBe(1000);

    setTime(0, 2000);
    read("config vpn a\noption x\n");
    noteRefused();
    expect(refusedMistakes()).toBe(2);
    expect(refusedAt()).toBe(2000);
    expect(loadedAt()).toBe(1000);
    expect(refused()).toBe(
      "vpn.conf:1: the VPN has no gateway; name strongSwan's connection: option gateway 'NAME'",
    );

    setTime(0, 3000);
    noteLoaded(path_room, put(path_room, "p".repeat(400)));
    expect(name(loadedPath())).toBe("p".repeat(255));
    expect(refusedMistakes()).toBe(0);
    expect(loadedAt()).toBe(3000);
  });

  test("a long mistake is cut", () => {
    const path_len = put(path_room, "p".repeat(400));
    expect(readConfig(path_room, path_len, text_room, put(text_room, "option x"))).toBe(1);
    noteRefused();
    let whole = String.UTF8.decodeUnsafe(mistakeLine(0), mistakeLineLength(0));
    expect(refused()).toBe(whole);

    const options =
      "\noption gateway " + "g".repeat(63) + "\noption child " + "c".repeat(63) + "\n";
    const text_len = put(text_room, "config vpn a" + options + "config vpn b" + options);
    expect(readConfig(path_room, path_len, text_room, text_len)).toBe(1);
    noteRefused();
    whole = String.UTF8.decodeUnsafe(mistakeLine(0), mistakeLineLength(0));
    expect(refused()).toBe(whole.slice(0, 397) + "...");
  });
});

describe("config/section", () => {
  test("a gateway that is misspelt is one mistake, the next section's another", () => {
    expect(read("config vpn a\noption gatway g\nconfig vpn b\n")).toBe(
      "vpn.conf:2: unknown option 'gatway' of a vpn; did you mean 'gateway'?\n" +
        "vpn.conf:3: the VPN has no gateway; name strongSwan's connection: option gateway 'NAME'",
    );
  });
});

describe("config/nearest", () => {
  test("recognizes misspellings, and nothing else", () => {
    const written = ["gatway", "Gateway", "getaway", "gateways", "gateway"];
    for (let i = 0; i < written.length; i++) {
      expect(resembles(text_room, put(text_room, written[i]), "gateway")).toBe(true, written[i]);
    }
    expect(resembles(text_room, put(text_room, "source-ip"), "source_ip")).toBe(true);
    const others = ["", "way", "child", "destination_ip", "x".repeat(400)];
    for (let i = 0; i < others.length; i++) {
      expect(resembles(text_room, put(text_room, others[i]), "gateway")).toBe(false, others[i]);
    }
  });
});

describe("config/read: what is good", () => {
  test("reads every option", () => {
    expect(read(EXAMPLE)).toBe("");
    expect(stagedGlobal().interval_ms).toBe(5000);
    expect(stagedGlobal().threshold).toBe(4);
    expect(name(stagedGlobal().vici)).toBe("/run/charon.vici");
    expect(stagedGlobal().recorder).toBe(true);
    expect(stagedCount()).toBe(2);
    const vpn = stagedVpn(0);
    expect(name(vpn.name)).toBe("branch");
    expect(name(vpn.gateway)).toBe("s2s");
    expect(name(vpn.child)).toBe("net");
    expect(vpn.flags).toBe(VpnFlag.MONITOR | VpnFlag.REKEY);
    expect(address(vpn.source_ip)).toBe("10.1.0.1");
    expect(vpn.destination_count).toBe(2);
    expect(address(vpn.destination_ip(0))).toBe("10.2.0.10");
    expect(address(vpn.destination_ip(1))).toBe("10.2.0.11");
    expect(vpn.interval_ms).toBe(20);
    expect(vpn.threshold).toBe(3);
    expect(vpn.size).toBe(1350);
    expect(vpn.quorum).toBe(0);
    expect(vpn.recover).toBe(2);
    expect(vpn.phase1_lifetime_s).toBe(3600);
  });

  test("fills in the defaults", () => {
    expect(read(EXAMPLE)).toBe("");
    const vpn = stagedVpn(1);
    expect(name(vpn.child)).toBe("plain");
    expect(vpn.flags).toBe(0);
    expect(isUnset(vpn.source_ip)).toBe(true);
    expect(load<u8>(vpn.source_interface)).toBe(0);
    expect(vpn.destination_count).toBe(0);
    expect(vpn.interval_ms).toBe(5000);
    expect(vpn.threshold).toBe(4);
    expect(vpn.size).toBe(64);
    expect(vpn.quorum).toBe(1);
    expect(vpn.recover).toBe(1);
    expect(vpn.phase1_lifetime_s).toBe(28_800);

    expect(read("")).toBe("");
    expect(stagedCount()).toBe(0);
    expect(stagedGlobal().interval_ms).toBe(10_000);
    expect(stagedGlobal().threshold).toBe(10);
    expect(name(stagedGlobal().vici)).toBe("/var/run/charon.vici");
    expect(stagedGlobal().recorder).toBe(false);
  });

  test("takes the global section wherever it stands, and uci export's first line", () => {
    expect(
      read(
        "package rekeyd\nconfig vpn a\n option gateway g\nconfig vpnmonitor global\n option " +
          "interval 3\n",
      ),
    ).toBe("");
    expect(stagedVpn(0).interval_ms).toBe(3000);
  });

  test("takes a VPN's own hook, else the global one, and none where it says so", () => {
    const vpns =
      "config vpn a\noption gateway a\n" +
      "config vpn b\noption gateway b\noption hook /own\n" +
      "config vpn c\noption gateway c\noption hook none\n";
    expect(read(vpns)).toBe("");
    expect(name(stagedVpn(0).hook)).toBe("");
    expect(name(stagedVpn(1).hook)).toBe("/own");
    expect(name(stagedVpn(2).hook)).toBe("");
    expect(stagedGlobal().hook_timeout_ms).toBe(30_000);
    const global = "config vpnmonitor global\noption hook_timeout 3600\noption hook ";
    const path = "/" + "h".repeat(106);
    expect(read(vpns + global + path)).toBe("");
    expect(name(stagedVpn(0).hook)).toBe(path);
    expect(name(stagedVpn(1).hook)).toBe("/own");
    expect(name(stagedVpn(2).hook)).toBe("");
    expect(stagedGlobal().hook_timeout_ms).toBe(3_600_000);
    expect(read(vpns + global + "none")).toBe("");
    expect(name(stagedVpn(0).hook)).toBe("");
    expect(name(stagedVpn(1).hook)).toBe("/own");
  });

  test("takes every way in which UCI says yes and no", () => {
    const yes = ["1", "on", "yes", "true", "enabled"];
    const no = ["0", "off", "no", "false", "disabled"];
    for (let i = 0; i < yes.length; i++) {
      expect(readVpn("option monitor " + yes[i])).toBe("");
      expect(stagedVpn(0).has(VpnFlag.MONITOR)).toBe(true, yes[i]);
      expect(readVpn("option monitor " + no[i])).toBe("");
      expect(stagedVpn(0).has(VpnFlag.MONITOR)).toBe(false, no[i]);
    }
  });

  test("takes limits, IPv6, an interface, one destination as an option", () => {
    expect(
      readVpn("option interval 3600\noption threshold 65536\noption size 64\noption recover 64"),
    ).toBe("");
    expect(readVpn("option phase1_lifetime 0")).toBe("");
    expect(stagedVpn(0).phase1_lifetime_s).toBe(0);
    expect(readVpn("option source_ip fd00::1\noption destination_ip fd01::1")).toBe("");
    expect(address(stagedVpn(0).destination_ip(0))).toBe("fd01::1");
    expect(readVpn("option source_interface br-lan.7")).toBe("");
    expect(name(stagedVpn(0).source_interface)).toBe("br-lan.7");
    expect(
      readVpn("list destination_ip 10.0.0.1\nlist destination_ip 10.0.0.2\noption quorum 2"),
    ).toBe("");
    expect(stagedVpn(0).quorum).toBe(2);
    expect(readVpn("option quorum any")).toBe("");
    expect(readVpn("option child 'büro 1'")).toBe("");
    expect(name(stagedVpn(0).child)).toBe("büro 1");
  });

  test("the same text gives the same bytes", () => {
    expect(read(EXAMPLE)).toBe("");
    const before = memory.data(512);
    memory.copy(before, changetype<usize>(stagedVpn(0)), 288);
    expect(readVpn("option child 'quite another name'\nlist destination_ip fd00::1")).toBe("");
    expect(read(EXAMPLE)).toBe("");
    expect(memory.compare(before, changetype<usize>(stagedVpn(0)), 288)).toBe(0);
  });
});

describe("config/read: what is wrong", () => {
  test("the lines of the file", () => {
    expect(read("optoin x y")).toBe(
      "vpn.conf:1: a line cannot begin with 'optoin'; did you mean 'option'?",
    );
    expect(read("\n\nconfg vpn 'a'")).toBe(
      "vpn.conf:3: a line cannot begin with 'confg'; did you mean 'config'?",
    );
    expect(read("lst x y")).toBe(
      "vpn.conf:1: a line cannot begin with 'lst'; did you mean 'list'?",
    );
    expect(read("interval = 10")).toBe(
      "vpn.conf:1: a line cannot begin with 'interval'; it begins with config, option, list or #",
    );
    expect(readVpn("option child 'net")).toBe(
      "vpn.conf:3: a quote is not closed; a value ends with the quote with which it began, on " +
        "the same line",
    );
    expect(readVpn("option child " + "n".repeat(300))).toBe(
      "vpn.conf:3: a value is longer than 255 bytes; is a quote missing?",
    );
    expect(readVpn("option child 'n\x1b[2J'")).toBe(
      "vpn.conf:3: there is a control character in a value; the file must be plain text",
    );
  });

  test("the heads of sections", () => {
    expect(read("config vpns 'a'\noption nonsense 1")).toBe(
      "vpn.conf:1: unknown section type 'vpns'; did you mean 'vpn'?",
    );
    expect(read("config vpnmonitr 'global'")).toBe(
      "vpn.conf:1: unknown section type 'vpnmonitr'; did you mean 'vpnmonitor'?",
    );
    expect(read("config interface 'lan'")).toBe(
      "vpn.conf:1: unknown section type 'interface'; there are config vpnmonitor 'global', " +
        "config vpn 'NAME', config tunnel 'INTERFACE', config route and config nhtb",
    );
    expect(read("config")).toBe(
      "vpn.conf:1: unknown section type ''; there are config vpnmonitor 'global', " +
        "config vpn 'NAME', config tunnel 'INTERFACE', config route and config nhtb",
    );
    expect(read("config vpn\noption gateway g")).toBe(
      "vpn.conf:1: the VPN has no name; write config vpn 'NAME'",
    );
    expect(read("config vpn my branch\noption gateway g")).toBe(
      "vpn.conf:1: too many words; write config vpn 'NAME'",
    );
    expect(read("config vpn 'my branch'\noption gateway g")).toBe(
      "vpn.conf:1: the VPN's name 'my branch' is not possible; it takes letters, digits and " +
        "signs such as - _ . but no space, quote or backslash",
    );
    expect(read("config vpn '" + "n".repeat(32) + "'\noption gateway g")).toBe(
      "vpn.conf:1: the VPN's name '" + "n".repeat(32) + "' has 32 bytes; at most 31 are possible",
    );
    expect(read("config vpnmonitor 'lan'")).toBe(
      "vpn.conf:1: this section has one name only; write config vpnmonitor 'global'",
    );
    expect(read("config vpnmonitor 'global'\nconfig vpnmonitor 'global'")).toBe(
      "vpn.conf:2: section vpnmonitor 'global' stands twice, first in line 1; put all its " +
        "options into one",
    );
    expect(read("option gateway g")).toBe(
      "vpn.conf:1: an option stands before any section; write config vpn 'NAME' above it",
    );
  });

  test("options that are not there, or are not complete", () => {
    expect(readVpn("option gatway x")).toBe(
      "vpn.conf:3: unknown option 'gatway' of a vpn; did you mean 'gateway'?",
    );
    expect(readVpn("option frobnicate x")).toBe(
      "vpn.conf:3: unknown option 'frobnicate' of a vpn; it may have interval, threshold, " +
        "hook, gateway, child, monitor, " +
        "rekey, optimized, source_ip, source_interface, destination_ip, size, quorum, recover, " +
        "phase1_lifetime, tunnel, nhtb_accept",
    );
    expect(readVpn("option vici /x")).toBe(
      "vpn.conf:3: unknown option 'vici' of a vpn; it may have interval, threshold, hook, " +
        "gateway, child, monitor, " +
        "rekey, optimized, source_ip, source_interface, destination_ip, size, quorum, recover, " +
        "phase1_lifetime, tunnel, nhtb_accept",
    );
    expect(read("config vpnmonitor 'global'\noption rekey 1")).toBe(
      "vpn.conf:2: unknown option 'rekey' of vpnmonitor; it may have interval, threshold, " +
        "hook, vici, recorder, hook_timeout",
    );
    expect(readVpn("option")).toBe("vpn.conf:3: the option has no name; write option NAME 'VALUE'");
    expect(readVpn("option interval")).toBe(
      "vpn.conf:3: interval has no value; write option interval '10'",
    );
    expect(readVpn("option child my net")).toBe(
      "vpn.conf:3: child has more than one value, or one without quotes; write option child 'NAME'",
    );
    expect(readVpn("list destination_ip 10.0.0.1 10.0.0.2")).toBe(
      "vpn.conf:3: destination_ip has more than one value, or one without quotes; write list " +
        "destination_ip '10.2.0.10'",
    );
    expect(readVpn("list interval 10")).toBe(
      "vpn.conf:3: interval is no list; write option interval '10'",
    );
    expect(readVpn("option interval 1\noption interval 2")).toBe(
      "vpn.conf:4: interval stands twice, first in line 3; keep one of them",
    );
    expect(readVpn("option destination_ip 10.0.0.1\noption destination_ip 10.0.0.2")).toBe(
      "vpn.conf:4: destination_ip stands twice, first in line 3; for several write, for each, " +
        "list destination_ip '10.2.0.10'",
    );
  });

  test("numbers", () => {
    const intervals = ["0", "0.019", "3600.001", "-1", "ten", "", "99999999999999999999"];
    for (let i = 0; i < intervals.length; i++) {
      expect(readVpn("option interval '" + intervals[i] + "'")).toBe(
        "vpn.conf:3: interval '" +
          intervals[i] +
          "' is not possible; it is seconds from 0.02 to 3600 with at most three decimals, such " +
          "as 10 or 0.5",
      );
    }
    expect(read("config vpnmonitor 'global'\noption interval 0")).toBe(
      "vpn.conf:2: interval '0' is not possible; it is seconds from 0.02 to 3600 with at most " +
        "three decimals, such as 10 or 0.5",
    );
    const thresholds = ["0", "65537", "1.5", "x"];
    for (let i = 0; i < thresholds.length; i++) {
      const right = " is not possible; it is a whole number from 1 to 65536";
      expect(readVpn("option threshold " + thresholds[i])).toBe(
        "vpn.conf:3: threshold '" + thresholds[i] + "'" + right,
      );
      expect(read("config vpnmonitor 'global'\noption threshold " + thresholds[i])).toBe(
        "vpn.conf:2: threshold '" + thresholds[i] + "'" + right,
      );
    }
    const sizes = ["63", "1351", "0"];
    for (let i = 0; i < sizes.length; i++) {
      expect(readVpn("option size " + sizes[i])).toBe(
        "vpn.conf:3: size '" +
          sizes[i] +
          "' is not possible; it is a whole number of bytes from 64 to 1350",
      );
    }
    expect(readVpn("option recover 65")).toBe(
      "vpn.conf:3: recover '65' is not possible; it is a whole number from 1 to 64",
    );
    expect(readVpn("option phase1_lifetime 1h")).toBe(
      "vpn.conf:3: phase1_lifetime '1h' is not possible; it is a whole number of seconds from 0 " +
        "to 268435455 (0: never)",
    );
  });

  test("hooks", () => {
    const bad = ["hook.sh", "''", "/", "None"];
    for (let i = 0; i < bad.length; i++) {
      const shown = bad[i] == "''" ? "" : bad[i];
      expect(readVpn("option hook " + bad[i])).toBe(
        "vpn.conf:3: hook '" +
          shown +
          "' is no absolute path; it is the path of a program, such as /etc/rekeyd/hook, or none",
      );
    }
    expect(readVpn("option hook '/" + "h".repeat(107) + "'")).toBe(
      "vpn.conf:3: hook '/" + "h".repeat(47) + "...' is too long; at most 107 bytes are possible",
    );
    expect(read("config vpnmonitor global\noption hook_timeout 0")).toBe(
      "vpn.conf:2: hook_timeout '0' is not possible; it is a whole number of seconds from 1 " +
        "to 3600",
    );
  });

  test("words", () => {
    expect(read("config vpnmonitor global\noption recorder maybe")).toBe(
      "vpn.conf:2: recorder 'maybe' is neither on nor off; it is 1 or 0",
    );
    expect(readVpn("option monitor maybe\noption rekey 1")).toBe(
      "vpn.conf:3: monitor 'maybe' is neither on nor off; it is 1 or 0",
    );
    expect(readVpn("option quorum most")).toBe(
      "vpn.conf:3: quorum 'most' is not possible; it is any, all or a number from 1 to 4",
    );
    expect(readVpn("option quorum 0")).toBe(
      "vpn.conf:3: quorum '0' is not possible; it is any, all or a number from 1 to 4",
    );
    expect(readVpn("option child ''")).toBe(
      "vpn.conf:3: child '' is empty; it is the name of strongSwan's child",
    );
    expect(read("config vpn a\noption gateway '" + "g".repeat(64) + "'")).toBe(
      "vpn.conf:2: gateway '" +
        "g".repeat(48) +
        "...' has 64 bytes; at most 63 fit; it is the name of strongSwan's connection",
    );
    const interfaces = ["", "a/b", "..", "sixteen-bytes-xx", "a b"];
    for (let i = 0; i < interfaces.length; i++) {
      expect(readVpn("option source_interface '" + interfaces[i] + "'")).toBe(
        "vpn.conf:3: source_interface '" +
          interfaces[i] +
          "' is no interface; it is a name such as br-lan of at most 15 bytes, or write option " +
          "source_ip instead",
      );
    }
    expect(read("config vpnmonitor 'global'\noption vici charon.vici")).toBe(
      "vpn.conf:2: vici 'charon.vici' is no absolute path; it is the path of charon's socket, " +
        "such as /var/run/charon.vici",
    );
    expect(read("config vpnmonitor 'global'\noption vici unix:///run/charon.vici")).toBe(
      "vpn.conf:2: vici 'unix:///run/charon.vici' is no absolute path; it is the path of " +
        "charon's socket, such as /var/run/charon.vici",
    );
    expect(read("config vpnmonitor 'global'\noption vici /" + "p".repeat(107))).toBe(
      "vpn.conf:2: vici '/" +
        "p".repeat(47) +
        "...' is too long for a socket; at most 107 bytes are possible",
    );
  });

  test("addresses", () => {
    expect(readVpn("option source_ip 10.1.0")).toBe(
      "vpn.conf:3: source_ip '10.1.0' is not the IP address of a host; it is one such as " +
        "10.1.0.1 or fd00::1",
    );
    expect(readVpn("option source_ip 10.1.0.1/24")).toBe(
      "vpn.conf:3: source_ip '10.1.0.1/24' is a network; it is the address of one host, without /",
    );
    expect(readVpn("list destination_ip fe80::1%eth0")).toBe(
      "vpn.conf:3: destination_ip 'fe80::1%eth0' names a zone; it is an address without %",
    );
    expect(readVpn("list destination_ip 224.0.0.5")).toBe(
      "vpn.conf:3: destination_ip '224.0.0.5' is a multicast address; it is the address of one " +
        "host, such as 10.2.0.10 or fd00::1",
    );
    expect(readVpn("option destination_ip 127.0.0.1")).toBe(
      "vpn.conf:3: destination_ip '127.0.0.1' is a loopback address, which never leaves this " +
        "machine; it is the address of one host, such as 10.2.0.10 or fd00::1",
    );
    expect(readVpn("option source_ip fe80::1")).toBe(
      "vpn.conf:3: source_ip 'fe80::1' is a link-local address, which no tunnel carries; it is " +
        "the address of one host, such as 10.1.0.1 or fd00::1",
    );
    expect(readVpn("option source_ip 0.0.0.0").includes("is the unspecified address;")).toBe(true);
    expect(readVpn("option source_ip 255.255.255.255").includes("a reserved address;")).toBe(true);
    expect(readVpn("list destination_ip 10.2.0.1\nlist destination_ip 10.2.0.1")).toBe(
      "vpn.conf:4: destination_ip '10.2.0.1' stands twice; keep one of them",
    );
    expect(readVpn("list destination_ip 10.2.0.1\nlist destination_ip fd00::1")).toBe(
      "vpn.conf:4: destination_ip 'fd00::1' is not of the first one's family; all must be IPv4 " +
        "or all IPv6",
    );
    let five = "";
    for (let i = 1; i <= 5; i++) five += "list destination_ip 10.2.0." + i.toString() + "\n";
    expect(readVpn(five)).toBe(
      "vpn.conf:7: destination_ip '10.2.0.5' is one too many; at most 4 are possible",
    );
    expect(readVpn("option source_ip fd00::1\nlist destination_ip 10.2.0.1")).toBe(
      "vpn.conf:4: source_ip and destination_ip mix IPv4 and IPv6; both must be of one family",
    );
  });

  test("what only the whole section tells", () => {
    expect(read("\nconfig vpn 'a'\n")).toBe(
      "vpn.conf:2: the VPN has no gateway; name strongSwan's connection: option gateway 'NAME'",
    );
    expect(readVpn("option rekey 1")).toBe(
      "vpn.conf:3: rekey is on without monitor; write option monitor '1' as well, or option " +
        "rekey '0'",
    );
    expect(readVpn("option monitor 0\noption rekey 1")).toBe(
      "vpn.conf:4: rekey is on without monitor; write option monitor '1' as well, or option " +
        "rekey '0'",
    );
    expect(readVpn("option optimized 1")).toBe(
      "vpn.conf:3: optimized is on without monitor; write option monitor '1' as well, or option " +
        "optimized '0'",
    );
    expect(readVpn("option source_interface br-lan\noption source_ip 10.1.0.1")).toBe(
      "vpn.conf:4: source_ip and source_interface are both given; keep one of them",
    );
    expect(readVpn("option quorum 2")).toBe(
      "vpn.conf:3: quorum 2 is more than the 1 destination; it is any, all or a number from 1 to 1",
    );
    expect(
      readVpn("list destination_ip 10.2.0.1\nlist destination_ip 10.2.0.2\noption quorum 3"),
    ).toBe(
      "vpn.conf:5: quorum 3 is more than the 2 destinations; it is any, all or a number from 1 " +
        "to 2",
    );
  });

  test("what only the whole file tells", () => {
    expect(read("config vpn a\noption gateway g\nconfig vpn a\noption gateway h\n")).toBe(
      "vpn.conf:3: VPN 'a' stands twice, first in line 1; each needs a name of its own",
    );
    expect(read("config vpn a\noption gateway g\nconfig vpn a\noption gateway g\n")).toBe(
      "vpn.conf:3: VPN 'a' stands twice, first in line 1; each needs a name of its own",
    );
    expect(
      read("config vpn a\noption gateway g\nconfig vpn b\noption gateway g\noption child a"),
    ).toBe(
      "vpn.conf:3: VPN 'b' has the same gateway 'g' and child 'a' as VPN 'a' in line 1; one VPN " +
        "monitors one child",
    );
  });

  test("all mistakes come in the order of the file, and past the limit they are counted", () => {
    expect(
      read("config vpn a\noption size 1\nconfig vpn a\noption gateway g\nconfig vpn c\n"),
    ).toBe(
      "vpn.conf:1: the VPN has no gateway; name strongSwan's connection: option gateway 'NAME'\n" +
        "vpn.conf:2: size '1' is not possible; it is a whole number of bytes from 64 to 1350\n" +
        "vpn.conf:3: VPN 'a' stands twice, first in line 1; each needs a name of its own\n" +
        "vpn.conf:5: the VPN has no gateway; name strongSwan's connection: option gateway 'NAME'",
    );
    const lines = read("x\n".repeat(MAX_CONFIG_ERRORS + 7)).split("\n");
    expect(lines.length).toBe(MAX_CONFIG_ERRORS + 1);
    expect(lines[MAX_CONFIG_ERRORS]).toBe("vpn.conf: and 7 more mistakes");
    expect(mistakeCount()).toBe(MAX_CONFIG_ERRORS + 7);
  });

  test("more VPNs than there may be are said once", () => {
    const head = "config vpn ";
    const tail = "\noption gateway g\n";
    let len = 0;
    for (let i = 0; i < MAX_VPNS + 2; i++) {
      len += put(many_room + len, head);
      writer.reset(many_room + len, 16).decimal(i);
      len += writer.length;
      len += put(many_room + len, tail);
    }
    expect(readConfig(path_room, put(path_room, "vpn.conf"), many_room, len)).toBe(1);
    expect(String.UTF8.decodeUnsafe(mistakeLine(0), mistakeLineLength(0))).toBe(
      "vpn.conf:200001: too many VPNs; at most 100000 are possible",
    );
  });

  test("a file that is too large is not read", () => {
    readConfig(path_room, put(path_room, "vpn.conf"), text_room, MAX_CONFIG_BYTES + 1);
    expect(mistakeLines()).toBe(1);
    expect(String.UTF8.decodeUnsafe(mistakeLine(0), mistakeLineLength(0))).toBe(
      "vpn.conf: the file has 4190209 bytes; at most 4190208 are read",
    );
  });
});

/** Reads `len` bytes of the text room and checks what must hold for any bytes. */
function survive(len: i32): void {
  const count = readConfig(path_room, 8, text_room, len);
  const lines = mistakeLines();
  assert(lines == min(count, MAX_CONFIG_ERRORS + 1));
  for (let i = 0; i < lines; i++) {
    const line = mistakeLine(i);
    const length = mistakeLineLength(i);
    assert(length > 10 && length <= 768);
    for (let j = 0; j < length; j++) assert(load<u8>(line + j) >= 0x20);
  }
  if (count > 0) return;
  for (let i = 0; i < stagedCount(); i++) checkComplete(stagedVpn(i));
}

function checkComplete(vpn: VpnConfig): void {
  assert(load<u8>(vpn.name) > 0 && load<u8>(vpn.gateway) > 0 && load<u8>(vpn.child) > 0);
  assert(vpn.interval_ms >= 20 && vpn.interval_ms <= 3_600_000);
  assert(vpn.threshold >= 1 && vpn.threshold <= 65_536);
  assert(vpn.size >= 64 && vpn.size <= 1350);
  assert(vpn.recover >= 1 && vpn.destination_count <= 4);
  assert(vpn.quorum <= max(vpn.destination_count, 1));
  assert(!vpn.has(VpnFlag.REKEY) || vpn.has(VpnFlag.MONITOR));
}

describe("config/read: any bytes", () => {
  test("random bytes", () => {
    for (let round = 0; round < 2000; round++) {
      const len = random(400);
      for (let i = 0; i < len; i++) store<u8>(text_room + i, <u8>random(256));
      survive(len);
    }
    expect(true).toBe(true);
  });

  test("random words of the language", () => {
    const parts = [
      "config ",
      "vpn ",
      "vpnmonitor ",
      "'global'",
      "option ",
      "list ",
      "\n",
      "\n",
      "'",
      '"',
      "\\",
      "#",
      ";",
      "\r\n",
      "gateway ",
      "child ",
      "monitor ",
      "rekey ",
      "interval ",
      "destination_ip ",
      "source_ip ",
      "quorum ",
      "size ",
      "1 ",
      "0 ",
      "64 ",
      "10.0.0.1 ",
      "fd00::1 ",
      "a ",
      "b ",
      "'c' ",
      "all ",
      "99999999999999999999 ",
      "-1 ",
      "",
    ];
    for (let round = 0; round < 3000; round++) {
      let len = 0;
      const count = random(60);
      for (let i = 0; i < count; i++) len += put(text_room + len, parts[random(parts.length)]);
      survive(len);
    }
    expect(true).toBe(true);
  });

  test("a good file with bytes changed, lost and doubled", () => {
    for (let round = 0; round < 4000; round++) {
      let len = put(text_room, EXAMPLE);
      for (let change = random(4); change >= 0; change--) {
        const at = random(len);
        const kind = random(3);
        if (kind == 0) {
          store<u8>(text_room + at, <u8>random(256));
        } else if (kind == 1) {
          memory.copy(text_room + at, text_room + at + 1, len - at - 1);
          len--;
        } else {
          const piece = min(random(80), len - at);
          memory.copy(text_room + at + piece, text_room + at, len - at);
          len += piece;
        }
      }
      survive(len);
    }
    expect(true).toBe(true);
  });
});
