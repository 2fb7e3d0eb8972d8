import { isUnset, writeAddress } from "../../assembly/bytes/address";
import { nameLength } from "../../assembly/bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../../assembly/bytes/writer";
import { NEVER, setTime } from "../../assembly/clock";
import { writeCipher, writeHash } from "../../assembly/ike/strongswan/algorithm";
import { readRefusal, writeAlert } from "../../assembly/ike/strongswan/alert";
import { event_connection, readEvent } from "../../assembly/ike/strongswan/event";
import {
  connection,
  connection_child,
  readConnection,
  readConnectionChild,
} from "../../assembly/ike/strongswan/list_conns";
import {
  child_name,
  connection_name,
  phase1,
  phase2,
  readChildSa,
  readIkeSa,
} from "../../assembly/ike/strongswan/list_sas";
import {
  feed,
  Frame,
  nextFrame,
  packet,
  packet_length,
  resetFrames,
} from "../../assembly/ike/vici/frame";
import { Element, Packet } from "../../assembly/ike/vici/message";
import { MAX_SELECTORS, MAX_VIRTUAL_IPS } from "../../assembly/limits";
import { IkeState } from "../../assembly/sa/phase1";
import { ChildState } from "../../assembly/sa/phase2";
import { loadFixture } from "./fixture";
import { copyAtEdge, random } from "./hostile";

const ROOM: i32 = 1 << 18;
const bytes: usize = memory.data(ROOM);
const mutant: usize = memory.data(ROOM);
const room: usize = memory.data(ROOM);
const w: Writer = writerAt(memory.data(WRITER_BYTES));

/** Ten thousand seconds and a half since the clock began. */
const NOW_MS: i64 = 10_000_500;
const NOW_S: i64 = 10_000;

function written(): string {
  return String.UTF8.decodeUnsafe(w.start, w.length);
}

let event: usize = 0;
let event_length: i32 = 0;
let body: usize = 0;
let body_length: i32 = 0;

function open(name: string): void {
  setTime(NOW_MS, 0);
  resetFrames();
  feed(bytes, loadFixture("vici/" + name + ".bin", bytes, ROOM));
}

/** Goes to the next event of the fixture; false: no more. */
function nextEvent(): bool {
  while (nextFrame() == Frame.PACKET) {
    if (load<u8>(packet) != <u8>Packet.EVENT) continue;
    event = packet + 2;
    event_length = load<u8>(packet, 1);
    body = event + event_length;
    body_length = packet_length - 2 - event_length;
    return true;
  }
  return false;
}

/** A moment as seconds from now; `-` where unset. */
function writeTime(label: string, at_ms: i64): void {
  w.text(label);
  if (at_ms == 0) w.u8(0x2d);
  else w.decimal(at_ms / 1000 - NOW_S);
}

function writeIkeSa(): void {
  w.name(connection_name).u8(0x20).decimal(phase1.id).text(" v").decimal(phase1.version);
  w.text(" state ")
    .decimal(phase1.state)
    .text(phase1.initiator ? " initiator " : " responder ");
  writeAddress(w, phase1.local_host).u8(0x20);
  writeAddress(w, phase1.remote_host).u8(0x20).decimal(phase1.remote_port).u8(0x20);
  w.name(phase1.algorithm);
  writeTime(" established ", phase1.established_at_ms);
  writeTime(" rekey ", phase1.rekey_at_ms);
  writeTime(" reauth ", phase1.reauth_at_ms);
  w.text(phase1.answered ? " answered" : "").text(phase1.child_task ? " child task" : "");
  w.text(" children ").decimal(phase1.children).text("\n");
  assert(phase1.gateway == -1 && phase1.next == -1);
}

