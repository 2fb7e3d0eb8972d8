import { Action, actionBuffer, actionCount, resetActions } from "../../assembly/action";
import { setName } from "../../assembly/bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../../assembly/bytes/writer";
import { NEVER, setTime } from "../../assembly/clock";
import {
  feed,
  Frame,
  nextFrame,
  packet,
  packet_length,
  resetFrames,
} from "../../assembly/ike/vici/frame";
import {
  Element,
  isWellFormed,
  Message,
  MESSAGE_BYTES,
  messageAt,
  Packet,
} from "../../assembly/ike/vici/message";
import {
  connect,
  indicated,
  Indication,
  isReady,
  poll,
  Request,
  request,
  sessionDeadline,
  sessionDue,
  viciBytes,
  viciClosed,
  viciOpened,
} from "../../assembly/ike/vici/session";
import {
  MAX_IKE_NAME_BYTES,
  MAX_VICI_BYTES,
  MAX_VICI_DEPTH,
  MAX_VICI_QUEUE,
  VICI_RETRY_MS,
  VICI_TIMEOUT_MS,
} from "../../assembly/limits";
import { loadFixture } from "./fixture";
import { copyAtEdge, random } from "./hostile";

const ROOM: i32 = 1 << 20;
const bytes: usize = memory.data(ROOM);
const mutant: usize = memory.data(ROOM);
const expected: usize = memory.data(ROOM);
const room: usize = memory.data(ROOM);
const w: Writer = writerAt(memory.data(WRITER_BYTES));
const m: Message = messageAt(memory.data(MESSAGE_BYTES));

function written(): string {
  return String.UTF8.decodeUnsafe(w.start, w.length);
}

/** Puts ASCII text at `bytes` and answers its length. */
function put(text: string): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, bytes);
}

function fixture(name: string): i32 {
  return loadFixture("vici/" + name + ".bin", bytes, ROOM);
}

function packetName(type: Packet): string {
  switch (type) {
    case Packet.CMD_REQUEST:
      return "CMD_REQUEST";
    case Packet.CMD_RESPONSE:
      return "CMD_RESPONSE";
    case Packet.CMD_UNKNOWN:
      return "CMD_UNKNOWN";
    case Packet.EVENT_REGISTER:
      return "EVENT_REGISTER";
    case Packet.EVENT_CONFIRM:
      return "EVENT_CONFIRM";
    case Packet.EVENT_UNKNOWN:
      return "EVENT_UNKNOWN";
    case Packet.EVENT:
      return "EVENT";
    default:
      return "?";
  }
}

function indent(depth: i32): void {
  for (let i = 0; i <= depth; i++) w.text("  ");
}

/** Writes a packet in the form of the fixtures' .txt. */
function describePacket(p: usize, length: i32): void {
  const type = <Packet>load<u8>(p);
  w.text(packetName(type));
  let at = 1;
  if (type == Packet.CMD_REQUEST || type == Packet.EVENT_REGISTER || type == Packet.EVENT) {
    w.u8(0x20).bytes(p + 2, load<u8>(p, 1));
    at = 2 + load<u8>(p, 1);
  }
  w.text("\n");
  m.open(p + at, length - at);
  while (true) {
    const depth = m.depth;
    const element = m.next();
    if (element == Element.END) break;
    if (element == Element.BAD) {
      w.text("BAD\n");
      break;
    }
    indent(
      element == Element.SECTION_END ? m.depth : element == Element.LIST_ITEM ? depth + 1 : depth,
    );
    if (element == Element.SECTION_START) w.bytes(m.name, m.name_length).text(" {");
    if (element == Element.SECTION_END) w.text("}");
    if (element == Element.KEY_VALUE) {
      w.bytes(m.name, m.name_length).text(" = ").bytes(m.value, m.value_length);
    }
    if (element == Element.LIST_START) w.bytes(m.name, m.name_length).text(" [");
    if (element == Element.LIST_ITEM) w.bytes(m.value, m.value_length);
    if (element == Element.LIST_END) w.text("]");
    w.text("\n");
  }
}

function describeStream(length: i32): string {
  w.reset(room, ROOM);
  resetFrames();
  feed(bytes, length);
  while (nextFrame() == Frame.PACKET) describePacket(packet, packet_length);
  return written();
}

