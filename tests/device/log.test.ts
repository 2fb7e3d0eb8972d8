import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { attempt, run } from "../lab/lib/command.ts";
import { Namespace } from "../lab/lib/namespace.ts";
import { uciText } from "../lab/lib/rekeyd.ts";
import { State } from "../lab/lib/state.ts";

/*
 * The log's outputs, read by the loggers that Debian has. They and rekeyd have a /dev and a /run of
 * their own, in a mount namespace that ends with the script.
 */

/** How each logger is started with its output in `$out/logger`, and its socket's name. */
const LOGGERS: Record<string, string> = {
  rsyslogd: `
    cat >"$out/conf" <<END
module(load="imuxsock")
global(workDirectory="/run")
template(name="all" type="list") {
  property(name="programname") constant(value=" ") property(name="procid")
  constant(value=" ") property(name="syslogfacility-text")
  constant(value=" ") property(name="syslogseverity-text")
  property(name="msg") constant(value="\\n")
}
*.* action(type="omfile" file="$out/logger" template="all")
END
    rsyslogd -n -f "$out/conf" -i /run/rsyslogd.pid`,
  busybox: `busybox syslogd -n -O "$out/logger"`,
};

/** Sockets and devices of our own; $1: folder, $2: rekeyd, $3: its configuration. */
const BEGIN = `
  set -eu
  out=$1
  mount --make-rprivate /
  mkdir -p "$out/dev"
  mount -t tmpfs tmpfs "$out/dev"
  for name in null zero full random urandom; do cp -a "/dev/$name" "$out/dev/$name"; done
  ln -s /proc/self/fd "$out/dev/fd"
  mount --bind "$out/dev" /dev
  mount -t tmpfs tmpfs /run
  await() { n=0; until "$@"; do n=$((n + 1)); [ $n -lt 200 ]; sleep 0.05; done; }
  holds() { grep -q "$1" "$2" 2>/dev/null; }
  events() { jq -s length "$out/json"; }
  more() { [ "$(events)" -gt "$1" ]; }
  reload() { n=$(events); kill -HUP $rekeyd; await more "$n"; }
  run_rekeyd() {
    "$rekeyd_path" run --config "$out/conf.rekeyd" --control "$out/control" \\
      --log "$out/lines" --log "json:$out/json" "$@" 2>"$out/stderr" &
    rekeyd=$!
    echo $rekeyd >"$out/pid"
    await holds started "$out/lines"
  }
  rekeyd_path=$2`;

interface Event {
  id: number | null;
  severity: string;
  time: string;
  vpn: string | null;
  text: string;
}

/** Runs the script, and answers with the files that it left. */
async function inBox(script: string): Promise<(name: string) => string> {
  const state = State.create("test", "log");
  try {
    const namespace = await Namespace.create(`rk${state.id}-l`, state);
    const out = path.join(state.folder, "out");
    fs.mkdirSync(out);
    const vpns = [{ name: "branch", options: { gateway: "s2s", monitor: 1 } }];
    fs.writeFileSync(path.join(out, "conf.rekeyd"), uciText({ vici: "/run/no-vici" }, vpns));
    const file = path.join(out, "script");
    fs.writeFileSync(file, `${BEGIN}\n${script}`);
    const done = await namespace.attempt("sh", [file, out, path.resolve("build/rekeyd")]);
    const read = (name: string): string => {
      const file = path.join(out, name);
      return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    };
    assert.equal(done.code, 0, `${done.stderr}${read("stderr")}${read("lines")}${read("logger")}`);
    const files = new Map(
      ["lines", "json", "logger", "stderr", "pid"].map((name) => [name, read(name)]),
    );
    return (name) => files.get(name)!;
  } finally {
    await state.remove();
  }
}

const documents = (text: string): Event[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);

describe("syslog", () => {
  for (const [name, start] of Object.entries(LOGGERS)) {
    test(`${name} reads program, process and severity, and what it missed is counted`, async () => {
      const file = await inBox(`
        start_logger() { ${start.trimStart()} & logger=$!; await test -S /dev/log; }
        start_logger
        run_rekeyd --log syslog
        await holds "version .* started" "$out/logger"
        kill $logger; wait $logger || true; rm -f /dev/log
        reload; reload
        start_logger
        reload
        await holds "lines were lost" "$out/logger"
        kill $rekeyd; wait $rekeyd
        await holds stopped "$out/logger"
        kill $logger; wait $logger || true`);
      const pid = Number(file("pid"));
      const head = name === "busybox" ? ` daemon.notice rekeyd[${pid}]` : `rekeyd ${pid} `;
      const lines = file("logger").split("\n");
      const with_ = (text: string): string[] => lines.filter((line) => line.includes(text));
      const [enabled] = with_("VPN monitoring for VPN branch has been enabled");
      assert.ok(enabled !== undefined && enabled.includes(head), file("logger"));
      assert.ok(enabled.includes("[Root]system-notification-00017: VPN monitoring for VPN branch"));
      if (name === "rsyslogd") assert.match(enabled, /^rekeyd \d+ daemon notice /);
      assert.match(with_("No connection to strongSwan")[0]!, /daemon.err(?:or)? |error/);
      const [lost] = with_("lines were lost");
      assert.ok(Number(/(\d+) log lines were lost/.exec(lost!)![1]) >= 2);
      // The outputs beside it have lost nothing.
      assert.doesNotMatch(file("lines"), /lost/);
      assert.equal(file("lines").trimEnd().split("\n").length, documents(file("json")).length);
    });
  }
});