function writeChildSa(): void {
  w.text("  ").name(child_name).u8(0x20).decimal(phase2.id).text(" of ").decimal(phase2.ike_id);
  w.text(" state ").decimal(phase2.state).u8(0x20).hex(phase2.spi_in).u8(0x20).hex(phase2.spi_out);
  w.u8(0x20).name(phase2.algorithm);
  w.text(" in ").decimal(phase2.packets_in).u8(0x2f).decimal(phase2.bytes_in);
  w.text(" out ").decimal(phase2.packets_out).u8(0x2f).decimal(phase2.bytes_out);
  writeTime(" installed ", phase2.installed_at_ms);
  writeTime(" rekey ", phase2.rekey_at_ms);
  writeTime(" expires ", phase2.expires_at_ms);
  for (let i = 0; i < <i32>phase2.local_selectors; i++) phase2.local_selector(i).write(w.u8(0x20));
  w.text(" ==");
  for (let i = 0; i < <i32>phase2.remote_selectors; i++)
    phase2.remote_selector(i).write(w.u8(0x20));
  w.text("\n");
  assert(phase2.vpn == -1 && phase2.next == -1 && phase2.soft_at_ms == NEVER);
}

/** All SAs in the list-sa events of a fixture. */
function sasOf(name: string): string {
  w.reset(room, ROOM);
  open(name);
  while (nextEvent()) {
    if (event_length != 7) continue;
    expect(readIkeSa(body, body_length)).toBe(true);
    writeIkeSa();
    while (readChildSa()) writeChildSa();
  }
  return written();
}

/** A message from text: `name{`, `}`, `key=value`, `name[`, `]`, and `.item`, one a line. */
function message(text: string): i32 {
  const lines = text.split("\n");
  w.reset(bytes, ROOM);
  for (let i = 0; i < lines.length; i++) {
    let blanks = 0;
    while (lines[i].charCodeAt(blanks) == 0x20) blanks++;
    const line = lines[i].slice(blanks);
    const equals = line.indexOf("=");
    if (line == "") continue;
    else if (line == "}") w.u8(Element.SECTION_END);
    else if (line == "]") w.u8(Element.LIST_END);
    else if (line.endsWith("{")) put1(Element.SECTION_START, line.slice(0, -1));
    else if (line.endsWith("[")) put1(Element.LIST_START, line.slice(0, -1));
    else if (line.startsWith("."))
      w.u8(Element.LIST_ITEM)
        .u16be(line.length - 1)
        .text(line.slice(1));
    else {
      put1(Element.KEY_VALUE, line.slice(0, equals));
      w.u16be(line.length - equals - 1).text(line.slice(equals + 1));
    }
  }
  setTime(NOW_MS, 0);
  return w.length;
}

function put1(element: Element, name: string): void {
  w.u8(element).u8(name.length).text(name);
}

/** Reads a listing of one IKE_SA, from text, and shows it. */
function show(text: string): string {
  const length = message(text);
  w.reset(room, ROOM);
  if (!readIkeSa(copyAtEdge(bytes, length), length)) return "refused";
  writeIkeSa();
  while (readChildSa()) writeChildSa();
  return written();
}

