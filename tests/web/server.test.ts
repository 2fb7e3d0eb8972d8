/** rekeyd-web lets in who knows the secret, passes lines on, and refuses everything else. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { VERSION } from "../../tools/version.ts";
import { attempt, type Result } from "../lab/lib/command.ts";
import { startProgram } from "../lab/lib/program.ts";
import { sleep, waitUntil } from "../lab/lib/wait.ts";
import { SECRET, Site, withSite } from "./lib/site.ts";
import { ask, type Response } from "./lib/request.ts";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
  "img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

let site: Site;
before(async () => {
  site = await Site.create({ vpns: ["branch", "office"], options: ["--host", "router.example"] });
});
after(() => site?.remove());

const errorOf = ({ body }: Response): string => (JSON.parse(body) as { error: string }).error;

/** Nothing that was refused has reached the daemon. */
async function withoutLines(body: () => Promise<void>): Promise<void> {
  const before_it = site.gate.lines.length;
  await body();
  assert.deepEqual(site.gate.lines.slice(before_it), []);
}

describe("pages", () => {
  test("need no session, are compressed, and are asked for again by their tag", async () => {
    const names = fs.readdirSync("build/web").filter((name) => name.endsWith(".gz"));
    assert.ok(names.length >= 3);
    for (const name of names) {
      const where = name === "index.html.gz" ? "/" : `/${name.slice(0, -".gz".length)}`;
      const answer = await fetch(`${site.origin}${where}`);
      assert.equal(answer.status, 200);
      const bytes = Buffer.from(await answer.arrayBuffer());
      assert.ok(bytes.equals(gunzipSync(fs.readFileSync(path.join("build/web", name)))), name);
      const headers = { "accept-encoding": "gzip", "if-none-match": answer.headers.get("etag")! };
      const again = await site.ask({ path: where, headers });
      assert.deepEqual([again.status, again.body], [304, ""]);
    }
    const plain = await site.ask({ path: "/" });
    assert.equal(plain.status, 406);
    const head = { "accept-encoding": "br, gzip;q=0.5" };
    assert.equal((await site.ask({ method: "HEAD", path: "/", headers: head })).status, 200);
  });

  test("every answer forbids frames, foreign scripts, sniffing and keeping", async () => {
    for (const [where, cache] of [
      ["/", "no-cache"],
      ["/app.js", "no-cache"],
      ["/json/get/vpn", "no-store"],
      ["/metrics", "no-store"],
      ["/nothing", "no-store"],
    ]) {
      const headers = { "accept-encoding": "gzip", ...site.bearer() };
      const answer = await site.ask({ path: where!, headers });
      assert.equal(answer.headers["content-security-policy"], POLICY, where);
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      assert.equal(answer.headers["referrer-policy"], "no-referrer");
      assert.equal(answer.headers["cross-origin-opener-policy"], "same-origin");
      assert.equal(answer.headers["cross-origin-resource-policy"], "same-origin");
      assert.equal(answer.headers["cache-control"], cache);
      assert.equal(answer.headers["access-control-allow-origin"], undefined);
    }
  });
});