const FIXTURES: string[] = [
  "register",
  "list-conns",
  "list-sas-none",
  "initiate",
  "list-sas",
  "initiate-unknown",
  "initiate-refused",
  "initiate-unauthenticated",
  "unknown-command",
  "terminate-unknown",
  "rekey-child",
  "rekey-ike",
  "rekey-ikev1",
  "list-sas-tasks",
  "terminate-ike",
  "list-sas-ikev1-tasks",
];

describe("vici/message", () => {
  test("reads every captured packet as the capture's own decoder did", () => {
    for (let i = 0; i < FIXTURES.length; i++) {
      const text_length = loadFixture("vici/" + FIXTURES[i] + ".txt", expected, ROOM);
      const text = String.UTF8.decodeUnsafe(expected, text_length);
      expect(describeStream(fixture(FIXTURES[i]))).toBe(text);
    }
  });

  test("refuses what is cut off, anywhere", () => {
    const length = fixture("list-sas");
    feed(bytes, length);
    nextFrame();
    // Behind the packet's type, the event's name and its length.
    const body = packet + 9;
    const body_length = packet_length - 9;
    expect(isWellFormed(body, body_length)).toBe(true);
    for (let cut = 1; cut < body_length; cut++) {
      if (isWellFormed(copyAtEdge(body, cut), cut)) expect(cut).toBe(-1);
    }
  });

  test("refuses elements where they may not stand", () => {
    // prettier-ignore
    const wrong: string[] = [
      "\x00", "\x07", "\xff", // no elements
      "\x02", "\x06", "\x05\x00\x01a", // ends, or an item, of nothing
      "\x01", "\x01\x05ab", "\x01\x01a", // a section without name, with half of it, or without end
      "\x03\x01a", "\x03\x01a\x00", "\x03\x01a\x00\x02b", "\x03\x01a\xff\xffb", // half a value
      "\x04\x01a", "\x04\x01a\x02", "\x04\x01a\x01\x01b", "\x04\x01a\x04\x01b", "\x04\x01a\x03\x01b\x00\x00",
      "\x01\x01a\x02\x02", "\x04\x01a\x06\x06",
    ];
    for (let i = 0; i < wrong.length; i++) {
      for (let j = 0; j < wrong[i].length; j++) store<u8>(bytes + j, wrong[i].charCodeAt(j));
      if (isWellFormed(copyAtEdge(bytes, wrong[i].length), wrong[i].length)) {
        expect(wrong[i]).toBe("refused");
      }
    }
    expect(isWellFormed(bytes, 0)).toBe(true);
  });

  test("bounds the depth of sections", () => {
    for (let depth = 1; depth <= MAX_VICI_DEPTH + 1; depth++) {
      for (let i = 0; i < depth; i++) store<u16>(bytes + 2 * i, 0x0001);
      memory.fill(bytes + 2 * depth, <u8>Element.SECTION_END, depth);
      expect(isWellFormed(bytes, 3 * depth)).toBe(depth <= MAX_VICI_DEPTH);
    }
  });

  test("skips sections and lists, with all inside", () => {
    const length = fixture("list-conns");
    feed(bytes, length);
    nextFrame();
    m.open(packet + 11, packet_length - 11);
    m.next();
    w.reset(room, ROOM);
    while (m.depth > 0) {
      const element = m.next();
      if (element == Element.SECTION_END) break;
      w.bytes(m.name, m.name_length).text(" ");
      if (element != Element.KEY_VALUE) m.skip();
    }
    expect(written()).toBe(
      "local_addrs remote_addrs version reauth_time rekey_time unique dpd_delay " +
        "local-1 remote-1 children ",
    );
    expect(m.next()).toBe(Element.END);
  });

  test("stays inside whatever bytes it is given", () => {
    for (let round = 0; round < 20_000; round++) {
      const length = random(64);
      for (let i = 0; i < length; i++)
        store<u8>(bytes + i, random(4) == 0 ? random(256) : random(8));
      isWellFormed(copyAtEdge(bytes, length), length);
    }
  });

  test("takes names and values of the greatest length", () => {
    expect(takesLongest()).toBe(true);
  });
});

/** A message with a name and a value of the greatest length. */
function takesLongest(): bool {
  w.reset(bytes, ROOM).u8(Element.KEY_VALUE).u8(255);
  for (let i = 0; i < 255; i++) w.text("n");
  w.u16be(0xffff);
  for (let i = 0; i < 0xffff; i++) w.text("v");
  m.open(bytes, w.length);
  if (m.next() != Element.KEY_VALUE) return false;
  return m.name_length == 255 && m.value_length == 0xffff && m.next() == Element.END;
}