describe("strongswan/list_sas", () => {
  // prettier-ignore
  test("reads IKEv1 and IKEv2, IPv4 and IPv6", () => {
    expect(sasOf("list-sas")).toBe(
      "six 3 v2 state 3 initiator 2001:db8::1 2001:db8::2 4500 aes256/sha384 established 0 rekey - reauth - answered children 1\n" +
      "  six 5 of 3 state 4 3a087640 370eb04f esp:aes256/sha256 in 0/0 out 0/0 installed 0 rekey 3305 expires 3960 fd11::1/128 == fd12::1/128\n" +
      "old 2 v1 state 3 initiator 192.0.2.1 192.0.2.2 4500 aes128/sha256 established 0 rekey - reauth 10020 answered children 1\n" +
      "  old 4 of 2 state 4 03de1ce6 6149e7ef esp:aes128/sha256 in 0/0 out 0/0 installed 0 rekey 3312 expires 3960 10.21.0.0/16 == 10.22.0.0/16\n" +
      "s2s 1 v2 state 3 initiator 192.0.2.1 192.0.2.2 4500 aes128/sha256 established -1 rekey 13772 reauth - answered children 3\n" +
      "  net 1 of 1 state 4 65a7d991 c78def04 esp:aes128/sha256 in 5/420 out 5/420 installed -1 rekey 3344 expires 3959 10.1.0.0/16 == 10.2.0.0/16\n" +
      "  net6 2 of 1 state 4 2e5ece7f 361e1092 esp:chacha20poly1305 in 0/0 out 0/0 installed -1 rekey - expires - fd01::/64 == fd02::/64\n" +
      "  host 3 of 1 state 4 61c345ed 372387d9 esp:aes256/sha512 in 3/252 out 3/252 installed 0 rekey - expires 5400 10.11.0.1/32 == 10.12.0.1/32\n",
    );
  });

  // prettier-ignore
  test("reads both the old and the new CHILD_SA after a rekey", () => {
    expect(sasOf("rekey-child")).toBe(
      "s2s 1 v2 state 3 initiator 192.0.2.1 192.0.2.2 4500 aes128/sha256 established -1 rekey 13772 reauth - answered children 4\n" +
      "  net 1 of 1 state 10 65a7d991 c78def04 esp:aes128/sha256 in 5/420 out 5/420 installed -1 rekey 3344 expires 3959 10.1.0.0/16 == 10.2.0.0/16\n" +
      "  net6 2 of 1 state 4 2e5ece7f 361e1092 esp:chacha20poly1305 in 0/0 out 0/0 installed -1 rekey - expires - fd01::/64 == fd02::/64\n" +
      "  host 3 of 1 state 4 61c345ed 372387d9 esp:aes256/sha512 in 3/252 out 3/252 installed 0 rekey - expires 5400 10.11.0.1/32 == 10.12.0.1/32\n" +
      "  net 8 of 1 state 4 89aaabc6 bef49300 esp:aes128/sha256 in 0/0 out 0/0 installed 0 rekey 3470 expires 3960 10.1.0.0/16 == 10.2.0.0/16\n",
    );
  });

  // prettier-ignore
  test("sees the tasks of CHILD_SAs, and whether the peer answers", () => {
    expect(sasOf("list-sas-tasks")).toBe(
      "wrong 6 v2 state 2 initiator 192.0.2.1 192.0.2.2 500  established - rekey - reauth - child task children 0\n" +
      "s2s 5 v2 state 3 initiator 192.0.2.1 192.0.2.2 4500 aes128/sha256 established -1 rekey 13092 reauth - answered child task children 4\n" +
      "  net 1 of 5 state 10 65a7d991 c78def04 esp:aes128/sha256 in 5/420 out 5/420 installed -2 rekey 3343 expires 3958 10.1.0.0/16 == 10.2.0.0/16\n" +
      "  net6 2 of 5 state 6 2e5ece7f 361e1092 esp:chacha20poly1305 in 0/0 out 0/0 installed -2 rekey - expires - fd01::/64 == fd02::/64\n" +
      "  host 3 of 5 state 4 61c345ed 372387d9 esp:aes256/sha512 in 3/252 out 3/252 installed -1 rekey - expires 5399 10.11.0.1/32 == 10.12.0.1/32\n" +
      "  net 8 of 5 state 4 89aaabc6 bef49300 esp:aes128/sha256 in 0/0 out 0/0 installed -1 rekey 3469 expires 3959 10.1.0.0/16 == 10.2.0.0/16\n" +
      "six 3 v2 state 3 initiator 2001:db8::1 2001:db8::2 4500 aes256/sha384 established -1 rekey - reauth - answered children 1\n" +
      "  six 5 of 3 state 4 3a087640 370eb04f esp:aes256/sha256 in 0/0 out 0/0 installed -1 rekey 3304 expires 3959 fd11::1/128 == fd12::1/128\n" +
      "old 2 v1 state 3 initiator 192.0.2.1 192.0.2.2 4500 aes128/sha256 established -1 rekey - reauth 10019 answered child task children 2\n" +
      "  old 4 of 2 state 7 03de1ce6 6149e7ef esp:aes128/sha256 in 0/0 out 0/0 installed -1 rekey 3311 expires 3959 10.21.0.0/16 == 10.22.0.0/16\n" +
      "  old 9 of 2 state 6 24925850 05d68ed0 esp:aes128/sha256 in 0/0 out 0/0 installed -1 rekey 3290 expires 3959 10.21.0.0/16 == 10.22.0.0/16\n",
    );
    expect(sasOf("list-sas-ikev1-tasks")).toBe(
      "old 7 v1 state 2 initiator 192.0.2.1 192.0.2.2 500  established - rekey - reauth - child task children 0\n",
    );
  });

  test("reads nothing from an empty list", () => {
    expect(sasOf("list-sas-none")).toBe("");
    expect(readIkeSa(bytes, 0)).toBe(false);
    expect(readChildSa()).toBe(false);
  });

  test("knows every state of strongSwan by name", () => {
    // prettier-ignore
    const ike: string[] = [
      "?", "CREATED", "CONNECTING", "ESTABLISHED", "PASSIVE", "REKEYING", "REKEYED", "DELETING", "DESTROYING",
    ];
    for (let i = 0; i < ike.length; i++) {
      show("a{\nstate=" + ike[i] + "\n}");
      expect(<i32>phase1.state).toBe(i, ike[i]);
    }
    expect(ike.length - 1).toBe(IkeState.DESTROYING);
    // prettier-ignore
    const child: string[] = [
      "?", "CREATED", "ROUTED", "INSTALLING", "INSTALLED", "UPDATING", "REKEYING", "REKEYED", "RETRYING",
      "DELETING", "DELETED", "DESTROYING",
    ];
    for (let i = 0; i < child.length; i++) {
      show("a{\nchild-sas{\nb-1{\nname=b\nstate=" + child[i] + "\n}\n}\n}");
      expect(<i32>phase2.state).toBe(i, child[i]);
    }
    expect(child.length - 1).toBe(ChildState.DESTROYING);
  });

  test("reads the values in any order, and passes over what it does not know", () => {
    expect(
      show(`a{
        new{
          x{
            uniqueid=5
          }
        }
        child-sas{
          b-2{
            more{
              name=x
            }
            remote-ts[
              .10.0.0.0/8
            ]
            other[
              .10.0.0.0/8
            ]
            state=INSTALLED
            name=b
          }
        }
        list[
          .CHILD_CREATE
        ]
        uniqueid=7
        state=ESTABLISHED
      }
      b{
        uniqueid=8
      }`),
    ).toBe("refused");
    expect(
      show(`a{
        child-sas{
          b-2{
            more{
              name=x
            }
            remote-ts[
              .10.0.0.0/8
            ]
            other[
              .10.0.0.0/8
            ]
            name=b
          }
        }
        list[
          .CHILD_CREATE
        ]
        uniqueid=7
        state=ESTABLISHED
      }`),
    ).toBe(
      "a 7 v0 state 3 responder :: :: 0  established - rekey - reauth - children 1\n" +
        "  b 0 of 7 state 0 00000000 00000000  in 0/0 out 0/0" +
        " installed - rekey - expires - == 10.0.0.0/8\n",
    );
  });

  test("takes what is no value as unset", () => {
    expect(
      show(`a{
        uniqueid=-1
        version=x
        local-host=%any
        remote-host=1.2.3.400
        remote-port=
        established=-5
        rekey-time=99999999999999999999
        reauth-time=-0
        responder-spi=00000000000000000
        child-sas{
          b-2{
            name=b
            uniqueid=0x1
            spi-in=123456789
            spi-out=c78defzz
            packets-in=18446744073709551615
            bytes-out=-1
            life-time=999999999999999999
            rekey-time=-653
            local-ts[
              .dynamic
              .10.1.0.0/33
              .fe80::/10
            ]
          }
        }
      }`),
    ).toBe(
      "a 0 v0 state 0 responder :: :: 0  established - rekey - reauth - answered children 1\n" +
        "  b 0 of 0 state 0 00000000 00000000  in 0/0 out 0/0 installed - rekey -" +
        " expires 3162240000 fe80::/10 ==\n",
    );
  });

  test("bounds names and selectors", () => {
    const long = "x".repeat(64);
    expect(show(long + "{\nuniqueid=9\n}")).toBe(
      " 9 v0 state 0 responder :: :: 0  established - rekey - reauth - children 0\n",
    );
    expect(show("a{\nchild-sas{\nc{\nname=" + long + "\n}\nb{\nname=b\n}\n}\n}")).toBe(
      "a 0 v0 state 0 responder :: :: 0  established - rekey - reauth - children 2\n" +
        "  b 0 of 0 state 0 00000000 00000000  in 0/0 out 0/0 installed - rekey - expires - ==\n",
    );
    show("a{\nchild-sas{\nb{\nname=b\nlocal-ts[\n" + ".10.0.0.0/8\n".repeat(9) + "]\n}\n}\n}");
    expect(<i32>phase2.local_selectors).toBe(MAX_SELECTORS);
    show("a{\nencr-alg=" + "LONG_".repeat(20) + "\n}");
    expect(nameLength(phase1.algorithm)).toBe(31);
  });

  test("reads what binds an SA to an interface", () => {
    show(`a{
      child-sas{
        b-2{
          name=b
          if-id-in=0000002a
          if-id-out=ffffffff
        }
      }
    }`);
    expect(phase2.if_id_in).toBe(0x2a);
    expect(phase2.if_id).toBe(0xffffffff);
    show("a{\nchild-sas{\nb-2{\nname=b\nif-id-out=1ffffffff\n}\n}\n}");
    expect(phase2.if_id_in).toBe(0);
    expect(phase2.if_id).toBe(0);
  });

  test("reads virtual IPs, as many as are kept", () => {
    show(`a{
      local-vips[
        .10.3.0.2
      ]
      remote-vips[
        .any
        .10.3.0.1
        .fd00::1
        .10.3.0.300
      ]
    }`);
    expect(<i32>phase1.local_vip_count).toBe(1);
    expect(<i32>phase1.remote_vip_count).toBe(2);
    w.reset(room, ROOM);
    writeAddress(w, phase1.local_vip(0)).u8(0x20);
    writeAddress(w, phase1.remote_vip(0)).u8(0x20);
    writeAddress(w, phase1.remote_vip(1));
    expect(written()).toBe("10.3.0.2 10.3.0.1 fd00::1");
    show("a{\nremote-vips[\n" + ".10.0.0.1\n".repeat(9) + "]\n}");
    expect(<i32>phase1.remote_vip_count).toBe(MAX_VIRTUAL_IPS);
    expect(<i32>phase1.local_vip_count).toBe(0);
  });

  test("holds each moment still while charon counts down", () => {
    const length = message("a{\nrekey-time=100\n}");
    setTime(NOW_MS, 0);
    readIkeSa(bytes, length);
    const at_ms = phase1.rekey_at_ms;
    setTime(NOW_MS + 499, 0);
    readIkeSa(bytes, length);
    expect(phase1.rekey_at_ms).toBe(at_ms);
    const later = message("a{\nrekey-time=99\n}");
    setTime(NOW_MS + 500, 0);
    readIkeSa(bytes, later);
    expect(phase1.rekey_at_ms).toBe(at_ms);
  });

  test("survives mutated listings", () => {
    const names: string[] = ["list-sas", "rekey-child", "list-sas-tasks", "list-conns"];
    let read = 0;
    for (let round = 0; round < 3000; round++) {
      open(names[round & 3]);
      for (let skip = random(3); skip >= 0; skip--) nextEvent();
      memory.copy(mutant, body, body_length);
      for (let i = random(5); i > 0; i--) {
        const at = mutant + random(body_length);
        if (random(2) == 0) store<u8>(at, random(256));
        else memory.copy(at, mutant + random(body_length - 8), min(8, mutant + body_length - at));
      }
      const length = random(4) == 0 ? random(body_length) : body_length;
      if (readIkeSa(copyAtEdge(mutant, length), length)) read++;
      for (let i = 0; i <= length && readChildSa(); i++) assert(i < length);
    }
    expect(read > 500).toBe(true);
  });
});