describe("who is let in", () => {
  const needing = ["/json/get/vpn", "/metrics", "/stream"];

  test("nobody without a session or the secret", () =>
    withoutLines(async () => {
      for (const where of needing) {
        const answer = await site.ask({ path: where });
        assert.equal(answer.status, 401);
        assert.equal(answer.headers["www-authenticate"], "Bearer");
      }
      for (const cookie of ["", `rekeyd-web-${site.port}=${"0".repeat(64)}`]) {
        assert.equal((await site.post("/command", { line: "save" }, { cookie })).status, 401);
      }
      const basic = { authorization: `Basic ${btoa(`a:${SECRET}`)}` };
      assert.equal((await site.ask({ path: "/json/get/vpn", headers: basic })).status, 401);
      assert.equal((await site.ask({ path: "/json/get/vpn?token=x" })).status, 400);
    }));

  test("a session begins with the secret, and ends where it is ended", async () => {
    const login = await site.post("/login", { secret: SECRET });
    assert.equal(login.status, 204);
    const [cookie = ""] = login.headers["set-cookie"] ?? [];
    const name = `rekeyd-web-${site.port}`;
    assert.match(cookie, new RegExp(`^${name}=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict$`));
    const session = { cookie: `other=1; ${cookie.split(";")[0]}` };
    const vpns = await site.ask({ path: "/json/get/vpn", headers: session });
    assert.equal((JSON.parse(vpns.body) as { vpns: unknown[] }).vpns.length, 2);
    const other = { cookie: await site.logIn() };

    const logout = await site.post("/logout", {}, session);
    assert.equal(logout.status, 204);
    assert.match(logout.headers["set-cookie"]![0]!, /; Max-Age=0$/);
    assert.equal((await site.ask({ path: "/json/get/vpn", headers: session })).status, 401);
    assert.equal((await site.ask({ path: "/json/get/vpn", headers: other })).status, 200);
  });

  test("behind a proxy with TLS the cookie stays with TLS", async () => {
    const headers = { host: "router.example", origin: "https://router.example" };
    const login = await site.post("/login", { secret: SECRET }, headers);
    assert.match(login.headers["set-cookie"]![0]!, /; Secure$/);
  });

  test("wrong secrets wait longer and longer, and do not hold up the right one", async () => {
    const wrong = await Promise.all(
      [`${SECRET}x`, SECRET.slice(1), ""].map((secret) => site.post("/login", { secret })),
    );
    assert.deepEqual(
      wrong.map(({ status }) => status),
      [401, 401, 401],
    );
    const complaints = site
      .said()
      .match(/^rekeyd-web: a wrong password or token from 127\.0\.0\.1$/gm);
    assert.equal(complaints?.length, 3);
    assert.ok(!site.said().includes(SECRET));
    const slowest_ms = Math.max(...wrong.map(({ took_ms }) => took_ms));
    assert.ok(slowest_ms >= 1500, `${slowest_ms} ms`);
    const begin = performance.now();
    const bearer = site.ask({ path: "/json/get/vpn", headers: site.bearer("wrong") });
    await site.logIn();
    const right_ms = performance.now() - begin;
    assert.equal((await bearer).status, 401);
    assert.ok(right_ms < (await bearer).took_ms, `${right_ms} ms`);
  });

  test("of many wrong secrets at once most are not looked at", async () => {
    const guesses = Array.from({ length: 30 }, (_, i) => site.post("/login", { secret: `${i}` }));
    const answers = await Promise.all(guesses);
    const count = (status: number): number =>
      answers.filter((answer) => answer.status === status).length;
    assert.equal(count(401) + count(429), 30);
    assert.ok(count(401) > 0 && count(401) < 16, `${count(401)} were looked at`);
    assert.equal(answers.find(({ status }) => status === 429)?.headers["retry-after"], "5");
    await site.logIn();
  });

  test("who does not wait for the answer has the pause all the same", async () => {
    for (let i = 0; i < 8; i++) {
      const wire = await site.wire();
      const header = `Host: 127.0.0.1:${site.port}\r\nAuthorization: Bearer guess-${i}\r\n`;
      wire.say(`GET /json/get/vpn HTTP/1.1\r\n${header}\r\n`);
      await sleep(20);
      wire.close();
    }
    assert.equal((await site.post("/login", { secret: "one more guess" })).status, 429);
    await waitUntil(
      "the secret is looked at again",
      20_000,
      () => site.post("/login", { secret: SECRET }),
      ({ status }) => status === 204,
    );
  });
});

