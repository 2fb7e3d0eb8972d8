/** However much, or slowly, somebody sends or reads: it is bounded, and others are served. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { Namespace } from "../lab/lib/namespace.ts";
import { waitFor, waitUntil } from "../lab/lib/wait.ts";
import { SECRET, Site, withSite } from "./lib/site.ts";
import { connectionsAt, type Wire } from "./lib/request.ts";

const MAX_CONNECTIONS = 256;
const WAIT_MS = 30_000;

let site: Site;
before(async () => {
  site = await Site.create();
});
after(() => site?.remove());

const isServed = async (): Promise<void> => {
  assert.equal((await site.read("/json/get/vpn")).status, 200);
};

const closes = (wire: Wire): Promise<void> =>
  waitFor("the connection is closed", WAIT_MS, () => wire.is_closed, 2);

describe("a request", () => {
  test("has at most 8 kB of header", async () => {
    const headers = { "x-long": "x".repeat(7000), ...site.bearer() };
    assert.equal((await site.ask({ path: "/json/get/vpn", headers })).status, 200);
    for (const long of [{ "x-long": "x".repeat(9000) }, { cookie: "a=b; ".repeat(2000) }]) {
      const answer = await site.ask({
        path: "/json/get/vpn",
        headers: { ...site.bearer(), ...long },
      });
      assert.equal(answer.status, 431);
    }
    const wire = await site.wire();
    wire.say(`GET /${"x".repeat(100_000)}`);
    await closes(wire);
    const many = await site.wire();
    many.say("GET / HTTP/1.1\r\n" + "a: b\r\n".repeat(1000) + "\r\n");
    await closes(many);
    await isServed();
  });

  test("has at most 4 kB of body, whether it says so or not", async () => {
    const line = "x".repeat(5000);
    assert.equal((await site.post("/command", { line }, site.bearer())).status, 413);
    assert.equal((await site.post("/login", { secret: line })).status, 413);
    const wire = await site.wire();
    wire.say(head("Transfer-Encoding: chunked"));
    for (let i = 0; i < 10; i++) wire.say(`3e8\r\n${"x".repeat(1000)}\r\n`);
    await closes(wire);
    assert.ok(wire.status === 413 || wire.heard === "", wire.heard);
    await isServed();
  });

  test("that says two lengths is none", async () => {
    for (const lengths of [
      "Content-Length: 5\r\nTransfer-Encoding: chunked",
      "Content-Length: 5\r\nContent-Length: 6",
      "Content-Length: -1",
    ]) {
      const wire = await site.wire();
      const lines = site.gate.lines.length;
      wire.say(`${head(lengths)}0\r\n\r\nGET /json/get/vpn HTTP/1.1\r\n\r\n`);
      await waitFor("a refusal", WAIT_MS, () => wire.is_closed || wire.status >= 400);
      assert.equal(site.gate.lines.length, lines);
      wire.close();
    }
  });

  test("arrives whole within 10 s, its header as well as its body", async () => {
    const nothing = await site.wire();
    const header = await site.wire();
    const body = await site.wire();
    header.say("GET / HTTP/1.1\r\nHost: ");
    body.say(head("Content-Length: 100"));
    const drip = setInterval(() => {
      header.say("x");
      body.say("x");
    }, 500);
    try {
      for (const wire of [nothing, header, body]) await closes(wire);
    } finally {
      clearInterval(drip);
    }
    assert.equal(body.status, 408);
    await isServed();
  });

  test("that is random bytes is refused, and the next one is served", async () => {
    const seed = Buffer.from(
      `POST /login HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\n` +
        'Content-Length: 15\r\n\r\n{"secret":"x"}',
    );
    const lines = site.gate.lines.length;
    let state = 1;
    const below = (bound: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % bound;
    };
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(seed);
      for (let i = 0; i <= below(20); i++) bytes[below(bytes.length)] = below(256);
      const wire = await site.wire();
      wire.socket.end(bytes);
      await closes(wire);
      assert.ok(wire.status === 0 || wire.status >= 400, wire.heard);
    }
    assert.equal(site.gate.lines.length, lines);
    await isServed();
  });
});

/** The head of a command that is in order but for how long it is. */
function head(length: string): string {
  const own = `Host: 127.0.0.1:${site.port}\r\nAuthorization: Bearer ${SECRET}\r\n`;
  return `POST /command HTTP/1.1\r\n${own}Content-Type: application/json\r\n${length}\r\n\r\n`;
}