function writeAddressOrUnset(address: usize): void {
  if (isUnset(address)) w.text("unset ");
  else writeAddress(w, address).u8(0x20);
}

/** All connections in the list-conn events of a fixture. */
function connectionsOf(name: string): string {
  w.reset(room, ROOM);
  open(name);
  while (nextEvent()) {
    expect(readConnection(body, body_length)).toBe(true);
    w.name(connection.name).text(" v").decimal(connection.version).u8(0x20);
    writeAddressOrUnset(connection.local_ip);
    writeAddressOrUnset(connection.peer_ip);
    w.text("dpd ").decimal(connection.dpd_delay_s).text("\n");
    while (readConnectionChild()) writeConnectionChild();
  }
  return written();
}

function writeConnectionChild(): void {
  const child = connection_child;
  w.text("  ")
    .name(child.name)
    .text(child.tunnel ? " tunnel" : " no tunnel")
    .text(child.local_dynamic ? " dynamic" : "");
  for (let i = 0; i < child.local_selectors; i++) child.local_selector(i).write(w.u8(0x20));
  w.text(" ==").text(child.remote_dynamic ? " dynamic" : "");
  for (let i = 0; i < child.remote_selectors; i++) child.remote_selector(i).write(w.u8(0x20));
  w.text("\n");
}