test("JSON lines: what jq selects is what the lines for people say", async () => {
  const file = await inBox(`
    run_rekeyd
    reload
    echo nonsense >>"$out/conf.rekeyd"
    reload
    kill $rekeyd; wait $rekeyd
    # A second daemon adds to the file.
    echo >"$out/conf.rekeyd"; : >"$out/lines"
    run_rekeyd
    kill $rekeyd; wait $rekeyd
    jq -r 'select(.vpn == "branch") | .text' "$out/json" >"$out/logger"
    jq -r 'select(.severity == "error") | .id' "$out/json" >"$out/stderr"`);
  assert.match(file("logger"), /^VPN monitoring for VPN branch has been enabled\. .*\n$/);
  assert.match(file("stderr"), /^767\n/);
  for (const { id, time, text } of documents(file("json"))) {
    assert.ok(id === null || (id > 0 && id < 100_000));
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/);
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000 && text !== "");
  }
  assert.equal(documents(file("json")).filter(({ text }) => / started; /.test(text)).length, 2);
});

test("journald has each event with its fields", async () => {
  const file = await inBox(`
    mkdir -p /run/systemd/journald.conf.d /run/log/journal
    printf '[Journal]\\nStorage=volatile\\nReadKMsg=no\\nAudit=no\\nForwardToWall=no\\n' \\
      >/run/systemd/journald.conf.d/test.conf
    # It wants to know who sends; the namespace's own /sys has no control groups yet.
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    /lib/systemd/systemd-journald 2>"$out/stderr" & journald=$!
    await test -S /run/systemd/journal/socket
    run_rekeyd --log journald
    reload
    kill $rekeyd; wait $rekeyd
    stored() { journalctl -q -D /run/log/journal -o json REKEYD_EVENT=00017 | grep -q .; }
    await stored
    journalctl -q -D /run/log/journal -o json SYSLOG_IDENTIFIER=rekeyd >"$out/logger"
    kill $journald; wait $journald || true`);
  const entries = documents(file("logger")) as unknown as Record<string, string>[];
  const enabled = entries.filter(({ REKEYD_VPN }) => REKEYD_VPN === "branch");
  assert.equal(enabled.length, 1);
  assert.match(enabled[0]!["MESSAGE"]!, /^VPN monitoring for VPN branch has been enabled\./);
  assert.equal(enabled[0]!["REKEYD_EVENT"], "00017");
  assert.equal(enabled[0]!["PRIORITY"], "5");
  assert.equal(enabled[0]!["_TRANSPORT"], "journal");
  assert.ok(entries.some(({ MESSAGE }) => /version .* started/.test(MESSAGE!)));
  assert.equal(entries.length, documents(file("json")).length);
});

test("OpenWrt's hotplug: the script hands the event on (hotplug-call is a stub here)", async () => {
  const folder = fs.mkdtempSync("/var/tmp/rekeyd-hotplug-");
  try {
    fs.writeFileSync(
      path.join(folder, "hotplug-call"),
      '#!/bin/sh\necho "$1 $# $ACTION $INTERFACE $REKEYD_EVENT $REKEYD_PEER"\n',
      { mode: 0o755 },
    );
    const call = async (event: string): Promise<string> => {
      const variables = [`PATH=${folder}:/bin`, `REKEYD_EVENT=${event}`, "REKEYD_VPN=branch"];
      const script = path.resolve("host/openwrt/rekeyd/files/rekeyd-hotplug.sh");
      const { stdout, stderr } = await attempt("env", [
        ...["-i", ...variables, "REKEYD_PEER=192.0.2.1", "sh", script],
      ]);
      return stdout + stderr;
    };
    assert.equal(await call("up"), "ipsec 1 ifup branch up 192.0.2.1\n");
    assert.equal(await call("down"), "ipsec 1 ifdown branch down 192.0.2.1\n");
    for (const event of ["rekeyed", "target-silent"]) {
      assert.equal(await call(event), `ipsec 1 ifupdate branch ${event} 192.0.2.1\n`);
    }
  } finally {
    await run("rm", ["-r", folder]);
  }
});