describe("connections", () => {
  test("beyond 256 are refused at once, until others have ended", async () => {
    // All at once: an idle one is closed after 5 s.
    const wires = await Promise.all(Array.from({ length: MAX_CONNECTIONS }, () => site.wire()));
    const refused = await site.wire();
    await closes(refused);
    assert.ok(refused.status === 503 || refused.heard === "", refused.heard);
    assert.ok(wires.filter((wire) => !wire.is_closed).length > 200);
    for (const wire of wires) wire.close();
    await waitUntil(
      "a request is served again",
      WAIT_MS,
      () =>
        site.read("/json/get/vpn").then(
          ({ status }) => status,
          () => 0,
        ),
      (status) => status === 200,
    );
  });

  test("that are streams leave room for requests", async () => {
    const streams = Array.from({ length: 230 }, () => site.stream());
    const answered = (): boolean => streams.every(({ status }) => status > 0);
    await waitFor("all streams are answered", WAIT_MS, answered);
    assert.equal(streams.filter(({ status }) => status === 200).length, 224);
    assert.equal(streams.filter(({ status }) => status === 503).length, 6);
    await isServed();
    for (const stream of streams) stream.close();
  });
});

/** Prints an event stream. */
const LISTEN = `
  const headers = { authorization: "Bearer " + process.argv[1] };
  const { body } = await fetch("http://127.0.0.1:8380/stream", { headers });
  for await (const bytes of body) process.stdout.write(bytes);
`;

describe("a client", { concurrency: true }, () => {
  test("that stops reading is let go of, and others hear on", () => {
    const vpns = Array.from({ length: 1500 }, (_, i) => `vpn-${i}`);
    return withSite(
      async (large) => {
        const lazy = await large.wire();
        lazy.socket.pause();
        // Answers that nobody takes, until the connection's buffers are full.
        const request = `GET /json/get/vpn HTTP/1.1\r\nHost: 127.0.0.1:${large.port}\r\n`;
        lazy.say(`${request}Authorization: Bearer ${SECRET}\r\n\r\n`.repeat(8));
        const stream = large.stream();
        await waitFor("the stream tells", WAIT_MS, () => stream.of("vpns").length > 0);
        const sockets = (): number => connectionsAt(large.port);
        assert.equal(sockets(), 2);
        await waitFor("the lazy one is let go of", WAIT_MS, () => sockets() === 1);
        assert.ok(stream.is_open);
      },
      { vpns },
    );
  });

  test("that vanishes without a word is let go of", () =>
    withSite(async ({ state, rekeyd, gate, folder }) => {
      // In a network of their own, which can be cut.
      const namespace = await Namespace.create(`rk${state.id}-c`, state);
      const log = path.join(state.folder, "cut.log");
      const options = ["--user", "nobody", "--control-group", "4711", "--control", gate.path];
      options.push("--secret-file", path.join(folder, "secret"));
      await namespace.spawn(path.resolve("build/rekeyd-web"), options, { log });
      await waitFor("it listens", WAIT_MS, () => fs.readFileSync(log, "utf8").includes("http"));
      const heard = path.join(state.folder, "heard.log");
      await namespace.spawn(process.execPath, ["--input-type=module", "-e", LISTEN, SECRET], {
        log: heard,
      });
      await waitFor("it is told", WAIT_MS, () => fs.readFileSync(heard, "utf8").includes("vpns"));
      assert.ok(rekeyd.isAlive());
      const sockets = (): Promise<string> =>
        namespace.run("ss", ["-Htn", "state", "established", "sport", "=", ":8380"]);
      assert.notEqual(await sockets(), "");
      await namespace.nft(`table inet cut {
      chain output { type filter hook output priority 0; meta l4proto tcp drop; }
    }`);
      await waitFor("the connection is given up", WAIT_MS, async () => (await sockets()) === "");
    }));
});