describe("strongswan/list_conns", () => {
  // prettier-ignore
  test("reads connections of every form", () => {
    expect(connectionsOf("list-conns")).toBe(
      "s2s v2 192.0.2.1 192.0.2.2 dpd 30\n" +
      "  net tunnel 10.1.0.0/16 == 10.2.0.0/16\n" +
      "  net6 tunnel fd01::/64 == fd02::/64\n" +
      "  host tunnel 10.11.0.1/32 == 10.12.0.1/32 10.12.1.0/24[not ICMP] 10.12.2.5..10.12.2.9\n" +
      "  refused tunnel 10.9.0.0/24 == 10.8.0.0/24\n" +
      "old v1 192.0.2.1 192.0.2.2 dpd 0\n" +
      "  old tunnel 10.21.0.0/16 == 10.22.0.0/16\n" +
      "six v2 2001:db8::1 2001:db8::2 dpd 0\n" +
      "  six tunnel fd11::1/128 == fd12::/48\n" +
      "wrong v2 192.0.2.1 192.0.2.2 dpd 0\n" +
      "  wrong tunnel 10.31.0.0/16 == 10.32.0.0/16\n" +
      "road v0 unset unset dpd 0\n" +
      "  road tunnel dynamic == dynamic 10.42.0.0/24\n",
    );
  });

  test("takes the first address of several", () => {
    const length = message(`a{
      local_addrs[
        .%any
        .vpn.example.org
        .10.0.0.0/8
        .192.0.2.7
        .192.0.2.8
      ]
      dpd_delay=4294967295
      rekey_time=-1
      children{
        t{
          mode=TRANSPORT
        }
      }
    }`);
    expect(readConnection(bytes, length)).toBe(true);
    expect(isUnset(connection.peer_ip)).toBe(true);
    expect(writeAddress(w.reset(room, ROOM), connection.local_ip).length).toBe(9);
    expect(written()).toBe("192.0.2.7");
    expect(connection.dpd_delay_s).toBe(i32.MAX_VALUE);
    expect(readConnectionChild()).toBe(true);
    expect(connection_child.tunnel).toBe(false);
    expect(readConnectionChild()).toBe(false);
  });

  test("survives mutated connections", () => {
    for (let round = 0; round < 2000; round++) {
      open("list-conns");
      for (let skip = random(5); skip >= 0; skip--) nextEvent();
      memory.copy(mutant, body, body_length);
      for (let i = random(5); i > 0; i--) store<u8>(mutant + random(body_length), random(256));
      const length = random(4) == 0 ? random(body_length) : body_length;
      readConnection(copyAtEdge(mutant, length), length);
      for (let i = 0; i <= length && readConnectionChild(); i++) assert(i < length);
    }
  });
});

