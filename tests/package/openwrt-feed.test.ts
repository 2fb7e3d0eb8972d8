/**
 * The feed for OpenWrt: its Makefiles are read by make, with a stand-in for OpenWrt's own
 * (lib/openwrt.mk), and what they install is looked at.
 */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { TARGETS } from "../../tools/cross/targets.ts";
import { FEED, writeFeed } from "../../tools/openwrt_feed.ts";
import { filesBelow } from "../../tools/tree.ts";
import { VERSION } from "../../tools/version.ts";
import { withBench } from "../device/lib/bench.ts";
import { attempt, run } from "../lab/lib/command.ts";

const HASH = "0123456789abcdef".repeat(4);
let folder = "";

before(() => {
  folder = fs.mkdtempSync("/var/tmp/rekeyd-feed-");
  writeFeed(path.join(folder, "feed"), VERSION, HASH);
  fs.mkdirSync(path.join(folder, "bin/bin"), { recursive: true });
  for (const program of ["rekeyd", "rekeyd-web"]) {
    fs.copyFileSync(`build/${program}`, path.join(folder, "bin/bin", program));
  }
});

after(() => fs.rmSync(folder, { recursive: true }));

/** What make says, in the folder of a package as OpenWrt's build has it. */
async function make(
  name: string,
  target: string,
  arch = "aarch64",
  ...settings: string[]
): Promise<string> {
  const directory = path.join(folder, "feed", name);
  const variables = [`DIR=${directory}`, `OUT=${folder}/out`, `BIN=${folder}/bin`, `ARCH=${arch}`];
  const stand_in = path.resolve("tests/package/lib/openwrt.mk");
  const args = [
    "-C",
    directory,
    "--no-print-directory",
    "-f",
    stand_in,
    ...variables,
    ...settings,
    target,
  ];
  const { code, stdout, stderr } = await attempt("make", args);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  return stdout.trim();
}

/** Below a folder, each file with its mode, a link with where it leads. */
function contents(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of filesBelow(root, "")) {
    const stat = fs.lstatSync(name);
    if (stat.isDirectory()) continue;
    found[name.slice(root.length)] = stat.isSymbolicLink()
      ? `-> ${fs.readlinkSync(name)}`
      : (stat.mode & 0o777).toString(8);
  }
  return found;
}

