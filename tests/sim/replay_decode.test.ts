import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { addressText } from "../../host/node/address.ts";
import { CharonTeller } from "../../host/node/replay/charon.ts";
import { receivedReply, sentEcho } from "../../host/node/replay/echo.ts";
import { netlinkItems } from "../../host/node/replay/netlink.ts";
import { xfrmTexts } from "../../host/node/replay/xfrm.ts";
import { ViciStream, type ViciPacket } from "../../host/node/replay/vici_message.ts";
import { Random } from "../../host/node/sim/random.ts";
import type { ChildSa, IkeSa } from "../../host/node/sim/model/charon.ts";
import { Xfrm } from "../../host/node/sim/model/xfrm.ts";
import { Kernel } from "../../host/node/sim/model/kernel.ts";
import { routeMessage, ruleMessage } from "../../host/node/sim/model/routes.ts";
import { message, networkOf, Type } from "../../host/node/sim/model/rtnetlink.ts";

const DELSA = 0x11;
const GETAE = 0x1f;

/** What a real charon said, and beside it the same as text (tests/lab/capture-vici.ts). */
const folder = new URL("../unit/fixtures/vici/", import.meta.url);
const streams = readdirSync(folder)
  .filter((name) => name.endsWith(".bin"))
  .map((name) => {
    const text = readFileSync(new URL(name.replace(".bin", ".txt"), folder), "utf8");
    return { name, bytes: readFileSync(new URL(name, folder)), text };
  });

function packetsIn(bytes: Buffer, size: number): ViciPacket[] {
  const stream = new ViciStream();
  const packets: ViciPacket[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const { packets: more, skipped_bytes } = stream.take(bytes.subarray(at, at + size));
    assert.equal(skipped_bytes, 0);
    packets.push(...more);
  }
  return packets;
}

for (const { name, bytes, text } of streams) {
  test(`${name}: the packets of a real charon are read, in pieces of any size`, () => {
    const lines = text.split("\n").filter((line) => /^[A-Z]/.test(line));
    const packets = packetsIn(bytes, bytes.length);
    assert.deepEqual(
      packets.map(({ name }) => name),
      lines.map((line) => line.split(" ")[1] ?? ""),
    );
    for (const size of [1, 3, 7, 64]) assert.deepEqual(packetsIn(bytes, size), packets);
  });
}

test("a stream that is looked at from its middle is understood from the next packet on", () => {
  const { bytes } = streams.find(({ name }) => name === "list-sas.bin")!;
  const stream = new ViciStream();
  stream.reset(true);
  assert.equal(stream.take(bytes.subarray(100)).packets.length, 0);
  assert.ok(stream.take(bytes).packets.length > 3);
});