/** What the events of a fixture are about. */
function eventsOf(name: string): string {
  w.reset(room, ROOM);
  open(name);
  while (nextEvent()) {
    w.bytes(event, event_length).u8(0x20);
    if (readEvent(event, event_length, body, body_length)) w.name(event_connection);
    w.text("\n");
  }
  return written();
}

/** What an alert from text says of a refusal. */
function refusalFrom(text: string): string {
  const length = message(text);
  writeAlert(w.reset(room, ROOM), readRefusal(copyAtEdge(bytes, length), length));
  return written();
}

/** The connection that an event from text is about. */
function eventFrom(name: string, text: string): string {
  const length = message(text);
  w.reset(mutant, ROOM).text(name);
  if (!readEvent(mutant, w.length, copyAtEdge(bytes, length), length)) return "none";
  w.reset(room, ROOM).name(event_connection);
  return written();
}

describe("strongswan/list_sas, with what it does not know", () => {
  test("reads past it", () => {
    const plain = show("s2s{\nuniqueid=7\nchild-sas{\na{\nname=a\n}\nb{\nname=b\n}\n}\n}");
    const strange = "x=1\ny[\n.state\n]\n";
    const sections = "z{\nstate=DELETED\nuniqueid=9\nchild-sas{\nc{\nname=c\n}\n}\n}\n";
    expect(
      show(
        strange +
          "s2s{\n" +
          sections +
          strange +
          "uniqueid=7\nchild-sas{\n" +
          strange +
          "a{\n" +
          sections +
          "name=a\n" +
          strange +
          "}\n" +
          strange +
          "b{\nname=b\n}\n" +
          strange +
          "}\n" +
          sections +
          "}\n" +
          strange,
      ),
    ).toBe(plain);
  });
});