describe("requests of other people's pages", () => {
  const line = { line: "set vpn branch monitor rekey" };

  test("a forged Host is not served", () =>
    withoutLines(async () => {
      const { port } = site;
      for (const host of [
        "evil.example",
        `evil.example:${port}`,
        "127.0.0.1",
        `127.0.0.1:${port + 1}`,
        `127.0.0.2:${port}`,
        `router.example.evil.example:${port}`,
      ]) {
        for (const where of ["/", "/json/get/vpn"]) {
          const headers = { host, "accept-encoding": "gzip", ...site.bearer() };
          assert.equal((await site.ask({ path: where, headers })).status, 421, host);
        }
        const origin = { host, origin: `http://${host}` };
        assert.equal((await site.post("/login", { secret: SECRET }, origin)).status, 421);
      }
      const wire = await site.wire();
      wire.say(`GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
      const twice = await site.wire();
      twice.say(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: evil.example\r\n\r\n`);
      const empty = await site.wire();
      empty.say("GET / HTTP/1.1\r\nHost:\r\n\r\n");
      const none = await site.wire();
      none.say("GET / HTTP/1.0\r\n\r\n");
      await site.hears(wire, 421);
      await site.hears(twice, 400);
      await site.hears(empty, 421);
      await site.hears(none, 421);
    }));

  test("hosts that are ours are served", async () => {
    const { port } = site;
    for (const host of [
      `localhost:${port}`,
      `127.0.0.1:${port}`,
      "router.example",
      "Router.Example:1",
    ]) {
      const headers = { host, ...site.bearer() };
      assert.equal((await site.ask({ path: "/json/get/vpn", headers })).status, 200, host);
    }
  });

  test("a forged Origin changes nothing and reads nothing", () =>
    withoutLines(async () => {
      const cookie = await site.logIn();
      for (const origin of [
        "null",
        "",
        "http://evil.example",
        `http://127.0.0.1:${site.port + 1}`,
        `http://localhost:${site.port}`,
        `${site.origin}.evil.example`,
      ]) {
        for (const credentials of [{ cookie }, site.bearer()]) {
          const headers = { origin, ...credentials };
          assert.equal((await site.post("/command", line, headers)).status, 403, origin);
          const read = await site.ask({ path: "/json/get/vpn", headers });
          assert.equal(read.status, 403, origin);
        }
        assert.equal((await site.post("/login", { secret: SECRET }, { origin })).status, 403);
        assert.equal((await site.post("/logout", {}, { origin, cookie })).status, 403);
      }
      const headers = { "content-type": "application/json", cookie };
      const absent = { method: "POST", path: "/command", headers, body: JSON.stringify(line) };
      assert.equal((await site.ask(absent)).status, 403);
    }));

  test("a request across sites changes nothing and reads nothing", () =>
    withoutLines(async () => {
      const cookie = await site.logIn();
      for (const place of ["cross-site", "same-site", "none", "x"]) {
        const headers = { "sec-fetch-site": place, cookie };
        assert.equal((await site.post("/command", line, headers)).status, 403, place);
        if (place === "none") continue;
        assert.equal((await site.ask({ path: "/json/get/vpn", headers })).status, 403, place);
        assert.equal((await site.ask({ path: "/stream", headers })).status, 403, place);
      }
    }));

  test("a form of another page has no content type that is taken", () =>
    withoutLines(async () => {
      const cookie = await site.logIn();
      for (const kind of [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain; application/json",
        "application/jsonp",
        "",
      ]) {
        const headers = { "content-type": kind, cookie };
        assert.equal((await site.post("/command", line, headers)).status, 415, kind);
      }
      const preflight = await site.ask({ method: "OPTIONS", path: "/command" });
      assert.equal(preflight.status, 405);
      assert.equal(preflight.headers["access-control-allow-origin"], undefined);
    }));

  test("a page of our own changes what it wants to, and so does a script", async () => {
    const cookie = await site.logIn();
    const browser = { cookie, "sec-fetch-site": "same-origin" };
    const changed = await site.post("/command", line, browser);
    assert.deepEqual([changed.status, changed.body], [200, '{"answer":{"changed":true}}']);
    assert.equal((await site.rekeyd.vpn("branch")).rekey, true);

    const headers = { "content-type": "application/json; charset=utf-8", ...site.bearer() };
    const body = JSON.stringify({ line: "unset vpn branch monitor" });
    const script = await site.ask({ method: "POST", path: "/command", headers, body });
    assert.equal(script.status, 200);
    assert.equal((await site.rekeyd.vpn("branch")).monitor, false);
  });
});