test("what charon did to SAs is told by their names", () => {
  const told = (file: string): string => {
    const { bytes } = streams.find(({ name }) => name === `${file}.bin`)!;
    const answers = new CharonTeller().answers(packetsIn(bytes, bytes.length));
    return answers.map(({ text }) => text).join("\n");
  };
  assert.match(told("initiate"), /^ike-updown: IKE_SA s2s #1 with 192\.0\.2\.2 is up$/m);
  assert.match(
    told("initiate"),
    /^child-updown: CHILD_SA s2s\/net #1 \(SPI \w{8} in, \w{8} out\) is/m,
  );
  assert.match(told("rekey-child"), /^child-rekey: CHILD_SA s2s\/net #\d+ \(.*\) in place of #1$/m);
  assert.match(told("rekey-ike"), /^ike-rekey: IKE_SA s2s #5 in place of #1$/m);
  assert.match(told("terminate-ike"), /^ike-updown: IKE_SA six #3 with 2001:db8::2 is down$/m);
  assert.match(told("initiate-refused"), /refused: establishing CHILD_SA 'refused' failed$/m);
});

/** Bytes that resemble real ones. */
function mutated(bytes: Buffer, random: Random): Buffer {
  const begin = random.below(8);
  const other = Buffer.from(bytes.subarray(begin === 0 ? random.below(bytes.length) : 0));
  for (let i = random.between(0, 8); i > 0; i--) {
    if (other.length > 0) other[random.below(other.length)] = random.below(256);
  }
  return other.subarray(0, random.below(other.length + 1));
}

test("whatever the bytes are, vici has an answer", () => {
  const random = new Random(3);
  for (let i = 0; i < 3_000; i++) {
    const { bytes } = streams[i % streams.length]!;
    const stream = new ViciStream();
    const teller = new CharonTeller();
    for (let reads = 0; reads < 3; reads++) {
      const { packets } = stream.take(mutated(bytes, random));
      teller.requests(packets);
      for (const { text } of teller.answers(packets)) assert.equal(typeof text, "string");
    }
  }
});

test("what is said of SAs in the kernel is told by their SPIs", () => {
  const request = (type: number, spi: number): Buffer => {
    const body = Buffer.alloc(type === GETAE ? 48 : 24);
    body.set([10, 9, 0, 2]);
    body.writeUInt32BE(spi, 16);
    body.writeUInt16LE(2, 20);
    body.writeUInt8(50, 22);
    return message(type, body, 7);
  };
  const connection = { local: "10.9.0.2" };
  const ike = { connection, remote: "10.9.0.1", children: [] as ChildSa[] } as IkeSa;
  const child = { ike, spi_in: 0xc1, spi_out: 0xd1, packets_in: 3, installed_s: 9 } as ChildSa;
  const kernel = new Xfrm({ ikes: [], left: [child] }, 0);
  const asked = Buffer.concat([request(GETAE, 0xc1), request(GETAE, 0xc2)]);
  assert.deepEqual(xfrmTexts(asked), [
    "asks for SA 000000c1 to 10.9.0.2",
    "asks for SA 000000c2 to 10.9.0.2",
  ]);
  assert.deepEqual(xfrmTexts(kernel.answer(asked)), [
    "has SA 000000c1 to 10.9.0.2, 3 packets",
    "error 3: SA 000000c2 to 10.9.0.2",
  ]);
  assert.deepEqual(xfrmTexts(request(DELSA, 0xc1)), ["removes SA 000000c1 to 10.9.0.2"]);
  assert.deepEqual(xfrmTexts(kernel.answer(request(DELSA, 0xc1))), ["done"]);
  const random = new Random(5);
  for (let i = 0; i < 2_000; i++) xfrmTexts(mutated(kernel.answer(asked), random));
});

test("whatever the bytes are, netlink and slots have an answer", () => {
  const random = new Random(4);
  const kernel = new Kernel();
  kernel.interfaces.push({ name: "eth0", addresses: ["192.0.2.1", "2001:db8::1"] });
  const [GETLINK, GETADDR, DUMP] = [18, 22, 0x300];
  const links = kernel.answer(message(GETLINK, Buffer.alloc(16), 1, DUMP));
  const addresses = kernel.answer(message(GETADDR, Buffer.alloc(16), 2, DUMP));
  const names = new Map<number, string>();
  const items = [links, addresses].flatMap((bytes) => netlinkItems(bytes, names));
  assert.deepEqual(
    items.map(({ text }) => text).filter((text) => !text.startsWith("end")),
    ["eth0 is up", "192.0.2.1/24 on eth0", "2001:db8::1/64 on eth0"],
  );
  for (let i = 0; i < 3_000; i++) {
    netlinkItems(mutated(i % 2 === 0 ? links : addresses, random), new Map());
    const slot = Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)));
    sentEcho(slot);
    receivedReply(slot, random.percent(50) ? 4 : 6);
  }
});

test("routes over tunnel interfaces, rules and refusals are told in words", () => {
  const made = { table: 254, metric: 10, protocol: 114, oif: 7, if_id: 5 };
  const route = { ...networkOf("10.2.0.0/16"), ...made };
  const rule = { priority: 100, table: 0x726b0001, oif: "tunnel.1", protocol: 114 };
  const [ASK, NEWS] = [0x605, 0x600];
  const told = (bytes: Buffer): string[] =>
    netlinkItems(bytes, new Map([[7, "tunnel.1"]])).map(({ text }) => text);
  const way = "route 10.2.0.0/16 over tunnel.1 if_id 5 metric 10";
  assert.deepEqual(told(routeMessage(Type.NEWROUTE, route, 9, ASK)), [`adds ${way}`]);
  assert.deepEqual(told(routeMessage(Type.DELROUTE, route, 9, 5)), [`removes ${way}`]);
  assert.deepEqual(told(routeMessage(Type.NEWROUTE, route, 0, NEWS)), [way]);
  assert.deepEqual(told(routeMessage(Type.DELROUTE, route, 0)), [`${way} is gone`]);
  const lookup = "rule oif tunnel.1 lookup 0x726b0001";
  assert.deepEqual(told(ruleMessage(Type.NEWRULE, rule, 9, ASK)), [`adds ${lookup}`]);
  assert.deepEqual(told(ruleMessage(Type.DELRULE, rule, 0)), [`${lookup} is gone`]);
  const error = Buffer.alloc(20);
  error.writeInt32LE(-17);
  const [refused] = netlinkItems(message(Type.ERROR, error, 9), new Map());
  assert.deepEqual([refused!.text, refused!.listed], ["refuses, errno 17", false]);
});

test("addresses are written as RFC 5952 has them", () => {
  const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");
  const cases: [hex: string, text: string][] = [
    ["c0000201", "192.0.2.1"],
    ["00000000 00000000 0000ffff c0000201", "192.0.2.1"],
    ["20010db8 00000000 00000000 00000001", "2001:db8::1"],
    ["20010db8 00000001 00000000 00010001", "2001:db8:0:1::1:1"],
    ["00000000 00000000 00000000 00000000", "::"],
    ["20010db8 00010001 00010000 00010001", "2001:db8:1:1:1:0:1:1"],
    ["fe800000 00000000 00000000 00000000", "fe80::"],
  ];
  for (const [hex, text] of cases) assert.equal(addressText(bytes(hex)), text);
});