describe("strongswan/event", () => {
  test("names the connection", () => {
    expect(eventsOf("initiate")).toBe("ike-updown s2s\nchild-updown s2s\n");
    expect(eventsOf("terminate-ike")).toBe("ike-updown six\nchild-updown six\n");
    expect(eventsOf("rekey-child")).toBe("child-rekey s2s\nlist-sa s2s\n");
    expect(eventsOf("rekey-ike")).toBe("ike-rekey s2s\n");
    expect(eventsOf("rekey-ikev1")).toBe("child-rekey old\nlist-sa old\n");
    expect(eventsOf("initiate-unauthenticated")).toBe("ike-updown wrong\n");
  });

  test("of strongSwan 6.0.6, too, with its alerts", () => {
    expect(eventsOf("../vici-6.0.6/reauthenticate")).toBe(
      "ike-updown six\nchild-updown six\n" +
        "alert six\nike-updown six\nchild-updown six\nlist-sa six\n",
    );
    expect(eventsOf("../vici-6.0.6/initiate-unauthenticated")).toBe(
      "alert wrong\nike-updown wrong\n",
    );
  });

  test("tells of a refusal by an alert's type, and of nothing else", () => {
    expect(refusalFrom("type=ts-mismatch\n")).toBe("selectors do not match");
    expect(refusalFrom("x=1\ntype=proposal-mismatch-ike\n")).toBe("no IKE proposal in common");
    expect(refusalFrom("type=proposal-mismatch-child\n")).toBe("no ESP proposal in common");
    expect(refusalFrom("type=peer-auth-failed\n")).toBe(
      "the peer's authentication failed: identity, secret or certificate",
    );
    expect(refusalFrom("type=retransmit-send\n")).toBe("");
    expect(refusalFrom("ike-sa{\ntype=ts-mismatch\n}\n")).toBe("");
    expect(refusalFrom("")).toBe("");
  });

  test("finds it inside an alert", () => {
    const type = "type=retransmit-send\n";
    expect(eventFrom("alert", type + "ike-sa{\ns2s{\nuniqueid=1\n}\n}")).toBe("s2s");
    expect(eventFrom("alert", type)).toBe("none");
    expect(eventFrom("ike-updown", "ike-sa{\nchild-sas{\n}\n}")).toBe("ike-sa");
    expect(eventFrom("ike-updown", "x".repeat(64) + "{\n}")).toBe("none");
    expect(eventFrom("ike-updown", "a[\n.b\n]\nup=yes")).toBe("none");
  });
});