describe("lines", () => {
  test("words of a path are a line that only reads", async () => {
    const one = await site.read("/json/get/vpn/office");
    assert.equal((JSON.parse(one.body) as { vpns: { name: string }[] }).vpns[0]?.name, "office");
    const spaced = await site.read("/json/get/vpn/a%20b");
    assert.equal(errorOf(spaced), "there is no VPN 'a b'");
    assert.equal(site.gate.lines.at(-1), 'json get vpn "a b"');
    const completed = JSON.parse((await site.read("/json/complete/get/vpn/br")).body) as object;
    assert.deepEqual(Object.keys(completed), ["completions"]);
    const doctor = JSON.parse((await site.read("/json/doctor")).body) as { found: number };
    assert.ok(doctor.found >= 1);
  });

  test("the engine's own error tells where", async () => {
    const wrong = await site.read("/json/get/vpn/nobody");
    assert.equal(wrong.status, 422);
    const { error, column } = JSON.parse(wrong.body) as { error: string; column: number };
    assert.deepEqual([error, column], ["there is no VPN 'nobody'", 9]);
    const line = "set vpn branch interval 0";
    const command = await site.post("/command", { line }, site.bearer());
    assert.equal(command.status, 422);
    assert.match(errorOf(command), /^interval '0' is not possible/);
  });

  test("no path leads out of the line, or to a line that changes something", () =>
    withoutLines(async () => {
      for (const where of [
        "/json/",
        "/json/set/vpn/branch/monitor",
        "/json/save",
        "/json/get%20vpn",
        "/json/../json/get/vpn",
        "/json/get/vpn/a%0Asave",
        "/json/get/vpn/a%0d%0asave",
        "/json/get/vpn/%00",
        '/json/get/vpn/x"%20y',
        "/json/get/vpn/x%22%0Asave",
        "/json/get/%",
        "/json/get/%4",
        "/json/get/%zz",
        "/json/get/vpn?x=1",
        `/json/get/${"a/".repeat(600)}`,
      ]) {
        const answer = await site.read(where);
        assert.equal(answer.status, 400, where);
        assert.notEqual(errorOf(answer), "");
      }
      for (const where of ["/../etc/passwd", "/%2e%2e/etc/passwd", "/app.js/..", "/json", "//"]) {
        assert.equal((await site.read(where)).status, 404, where);
      }
    }));

  test("a command is one line, and a body is one member", () =>
    withoutLines(async () => {
      for (const line of ["get vpn\nsave", "save\r", "\u0000", "x".repeat(1020)]) {
        assert.equal((await site.post("/command", { line }, site.bearer())).status, 400, line);
      }
      for (const body of ["", "x", null, 1, [], {}, { line: 1 }, { line: "save", more: "" }]) {
        assert.equal((await site.post("/command", body, site.bearer())).status, 400);
      }
    }));

  test("what rekeyctl would write to a file is not written", async () => {
    const file = path.join(site.folder, "recording");
    const start = await site.post("/command", { line: "record start" }, site.bearer());
    assert.equal(start.status, 200);
    const save = await site.post("/command", { line: `record save ${file}` }, site.bearer());
    assert.deepEqual([save.status, fs.existsSync(file)], [422, false]);
    assert.match(errorOf(save), /^only rekeyctl knows/);
    await site.post("/command", { line: "record stop" }, site.bearer());
  });

  test("methods are what they are", async () => {
    for (const [method, where, allowed] of [
      ["POST", "/", "GET, HEAD"],
      ["DELETE", "/json/get/vpn", "GET"],
      ["POST", "/json/get/vpn", "GET"],
      ["HEAD", "/metrics", "GET"],
      ["GET", "/command", "POST"],
      ["GET", "/login", "POST"],
      ["PUT", "/command", "POST"],
    ]) {
      const answer = await site.ask({ method: method!, path: where!, headers: site.bearer() });
      assert.deepEqual([answer.status, answer.headers.allow], [405, allowed], `${method} ${where}`);
    }
  });

  test("metrics are OpenMetrics, and asked for once for many", async () => {
    const before_them = site.gate.count(/^metrics/);
    const begin = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => site.read("/metrics")));
    for (const { status, headers, body } of answers) {
      assert.equal(status, 200);
      assert.match(headers["content-type"]!, /^application\/openmetrics-text; version=1\.0\.0/);
      assert.match(body, /^# TYPE rekeyd_build info\n[^]*# EOF\n$/);
    }
    for (let i = 0; i < 10; i++) await site.read("/metrics");
    const asked = site.gate.count(/^metrics/) - before_them;
    const seconds = (performance.now() - begin) / 1000;
    assert.ok(asked >= 1 && asked <= 1 + seconds, `${asked} times in ${seconds} s`);
  });
});