describe("vici/frame", () => {
  test("refuses lengths that no packet has", () => {
    const lengths: u32[] = [0, MAX_VICI_BYTES + 1, 0x7fffffff, 0x80000000, 0xffffffff];
    for (let i = 0; i < lengths.length; i++) {
      store<u32>(bytes, bswap<u32>(lengths[i]));
      resetFrames();
      feed(bytes, 4);
      expect(nextFrame()).toBe(Frame.BROKEN);
    }
  });

  test("takes the largest packet, whole and in pieces", () => {
    memory.fill(bytes, 0x55, MAX_VICI_BYTES + 4);
    store<u32>(bytes, bswap<u32>(MAX_VICI_BYTES));
    resetFrames();
    feed(bytes, MAX_VICI_BYTES + 4);
    expect(nextFrame()).toBe(Frame.PACKET);
    expect(packet_length).toBe(MAX_VICI_BYTES);
    expect(nextFrame()).toBe(Frame.NONE);
    feed(bytes, 3);
    expect(nextFrame()).toBe(Frame.NONE);
    feed(bytes + 3, 1000);
    expect(nextFrame()).toBe(Frame.NONE);
    feed(bytes + 1003, MAX_VICI_BYTES + 4 - 1003);
    expect(nextFrame()).toBe(Frame.PACKET);
    expect(packet_length).toBe(MAX_VICI_BYTES);
    expect(memory.compare(packet, bytes + 4, MAX_VICI_BYTES)).toBe(0);
    expect(nextFrame()).toBe(Frame.NONE);
  });
});

const SOCKET = "/run/charon.vici";
let now: i64 = 1_000_000;

function advance(by_ms: i64): void {
  now += by_ms;
  setTime(now, now);
}

function requestName(kind: Request): string {
  switch (kind) {
    case Request.LIST_CONNS:
      return "list-conns";
    case Request.LIST_SAS:
      return "list-sas";
    case Request.INITIATE:
      return "initiate";
    case Request.TERMINATE_IKE:
    case Request.TERMINATE_CHILD:
      return "terminate";
    default:
      return "rekey";
  }
}

/** Appends what the session asked the host to do since the last time. */
function writeActions(): void {
  for (let i = 0; i < actionCount(); i++) {
    const record = actionBuffer() + 16 * i;
    const kind = load<u32>(record);
    const p = load<u32>(record, 8);
    const length = load<i32>(record, 12);
    if (kind == Action.VICI_CONNECT) w.text("connect ").bytes(p, length).text("\n");
    else if (kind == Action.VICI_CLOSE) w.text("close\n");
    else if (kind == Action.VICI_SEND) {
      for (let at = 0; at < length;) {
        const size = bswap<u32>(load<u32>(p + at));
        w.text("send ");
        describePacket(p + at + 4, size);
        at += 4 + size;
      }
    }
  }
  resetActions();
}

/** Appends the name of the message's first section: the connection. */
function writeFirstSection(): void {
  m.open(indicated.message, indicated.message_length);
  while (m.next() == Element.KEY_VALUE) {}
  w.u8(0x20).bytes(m.name, m.name_length).text("\n");
  assert(isWellFormed(indicated.message, indicated.message_length));
}

/** Appends all indications, and what they led to. */
function drain(): void {
  while (true) {
    const indication = poll();
    if (indication == Indication.NONE) break;
    if (indication == Indication.READY) w.text("READY\n");
    if (indication == Indication.CLOSED) {
      w.text("CLOSED ")
        .decimal(indicated.errno)
        .text(indicated.lost ? " lost\n" : "\n");
    }
    if (indication == Indication.EVENT) {
      w.text("EVENT ").bytes(indicated.event, indicated.event_length);
      writeFirstSection();
    }
    if (indication == Indication.LIST_SA || indication == Indication.LIST_CONN) {
      w.text(indication == Indication.LIST_SA ? "LIST_SA " : "LIST_CONN ");
      w.text(requestName(indicated.kind)).u8(0x20).decimal(indicated.arg);
      writeFirstSection();
    }
    if (indication == Indication.RESPONSE) {
      w.text("RESPONSE ").text(requestName(indicated.kind)).u8(0x20).decimal(indicated.arg);
      if (indicated.success) w.text(" yes\n");
      else w.text(" no: ").bytes(indicated.errmsg, indicated.errmsg_length).text("\n");
    }
  }
  writeActions();
}

