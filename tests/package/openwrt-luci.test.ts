/**
 * LuCI's pages: evaluated and rendered over what a real rekeyd answers, with a stand-in for LuCI
 * (lib/luci.ts); what they offer and send.
 */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { before, describe, test } from "node:test";
import { withBench } from "../device/lib/bench.ts";
import { luci, type Luci, type Option } from "./lib/luci.ts";

const SHARE = "host/openwrt/luci-app-rekeyd/root/usr/share";
const VIEWS = "host/openwrt/luci-app-rekeyd/htdocs/luci-static/resources/view";
const HOSTILE = "<b>x</b>&";

interface Menu {
  action: { type: string; path?: string };
}

/** Answers of a daemon with VPNs of these names, by the words that were asked for. */
const told: Record<string, unknown> = {};

before(() =>
  withBench(async ({ rekeyd, conf }) => {
    rekeyd.configure(conf("branch", HOSTILE));
    await rekeyd.start();
    for (const words of [["vpn"], ["vpn", "branch"], ["event"], ["interface"], ["vpnmonitor"]]) {
      const { stdout } = await rekeyd.rekeyctl("--json", "get", ...words);
      told[words.join(" ")] = JSON.parse(stdout);
    }
    told["doctor"] = JSON.parse((await rekeyd.rekeyctl("--json", "doctor", "branch")).stdout);
  }),
);

/** LuCI beside that daemon; `answers`: what a method answers instead. */
function beside(answers: Record<string, unknown> = {}): Luci {
  return luci((method, ...args) => {
    if (method in answers) return answers[method];
    if (method === "get") return told[(args[0] as string[]).join(" ")];
    if (method === "doctor") return told["doctor"];
    return { message: "asked strongSwan for a new key" };
  });
}

describe("Monitor Status", () => {
  test("has a row for each VPN, with state, availability and what comes next", async () => {
    const { page } = beside();
    const status = page("status");
    const shown = await status.render(await status.load());
    assert.match(shown.text, /branch.*I\/I.*inactive/);
    assert.equal(shown.all("button").length, 2);
    // Names are text: an element of that name would be somebody else's HTML.
    assert.ok(shown.text.includes(HOSTILE));
  });

  test("of one it shows SAs and events, renews its key and examines it", async () => {
    const { page, calls, poll } = beside();
    const status = page("status");
    const shown = await status.render(await status.load());
    await shown.all("button").at(-1)!.click();
    await shown.all("button")[0]!.click();
    assert.match(shown.text, /Phase 1.*Phase 2.*Last events/);
    await poll();
    await shown.find("button", "Renew now").click();
    assert.deepEqual(calls.at(-1), ["command", ["exec vpn branch rekey"]]);
    assert.match(shown.text, /Examine.*Asked strongSwan for a new key\.Phase 1/);
    await shown.find("button", "Clear SA").click();
    assert.deepEqual(calls.at(-1), ["command", ["clear sa id 00000001"]]);
    await shown.find("button", "Examine").click();
    assert.deepEqual(calls.at(-1), ["doctor", ["branch"]]);
    assert.match(shown.text, /vici-away: /);
    assert.doesNotMatch(shown.text, /null|undefined/);
  });

  test("says what is wrong when the daemon does not answer, and goes on asking", async () => {
    const { page, poll } = beside({ get: { error: "no daemon answers" } });
    const status = page("status");
    const shown = await status.render(await status.load());
    assert.match(shown.text, /No daemon answers\./);
    await poll();
    assert.match(shown.text, /No daemon answers\./);
  });
});

describe("Event Log", () => {
  test("shows the events that fit the filter", async () => {
    const { page } = beside();
    const log = page("events");
    const shown = await log.render(await log.load());
    const all = shown.all("tr").length;
    assert.match(shown.text, /Configuration .* has been loaded/);
    const [level] = shown.all("select");
    (level!.attributes["change"] as (event: object) => void)({ target: { value: "error" } });
    assert.ok(shown.all("tr").length < all);
    assert.doesNotMatch(shown.text, /Configuration .* has been loaded/);
    assert.match(shown.text, /No connection to strongSwan/);
  });

  test("an error is text, whatever it quotes", async () => {
    const answers: Record<string, unknown> = {};
    const { page, poll } = beside(answers);
    const log = page("events");
    const shown = await log.render(await log.load());
    answers["get"] = { error: `there is no VPN '${HOSTILE}'` };
    await poll();
    assert.ok(shown.text.includes(`There is no VPN '${HOSTILE}'.`), shown.text);
  });
});