describe("the program", () => {
  test("has lost root's rights", () => {
    const status = fs.readFileSync(`/proc/${site.web.pid}/status`, "utf8");
    const field = (name: string): string =>
      new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
    assert.match(field("Uid"), /^(\d+)\t\1\t\1\t\1$/);
    assert.doesNotMatch(field("Uid"), /^0\t/);
    for (const set of ["CapInh", "CapPrm", "CapEff"]) assert.match(field(set), /^0+$/);
    assert.deepEqual([field("NoNewPrivs"), field("Seccomp")], ["1", "2"]);
    // Nor does it take the processor from the daemon (proc(5), stat field 19).
    const stat = fs.readFileSync(`/proc/${site.web.pid}/stat`, "latin1");
    const own = os.getPriority(process.pid);
    assert.equal(
      Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]),
      Math.min(19, own + 10),
    );
  });

  test("on all addresses names one that opens, with a token drawn at each start", async () => {
    const tokens = new Set<string>();
    for (const i of [0, 1]) {
      const log = path.join(site.state.folder, `all-${i}.log`);
      const options = ["--listen", "0.0.0.0:0", "--user", "nobody", "--control-group", "4711"];
      const command = [path.resolve("build/rekeyd-web"), ...options, "--control", site.gate.path];
      const web = await startProgram(site.state, "rekeyd-web", command, { log });
      const printed = /^(http:\/\/localhost:(\d+)\/)#token=([0-9a-f]{64})$/m;
      const said = await waitUntil(
        "it prints its address",
        10_000,
        () => fs.readFileSync(log, "utf8"),
        (text) => printed.test(text),
      );
      assert.match(said, /^rekeyd-web: without TLS in front the network can read the secret$/m);
      const [, , port, token = ""] = printed.exec(said)!;
      const headers = { host: `localhost:${port}`, ...site.bearer(token) };
      const answer = await ask(Number(port), { path: "/json/get/vpn", headers });
      assert.equal(answer.status, 200);
      tokens.add(token);
      await web.end();
    }
    assert.equal(tokens.size, 2);
  });

  test("is let in at the control socket by its group, and not without", () =>
    withSite(
      async (other) => {
        const answer = await other.read("/json/get/vpn");
        assert.equal(answer.status, 503);
        assert.match(errorOf(answer), /Permission denied/);
      },
      { options: ["--control-group", "4712"] },
    ));

  test("says what is wrong with its options, and does not start", async () => {
    const run = (...args: string[]): Promise<Result> =>
      attempt("build/rekeyd-web", ["--listen", "127.0.0.1:0", ...args]);
    const file = path.join(site.folder, "open-secret");
    fs.writeFileSync(file, SECRET, { mode: 0o644 });
    const nobody = ["--user", "nobody"];
    for (const [args, code, says] of [
      [[], 1, /^rekeyd-web: root needs --user/],
      [["--user", "root"], 1, /--user root: root's rights/],
      [["--user", "no-such-user"], 1, /there is no user "no-such-user"/],
      [[...nobody, "--control-group", "no-such-group"], 1, /there is no group "no-such-group"/],
      [[...nobody, "--secret-file", file], 1, /every user can read it: chmod o-r/],
      [[...nobody, "--secret-file", `${file}.none`], 1, /No such file/],
      [[...nobody, "--listen", `127.0.0.1:${site.port}`], 1, /Address already in use/],
      [["--listen", "nowhere"], 2, /--listen nowhere: not ADDRESS:PORT/],
      [["--host", "a/b"], 2, /--host a\/b: a name alone/],
      [["--fast"], 2, /invalid option '--fast'/],
    ] as [string[], number, RegExp][]) {
      const done = await run(...args);
      assert.deepEqual([done.code, done.stdout], [code, ""], args.join(" "));
      assert.match(done.stderr, says);
    }
    assert.match((await run("--version")).stdout, new RegExp(`^rekeyd-web ${VERSION}\n$`));
    assert.match((await run("--help")).stdout, /^usage: rekeyd-web/);
  });
});