function receive(p: usize, length: i32): void {
  viciBytes(p, length);
  drain();
}

/** A session that is connected and registered, with an empty transcript. */
function becomeReady(): void {
  if (isReady()) viciClosed(0);
  drain();
  advance(VICI_RETRY_MS);
  sessionDue();
  connect(bytes, put(SOCKET));
  viciOpened();
  receive(bytes, fixture("register"));
  expect(isReady()).toBe(true);
  w.reset(room, ROOM);
}

function nameField(at: usize, text: string): usize {
  setName(at, MAX_IKE_NAME_BYTES, bytes, put(text));
  return at;
}
const ike_field: usize = memory.data(MAX_IKE_NAME_BYTES + 1);
const child_field: usize = memory.data(MAX_IKE_NAME_BYTES + 1);

/** The transcript of an answer in pieces: one of `first` bytes, the others of `size`. */
function answer(length: i32, kind: Request, first: i32, size: i32): string {
  w.reset(room, ROOM);
  request(kind, 7);
  resetActions();
  receive(bytes, first);
  for (let at = first; at < length; at += size) receive(bytes + at, min(size, length - at));
  return written();
}

/** Length of the packet that ends terminate-ike.bin. */
const TERMINATE_ANSWER_BYTES: i32 = 46;

describe("vici/session", () => {
  test("connects and registers its events", () => {
    advance(0);
    w.reset(room, ROOM);
    expect(sessionDeadline()).toBe(NEVER);
    expect(request(Request.LIST_SAS, -1)).toBe(false);
    connect(bytes, put(SOCKET));
    writeActions();
    viciOpened();
    writeActions();
    receive(bytes, fixture("register"));
    expect(written()).toBe(
      "connect /run/charon.vici\n" +
        "send EVENT_REGISTER list-sa\n" +
        "send EVENT_REGISTER list-conn\n" +
        "send EVENT_REGISTER ike-updown\n" +
        "send EVENT_REGISTER child-updown\n" +
        "send EVENT_REGISTER ike-rekey\n" +
        "send EVENT_REGISTER child-rekey\n" +
        "send EVENT_REGISTER alert\n" +
        "READY\n",
    );
    expect(sessionDeadline()).toBe(NEVER);
  });

  test("sends one request at a time", () => {
    becomeReady();
    nameField(ike_field, "s2s");
    nameField(child_field, "net");
    request(Request.LIST_SAS, 3, ike_field);
    request(Request.INITIATE, 4, ike_field, child_field);
    request(Request.TERMINATE_IKE, 4294967295);
    request(Request.TERMINATE_CHILD, 0);
    request(Request.REKEY_CHILD, 10);
    request(Request.REKEY_IKE, 9);
    request(Request.LIST_CONNS, -1);
    for (let i = 0; i < 7; i++) {
      drain();
      receive(bytes, fixture("list-sas-none"));
    }
    expect(written()).toBe(
      "send CMD_REQUEST list-sas\n  ike = s2s\n" +
        "RESPONSE list-sas 3 yes\n" +
        "send CMD_REQUEST initiate\n  ike = s2s\n  child = net\n  timeout = -1\n" +
        "RESPONSE initiate 4 yes\n" +
        "send CMD_REQUEST terminate\n  ike-id = 4294967295\n  force = yes\n  timeout = -1\n" +
        "RESPONSE terminate -1 yes\n" +
        "send CMD_REQUEST terminate\n  child-id = 0\n  timeout = -1\n" +
        "RESPONSE terminate 0 yes\n" +
        "send CMD_REQUEST rekey\n  child-id = 10\n" +
        "RESPONSE rekey 10 yes\n" +
        "send CMD_REQUEST rekey\n  ike-id = 9\n" +
        "RESPONSE rekey 9 yes\n" +
        "send CMD_REQUEST list-conns\n" +
        "RESPONSE list-conns -1 yes\n",
    );
  });

  test("merges a request with one that waits, not with the one under way", () => {
    becomeReady();
    for (let i = 0; i < 5; i++) expect(request(Request.LIST_SAS, -1)).toBe(true);
    for (let i = 0; i < 2; i++) {
      drain();
      receive(bytes, fixture("list-sas-none"));
    }
    expect(written()).toBe("send CMD_REQUEST list-sas\nRESPONSE list-sas -1 yes\n".repeat(2));
  });

  test("refuses requests past its queue", () => {
    becomeReady();
    for (let i = 0; i <= MAX_VICI_QUEUE; i++) {
      if (!request(Request.REKEY_CHILD, i)) expect(i).toBe(-1);
    }
    expect(request(Request.REKEY_CHILD, -1)).toBe(false);
    for (let i = 0; i <= MAX_VICI_QUEUE; i++) {
      receive(bytes, fixture("list-sas-none"));
      if (indicated.arg != i) expect(indicated.arg).toBe(i);
    }
    w.reset(room, ROOM);
    request(Request.REKEY_CHILD, 1);
    drain();
    expect(written()).toBe("send CMD_REQUEST rekey\n  child-id = 1\n");
  });

  test("tells a list's items, events and the answer apart", () => {
    becomeReady();
    request(Request.LIST_SAS, 7);
    resetActions();
    // The two events of a termination, without its answer, come before the list.
    receive(bytes, fixture("terminate-ike") - TERMINATE_ANSWER_BYTES);
    receive(bytes, fixture("list-sas"));
    receive(bytes, fixture("terminate-ike") - TERMINATE_ANSWER_BYTES);
    expect(written()).toBe(
      "EVENT ike-updown six\nEVENT child-updown six\n" +
        "LIST_SA list-sas 7 six\nLIST_SA list-sas 7 old\nLIST_SA list-sas 7 s2s\n" +
        "RESPONSE list-sas 7 yes\n" +
        "EVENT ike-updown six\nEVENT child-updown six\n",
    );
  });

  test("passes over a list that nobody asked for", () => {
    becomeReady();
    receive(bytes, fixture("list-sas") - 5);
    request(Request.LIST_CONNS, 7);
    resetActions();
    receive(bytes, fixture("list-sas"));
    expect(written()).toBe("RESPONSE list-conns 7 yes\n");
  });

  test("reads the same however the stream is cut", () => {
    const answers: string[] = ["list-sas", "list-conns", "terminate-ike", "initiate-unknown"];
    // prettier-ignore
    const kinds: Request[] = [
      Request.LIST_SAS, Request.LIST_CONNS, Request.TERMINATE_IKE, Request.INITIATE,
    ];
    becomeReady();
    for (let i = 0; i < answers.length; i++) {
      const length = fixture(answers[i]);
      const whole = answer(length, kinds[i], length, length);
      expect(whole.includes("RESPONSE")).toBe(true);
      for (let cut = 0; cut < length; cut++) {
        const text = answer(length, kinds[i], cut, length);
        if (text != whole) expect(text).toBe(whole);
      }
      expect(answer(length, kinds[i], 1, 1)).toBe(whole);
      expect(answer(length, kinds[i], 0, 5)).toBe(whole);
    }
  });

  test("explains failures in charon's words", () => {
    becomeReady();
    const answers: string[] = [
      "initiate-unknown",
      "initiate-refused",
      "terminate-unknown",
      "unknown-command",
    ];
    for (let i = 0; i < answers.length; i++) {
      request(Request.INITIATE, i);
      resetActions();
      receive(bytes, fixture(answers[i]));
    }
    expect(written()).toBe(
      "RESPONSE initiate 0 no: CHILD_SA config 'nothing' not found\n" +
        "RESPONSE initiate 1 no: establishing CHILD_SA 'refused' failed\n" +
        "RESPONSE initiate 2 no: no matching SAs to terminate found\n" +
        "RESPONSE initiate 3 no: unknown command\n",
    );
    expect(isReady()).toBe(true);
  });

  test("tries again while the socket is not there", () => {
    becomeReady();
    viciClosed(104);
    drain();
    expect(sessionDeadline()).toBe(now + VICI_RETRY_MS);
    for (let i = 0; i < 3; i++) {
      advance(VICI_RETRY_MS - 1);
      sessionDue();
      drain();
      advance(1);
      sessionDue();
      drain();
      viciClosed(2);
      drain();
    }
    expect(written()).toBe("CLOSED 104 lost\n" + "connect /run/charon.vici\nCLOSED 2\n".repeat(3));
  });

  test("gives up an answer that does not come, and forgets what waited", () => {
    becomeReady();
    request(Request.LIST_SAS, 1);
    request(Request.LIST_CONNS, 2);
    resetActions();
    advance(VICI_TIMEOUT_MS - 1);
    sessionDue();
    drain();
    expect(written()).toBe("");
    // A list that goes on is no silence.
    receive(bytes, fixture("list-sas") - 5);
    expect(sessionDeadline()).toBe(now + VICI_TIMEOUT_MS);
    w.reset(room, ROOM);
    advance(VICI_TIMEOUT_MS);
    sessionDue();
    drain();
    expect(written()).toBe("CLOSED 110 lost\nclose\n");
    becomeReady();
    drain();
    expect(written()).toBe("");
  });

  test("gives up a registration that is not confirmed", () => {
    becomeReady();
    viciClosed(0);
    drain();
    advance(VICI_RETRY_MS);
    sessionDue();
    viciOpened();
    resetActions();
    w.reset(room, ROOM);
    receive(bytes, fixture("register") - 5);
    advance(VICI_TIMEOUT_MS);
    sessionDue();
    drain();
    expect(written()).toBe("CLOSED 110\nclose\n");
  });

  test("does not work with a charon that has no lists", () => {
    becomeReady();
    viciClosed(0);
    drain();
    advance(VICI_RETRY_MS);
    sessionDue();
    viciOpened();
    resetActions();
    w.reset(room, ROOM);
    fixture("register");
    store<u8>(bytes + 4, Packet.EVENT_UNKNOWN);
    receive(bytes, 35);
    expect(written()).toBe("CLOSED 71\nclose\n");
  });

  test("closes a stream that makes no sense", () => {
    // prettier-ignore
    const nonsense: string[] = [
      "\x00\x00\x00\x00", "\xff\xff\xff\xff", // lengths
      "\x00\x00\x00\x01\x08", "\x00\x00\x00\x01\x00", // no packet types of charon's
      "\x00\x00\x00\x01\x01", "\x00\x00\x00\x01\x02", "\x00\x00\x00\x01\x05", // answers to nothing
      "\x00\x00\x00\x01\x07", "\x00\x00\x00\x03\x07\x05a", // an event without its name
      "\x00\x00\x00\x04\x07\x01a\x02", // a malformed message
    ];
    for (let i = 0; i < nonsense.length; i++) {
      becomeReady();
      const length = nonsense[i].length;
      for (let j = 0; j < length; j++) store<u8>(bytes + j, nonsense[i].charCodeAt(j));
      receive(bytes, length);
      expect(written()).toBe("CLOSED 71 lost\nclose\n");
    }
  });

  test("goes to another socket when it is told to", () => {
    becomeReady();
    connect(bytes, put(SOCKET));
    drain();
    expect(written()).toBe("");
    connect(bytes, put("/run/other.vici"));
    drain();
    expect(written()).toBe("CLOSED 0 lost\nclose\nconnect /run/other.vici\n");
    connect(bytes, put(SOCKET));
    drain();
    expect(connect(bytes, 108)).toBe(false);
    resetActions();
  });

  test("survives mutated conversations, and comes back after each", () => {
    for (let round = 0; round < 600; round++) {
      becomeReady();
      const length = fixture(FIXTURES[random(FIXTURES.length)]);
      memory.copy(mutant, bytes, length);
      for (let i = random(4); i >= 0; i--) store<u8>(mutant + random(length), random(256));
      request(random(2) == 0 ? Request.LIST_SAS : Request.LIST_CONNS, round);
      for (let at = 0; at < length;) {
        const size = min(1 + random(200), length - at);
        receive(copyAtEdge(mutant + at, size), size);
        w.reset(room, ROOM);
        at += size;
      }
    }
    becomeReady();
  });

  test("survives random bytes", () => {
    for (let round = 0; round < 500; round++) {
      becomeReady();
      const length = 1 + random(300);
      for (let i = 0; i < length; i++) {
        store<u8>(mutant + i, random(3) == 0 ? random(256) : random(8));
      }
      if (random(2) == 0) store<u32>(mutant, bswap<u32>(length - 4));
      request(Request.LIST_SAS, round);
      receive(copyAtEdge(mutant, length), length);
    }
    becomeReady();
  });
});