function cipher(name: string, key_bits: i32): string {
  const length = <i32>String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, bytes);
  writeCipher(w.reset(room, ROOM), bytes, length, key_bits);
  return written();
}

function hashOf(name: string): string {
  const length = <i32>String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, bytes);
  writeHash(w.reset(room, ROOM), bytes, length);
  return written();
}

describe("strongswan/algorithm", () => {
  test("shortens ciphers as ScreenOS does", () => {
    expect(cipher("AES_CBC", 128)).toBe("aes128");
    expect(cipher("3DES_CBC", 0)).toBe("3des");
    expect(cipher("AES_GCM_16", 256)).toBe("aes256gcm16");
    expect(cipher("AES_CTR", 192)).toBe("aes192ctr");
    expect(cipher("CAMELLIA_CBC", 256)).toBe("camellia256");
    expect(cipher("CHACHA20_POLY1305", 0)).toBe("chacha20poly1305");
    expect(cipher("NULL", 0)).toBe("null");
    expect(cipher("_", 0)).toBe("");
    expect(cipher("", 0)).toBe("");
  });

  test("shortens hashes as ScreenOS does", () => {
    expect(hashOf("HMAC_MD5_96")).toBe("md5");
    expect(hashOf("HMAC_SHA1_96")).toBe("sha1");
    expect(hashOf("HMAC_SHA1_160")).toBe("sha1");
    expect(hashOf("HMAC_SHA2_256_128")).toBe("sha256");
    expect(hashOf("HMAC_SHA2_512_256")).toBe("sha512");
    expect(hashOf("PRF_HMAC_SHA2_384")).toBe("sha384");
    expect(hashOf("AES_XCBC_96")).toBe("aesxcbc");
    expect(hashOf("AES_CMAC_96")).toBe("aescmac");
    expect(hashOf("HMAC_SHA2_")).toBe("sha");
    expect(hashOf("")).toBe("");
  });
});

describe("strongswan/list_sas, combined and authenticated only", () => {
  test("writes what the proposal holds", () => {
    const child = "a{\nchild-sas{\nb{\nname=b\nprotocol=";
    show(child + "ESP\nencr-alg=AES_GCM_16\nencr-keysize=128\n}\n}\n}");
    expect(w.reset(room, ROOM).name(phase2.algorithm).length).toBe(15);
    expect(written()).toBe("esp:aes128gcm16");
    show(child + "AH\ninteg-alg=HMAC_SHA2_256_128\n}\n}\n}");
    w.reset(room, ROOM).name(phase2.algorithm);
    expect(written()).toBe("ah:sha256");
    show("a{\nencr-alg=AES_GCM_16\nencr-keysize=256\nprf-alg=PRF_HMAC_SHA2_384\n}");
    w.reset(room, ROOM).name(phase1.algorithm);
    expect(written()).toBe("aes256gcm16/sha384");
  });
});