describe("the feed", () => {
  test("a release fills in its version and the tarball's hash, which is all", async () => {
    assert.equal(await make("rekeyd", "show-PKG_VERSION"), VERSION);
    assert.equal(await make("rekeyd", "show-PKG_HASH"), HASH);
    assert.equal(await make("rekeyd", "show-PKG_SOURCE"), `rekeyd-${VERSION}.tar.xz`);
    assert.equal(await make("luci-app-rekeyd", "show-PKG_VERSION"), VERSION);
    for (const makefile of filesBelow(path.join(folder, "feed"), "Makefile")) {
      assert.doesNotMatch(fs.readFileSync(makefile, "utf8"), /:=@[A-Z]+@$/m);
    }
    const unfilled = filesBelow(FEED, "").filter((each) => fs.statSync(each).isFile());
    const filled = filesBelow(path.join(folder, "feed"), "");
    for (const each of unfilled) {
      const made = path.join(folder, "feed", each.slice(FEED.length));
      assert.ok(filled.includes(made), each);
      assert.equal(fs.statSync(made).mode, fs.statSync(each).mode, each);
    }
  });

  test("translators find all texts of LuCI's pages", () => {
    const template = path.join(folder, "feed/luci-app-rekeyd/po/templates/rekeyd.pot");
    const texts = fs.readFileSync(template, "utf8").split(/^msgid /m);
    assert.ok(texts.some((text) => text.startsWith('"Monitor Status"\n')));
    const pages = filesBelow(`${FEED}/luci-app-rekeyd/htdocs`, ".js");
    const said = pages.flatMap((page) => [...fs.readFileSync(page, "utf8").matchAll(/\b_\(/g)]);
    assert.ok(texts.length > 50 && texts.length <= said.length + 2, `${texts.length}`);
    for (const text of texts.slice(2)) assert.match(text, /^"[^\n]+"\nmsgstr ""\n/);
  });

  test("each processor gets the engine that was compiled for it", async () => {
    const engines = ["x86_64", "aarch64", "arm"].map(async (arch) => {
      const words = (await make("rekeyd", "show-CARGO_PKG_VARS", arch)).split(/\s+/);
      // Of two settings of one variable the later one counts.
      assert.ok(words.lastIndexOf("CARGO_PROFILE_RELEASE_PANIC=abort") > 0);
      const engine = words.find((word) => word.startsWith("REKEYD_ENGINE="));
      return /^REKEYD_ENGINE="\/build\/build\/engine\.(.*)\.cwasm"$/.exec(engine ?? "")?.[1];
    });
    const found = await Promise.all(engines);
    for (const { triple } of TARGETS) assert.ok(found.includes(triple), triple);
  });

  test("both programs are compiled, from where the tarball has them", async () => {
    const daemon = "cargo install --path /build/host/device";
    assert.equal(await make("rekeyd", "compile"), daemon);
    const both = await make("rekeyd", "compile", "x86_64", "CONFIG_PACKAGE_rekeyd-web=y");
    assert.equal(both, `${daemon}\ncargo install --path /build/host/web/server`);
    for (const crate of ["host/device", "host/web/server"]) {
      assert.ok(fs.existsSync(`${crate}/Cargo.lock`));
    }
  });

  test("the packages have their files, with their modes", async () => {
    await make("rekeyd", "rekeyd.install");
    assert.deepEqual(contents(path.join(folder, "out/rekeyd")), {
      "/etc/capabilities/rekeyd.json": "644",
      "/etc/config/rekeyd": "600",
      "/etc/init.d/rekeyd": "755",
      "/etc/iproute2/rt_protos.d/rekeyd.conf": "644",
      "/etc/uci-defaults/50-rekeyd": "755",
      "/lib/upgrade/keep.d/rekeyd": "644",
      "/usr/bin/rekeyctl": "-> ../sbin/rekeyd",
      "/usr/lib/rekeyd/hotplug": "755",
      "/usr/sbin/rekeyd": "755",
    });
    await make("rekeyd", "rekeyd-web.install");
    assert.deepEqual(contents(path.join(folder, "out/rekeyd-web")), {
      "/etc/config/rekeyd-web": "600",
      "/etc/init.d/rekeyd-web": "755",
      "/usr/sbin/rekeyd-web": "755",
    });
    const rekeyctl = path.join(folder, "out/rekeyd/usr/bin/rekeyctl");
    assert.match(await run(rekeyctl, ["--help"]), /^usage: rekeyctl /);
  });

  test("what the packages need is strongSwan with vici, and nf_tables", async () => {
    const [depends, user, ...conffiles] = (await make("rekeyd", "rekeyd.control")).split("\n");
    assert.equal(
      depends,
      "@(aarch64||arm||x86_64) +kmod-nft-core +strongswan +strongswan-mod-vici +strongswan-swanctl",
    );
    assert.equal(user, ":rekeyd");
    assert.deepEqual(conffiles, ["/etc/config/rekeyd"]);
    const [web, web_user, ...web_conffiles] = (await make("rekeyd", "rekeyd-web.control")).split(
      "\n",
    );
    assert.equal(web, "+rekeyd");
    // The group is the one that may use the control socket.
    assert.equal(web_user, "rekeyd-web:rekeyd");
    assert.deepEqual(web_conffiles, ["/etc/config/rekeyd-web", "/etc/rekeyd-web/secret"]);
  });

  test("what the scripts name is what is installed", async () => {
    const names = (file: string): string => fs.readFileSync(`${FEED}/rekeyd/files/${file}`, "utf8");
    const installed = { ...contents(path.join(folder, "out/rekeyd")) };
    const init = names("rekeyd.init");
    for (const file of [
      "/usr/sbin/rekeyd",
      "/etc/config/rekeyd",
      "/etc/capabilities/rekeyd.json",
    ]) {
      assert.ok(init.includes(file) && file in installed, file);
    }
    const keep = names("rekeyd.keep").trim().split("\n");
    for (const file of ["/etc/config/rekeyd", "/etc/config/rekeyd-web", "/etc/rekeyd-web"]) {
      assert.ok(keep.includes(file), `sysupgrade keeps ${file}`);
    }
  });

  test("the jail's capabilities are those that the daemon takes, and the kernel knows them", () => {
    const sets = JSON.parse(
      fs.readFileSync(`${FEED}/rekeyd/files/rekeyd.capabilities.json`, "utf8"),
    ) as Record<string, string[]>;
    const names = ["bounding", "effective", "ambient", "permitted", "inheritable"];
    assert.deepEqual(Object.keys(sets), names);
    const header = fs.readFileSync("/usr/include/linux/capability.h", "utf8");
    for (const name of Object.values(sets).flat()) {
      assert.match(header, new RegExp(`^#define ${name}\\s+\\d+$`, "m"));
    }
    assert.deepEqual(sets["bounding"], ["CAP_CHOWN", "CAP_NET_ADMIN", "CAP_NET_RAW"]);
    assert.deepEqual(sets["permitted"], sets["bounding"]);
    assert.deepEqual(sets["ambient"], []);
  });

  test("the configuration that is installed has no mistakes", async () => {
    const config = `${FEED}/rekeyd/files/rekeyd.config`;
    assert.match(await run("build/rekeyd", ["check", "--config", config]), /: no mistakes; 0 VPNs/);
    // Neither has its example, once it is no comment any more.
    const text = fs.readFileSync(config, "utf8").replace(/^# ?(?=config|\t)/gm, "");
    const uncommented = path.join(folder, "uncommented");
    fs.writeFileSync(uncommented, text);
    const said = await run("build/rekeyd", ["check", "--config", uncommented]);
    assert.match(said, /: no mistakes; 1 VPN, 1 monitored, 1 with rekey/);
  });

  test("what uci writes is read: quotes, lists, sections without a name", async () => {
    // As OpenWrt's uci has written it, after it was given these values.
    const written = [
      ["vpnmonitor 'global'", "option interval '0.5'"],
      [
        "vpn 'branch'",
        "option gateway 'it'\\''s a \"gate\" #1; \\'",
        "option monitor '1'",
        "list destination_ip '10.2.0.10'",
        "list destination_ip '10.2.0.11'",
        "option tunnel 'tunnel1'",
      ],
      ["tunnel 'tunnel1'", "option create '1'", "list address '10.1.0.1/24'"],
      ["route", "option target '10.2.0.0/16'", "option interface 'tunnel1'"],
    ].map(
      ([head, ...options]) => `config ${head}\n${options.map((each) => `\t${each}\n`).join("")}`,
    );
    const committed = path.join(folder, "committed");
    fs.writeFileSync(committed, `\n${written.join("\n")}\n`);
    const exported = path.join(folder, "exported");
    fs.writeFileSync(exported, `package rekeyd\n\n${written.join("\n")}\n`);
    for (const file of [committed, exported]) {
      const said = await run("build/rekeyd", ["check", "--config", file]);
      assert.match(
        said,
        /: no mistakes; 1 VPN, 1 monitored, 0 with rekey; 1 tunnel interface, 1 r/,
      );
    }
    await withBench(async ({ rekeyd }) => {
      rekeyd.configure(fs.readFileSync(committed, "utf8"));
      await rekeyd.start();
      const { stdout } = await rekeyd.rekeyctl("--json", "get", "vpn", "branch");
      const { vpns } = JSON.parse(stdout) as { vpns: { gateway: string }[] };
      assert.equal(vpns[0]!.gateway, 'it\'s a "gate" #1; \\');
    });
  });

  test("the routes' protocol has the name that the image gives it", () => {
    const of_image = "host/image/root/etc/iproute2/rt_protos.d/rekeyd.conf";
    const of_feed = `${FEED}/rekeyd/files/rekeyd.rt_protos`;
    assert.equal(fs.readFileSync(of_feed, "utf8"), fs.readFileSync(of_image, "utf8"));
  });
});
