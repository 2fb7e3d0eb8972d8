/** What Prometheus reads: by its own tools, and by the reference reader of OpenMetrics. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { VERSION } from "../../tools/version.ts";
import { attempt, run } from "../lab/lib/command.ts";
import { withBench } from "./lib/bench.ts";

const ALERTS = "docs/monitoring/alerts.yml";
const DASHBOARD = "docs/monitoring/grafana.json";
const TRANSCRIPT = "tests/sim/transcripts/monitoring.txt";
const MANY = 20_000;
/** Far more than it takes; what it takes, the benchmark tells. */
const MANY_MS = 20_000;
/** Metrics of others that alerts look at. */
const FOREIGN = new Set(["node_textfile_mtime_seconds"]);

const READER = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = text_string_to_metric_families(sys.stdin.read())
print(" ".join(sample.name for family in families for sample in family.samples))
`;

/** The samples' names, as the reference reader of OpenMetrics finds them. */
async function read(text: string): Promise<Set<string>> {
  const names = await run("/usr/bin/python3", ["-c", READER], text);
  return new Set(names.trim().split(" "));
}

test("metrics are read by the reference reader, and those of textfile by promtool", () =>
  withBench(async ({ rekeyd, conf }) => {
    rekeyd.configure(conf("branch", "bridge"));
    await rekeyd.start();
    const { code, stdout } = await rekeyd.rekeyctl("metrics");
    assert.equal(code, 0);
    const names = await read(stdout);
    assert.ok(names.has("rekeyd_vpn_up") && names.has("rekeyd_vpn_downs_total"));
    assert.match(stdout, new RegExp(`^rekeyd_build_info{version="${VERSION}"} 1$`, "m"));
    assert.match(await run("build/rekeyctl", ["--version"]), new RegExp(`^rekeyd ${VERSION}\n`));

    // With SAs, delays and all that only strongSwan brings.
    const [, told] = /^> metrics\n((?:\| .*\n)+)/m.exec(fs.readFileSync(TRANSCRIPT, "utf8"))!;
    assert.ok((await read(told!.replaceAll(/^\| /gm, ""))).has("rekeyd_vpn_sa_bytes_total"));

    const textfile = await rekeyd.rekeyctl("metrics", "textfile");
    const checked = await attempt("promtool", ["check", "metrics"], textfile.stdout);
    assert.deepEqual([checked.code, checked.stdout, checked.stderr], [0, "", ""]);
  }));

test(`the metrics of ${MANY} VPNs are whole`, () =>
  withBench(async ({ rekeyd, conf }) => {
    const names = Array.from({ length: MANY }, (_, i) => `branch-${i}`);
    // Each needs a child of its own, and that is its name.
    rekeyd.configure(conf(...names));
    await rekeyd.start();
    const begun = performance.now();
    const { code, stdout, stderr } = await rekeyd.rekeyctl("metrics");
    const took_ms = performance.now() - begun;
    assert.equal(code, 0, stderr);
    assert.ok(took_ms < MANY_MS, `${took_ms} ms`);
    assert.ok(stdout.endsWith("# EOF\n"));
    const ups = stdout.match(/^rekeyd_vpn_up\{/gm)!;
    assert.equal(ups.length, MANY);
    assert.equal(stdout.match(/^# TYPE rekeyd_vpn_up /gm)!.length, 1);
  }));

test("without a daemon nothing is written, and the exit status tells", () =>
  withBench(async ({ rekeyd }) => {
    const { code, stdout } = await rekeyd.rekeyctl("metrics", "textfile");
    assert.deepEqual([code, stdout], [3, ""]);
  }));

test("promtool takes the alert rules, and each is raised when it must be", async () => {
  await run("promtool", ["check", "rules", ALERTS]);
  await run("promtool", ["test", "rules", "tests/device/alerts.yml"]);
});

test("alerts and dashboard look at metrics that there are", () =>
  withBench(async ({ rekeyd }) => {
    await rekeyd.start();
    const { stdout } = await rekeyd.rekeyctl("metrics");
    const known = new Set(
      [...stdout.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(
        ([, name, type]) => name! + ({ counter: "_total", info: "_info" }[type!] ?? ""),
      ),
    );
    const asked = [ALERTS, DASHBOARD].flatMap((file) =>
      [...fs.readFileSync(path.resolve(file), "utf8").matchAll(/"?expr"?: (.*)$/gm)]
        .flatMap(([, expr]) => expr!.match(/\b(rekeyd|node)_\w+/g) ?? [])
        .filter((name) => !FOREIGN.has(name)),
    );
    assert.ok(asked.length > 20, `${asked.length}`);
    assert.deepEqual(
      asked.filter((name) => !known.has(name)),
      [],
    );
  }));