describe("AutoKey IKE", () => {
  const options = async (): Promise<[Luci, Record<string, Option>]> => {
    const world = beside();
    const vpns = world.page("vpns");
    await vpns.render(await vpns.load());
    return [world, Object.fromEntries(world.options.map((option) => [option.name, option]))];
  };

  test("offers what the engine knows: each option is one of docs/configuration.md", async () => {
    const [, offered] = await options();
    const documented = fs.readFileSync("docs/configuration.md", "utf8");
    for (const name of Object.keys(offered).filter((each) => !each.startsWith("_"))) {
      assert.match(documented, new RegExp(`^\\| .*\`${name}\``, "m"), name);
    }
    for (const name of ["monitor", "optimized", "rekey", "destination_ip", "source_interface"]) {
      assert.ok(name in offered, name);
    }
  });

  test("Rekey, Optimized, source and destination need VPN Monitor, as on ScreenOS", async () => {
    const [, offered] = await options();
    for (const name of ["rekey", "optimized", "source_interface", "destination_ip"]) {
      assert.deepEqual(offered[name]!["needs"], { monitor: "1" }, name);
    }
  });

  test("a source is an interface or an address, and never both", async () => {
    const [{ done }, offered] = await options();
    const { write, remove } = offered["source_interface"] as unknown as {
      write: (vpn: string, value: string) => void;
      remove: (vpn: string) => void;
    };
    write("branch", "10.1.0.1");
    write("branch", "2001:db8::1");
    write("branch", "eth0.1");
    remove("branch");
    assert.deepEqual(done, [
      "set rekeyd branch source_ip 10.1.0.1",
      "unset rekeyd branch source_interface",
      "set rekeyd branch source_ip 2001:db8::1",
      "unset rekeyd branch source_interface",
      "set rekeyd branch source_interface eth0.1",
      "unset rekeyd branch source_ip",
      "unset rekeyd branch source_ip",
      "unset rekeyd branch source_interface",
    ]);
  });

  test("what has mistakes is saved, shown in the engine's words, and not applied", async () => {
    const mistake = { section: "vpn branch", option: "interval", text: "interval '0' is not ..." };
    const { page, done } = beside({ check: { mistakes: [mistake] } });
    const vpns = page("vpns");
    const shown = await vpns.render(await vpns.load());
    await assert.rejects(vpns.handleSaveApply({}, "0"), /has mistakes/);
    assert.deepEqual(done, ["handleSave"]);
    assert.match(shown.text, /vpn branch, interval: Interval '0' is not \.\.\./);
  });

  test("what has none is applied", async () => {
    const { page, done } = beside({ check: { mistakes: [] } });
    const vpns = page("vpns");
    await vpns.render(await vpns.load());
    await vpns.handleSaveApply({}, "0");
    assert.deepEqual(done, ["handleSave", "apply true"]);
  });
});

test("each page of the menu is there, and the rights that it asks for are given", () => {
  const json = (file: string): Record<string, unknown> =>
    JSON.parse(fs.readFileSync(`${SHARE}/${file}`, "utf8")) as Record<string, unknown>;
  const menu = json("luci/menu.d/luci-app-rekeyd.json") as Record<string, Menu>;
  const paths = Object.values(menu).flatMap(({ action }) => action.path ?? []);
  assert.equal(paths.length, 3);
  for (const each of paths) {
    assert.ok(fs.existsSync(`${VIEWS}/${each}.js`), each);
  }
  const acl = json("rpcd/acl.d/luci-app-rekeyd.json");
  assert.match(JSON.stringify(menu), new RegExp(`"acl":\\["${Object.keys(acl)[0]}"\\]`));
});
