/** The man pages: readable everywhere, and about the very programs that are built. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, test } from "node:test";
import { builtPage, COMMANDS, CONFIGURATION, MAN_SOURCES } from "../../tools/man/pages.ts";
import { grammar } from "../../tools/man/grammar.ts";
import { tableRows } from "../../tools/man/markdown.ts";
import { filesBelow } from "../../tools/tree.ts";
import { attempt, run } from "../lab/lib/command.ts";
import { withBench } from "./lib/bench.ts";
import { optionsOf } from "./lib/options.ts";

const COLUMNS = 80;
const SOURCES = "host/device/src";

function built(page: string): string {
  const source = MAN_SOURCES.find((path) => basename(path) === page);
  assert.ok(source !== undefined, page);
  return builtPage(source);
}

/** One section of the page, as HTML, which keeps apart what a terminal shows side by side. */
async function section(page: string, title: string): Promise<string> {
  const html = await run("mandoc", ["-T", "html", "-O", "fragment", built(page)]);
  const sections = html.split(/(?=<h1 )/);
  const found = sections.filter((text) => plain(text.split("</h1>")[0]!) === title);
  assert.equal(found.length, 1, `${page}: ${title}`);
  return found[0]!;
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', amp: "&" };

function plain(html: string): string {
  const text = html.replace(/<[^>]*>/g, "").replace(/&(\w+);/g, (_, name) => ENTITIES[name]!);
  return text.replace(/\s+/g, " ").trim();
}

/** What the section explains: its tags, or where these are long its heads. */
async function tags(page: string, title: string, mark = "<dt[^>]*>"): Promise<string[]> {
  const end = mark.replace("<", "</").replace(/[[ ].*/, ">");
  const tagged = (await section(page, title)).matchAll(new RegExp(`${mark}([^]*?)${end}`, "g"));
  return [...tagged].map(([, tag]) => plain(tag!));
}

function source(name: string): string {
  return readFileSync(`${SOURCES}/${name}`, "utf8");
}

const sorted = (words: Iterable<string>): string[] => [...new Set(words)].sort();

describe("each page", () => {
  for (const path of MAN_SOURCES) {
    const name = basename(path);
    test(`${name} has no mistakes, for mandoc and for groff`, async () => {
      const lint = await attempt("mandoc", ["-T", "lint", built(name)]);
      assert.equal(lint.stdout + lint.stderr, "");
      const groff = await attempt("groff", ["-man", "-ww", "-T", "utf8", "-z", built(name)]);
      assert.equal(groff.stdout + groff.stderr, "");
    });

    test(`${name} fits ${COLUMNS} columns`, async () => {
      const mandoc = await run("mandoc", ["-T", "utf8", "-O", `width=${COLUMNS}`, built(name)]);
      const by_mandoc = mandoc.replace(/.\x08/gu, "");
      const args = ["-man", "-T", "utf8", `-rLL=${COLUMNS}n`, "-P-cbou", built(name)];
      const by_groff = await run("groff", args);
      for (const text of [by_mandoc, by_groff]) {
        assert.ok(text.split("\n").length > 40);
        const wide = text.split("\n").filter((line) => [...line].length > COLUMNS);
        assert.deepEqual(wide, []);
      }
    });
  }
});

describe("the pages have neither less nor more than there is", () => {
  for (const [page, program] of [
    ["rekeyd.8", "rekeyd"],
    ["rekeyctl.1", "rekeyctl"],
    ["rekeyd-web.8", "rekeyd-web"],
  ] as const) {
    test(`options of ${page}`, async () => {
      const options = optionsOf(program);
      const listed = (await tags(page, "OPTIONS")).flatMap((tag) => tag.match(/--?\w[\w-]*/g)!);
      assert.deepEqual(sorted(listed), sorted(options));
      const usage = await run(`build/${program}`, ["--help"]);
      const synopsis = plain(await section(page, "SYNOPSIS"));
      for (const text of [usage, synopsis]) {
        const named = sorted(text.match(/(?<![\w-])--?[a-z][a-z-]*/g)!);
        assert.deepEqual(
          named.filter((option) => !options.includes(option)),
          [],
        );
      }
    });
  }

  test("commands and their values", async () => {
    const { commands, values } = grammar();
    const heads = await tags("rekeyctl.1", "COMMANDS", '<p class="Pp HP">');
    const notations = commands.map(({ word }) => word);
    assert.ok(notations.length > 20);
    // Long ones have blanks beside their bars.
    const listed = heads.map((head) => head.replaceAll(" | ", "|"));
    assert.deepEqual(listed, [...notations, "snmp"]);
    const capitals = notations.flatMap((word) => word.match(/\b[A-Z]+\b/g) ?? []);
    assert.deepEqual(sorted(values.map(({ word }) => word)), sorted(capitals));
    assert.deepEqual(sorted(await tags("rekeyctl.1", "COMMANDS")), sorted(capitals));
  });

  test("exit statuses", async () => {
    const status = (name: string): RegExpMatchArray[] => [
      ...source(name).matchAll(/^const \w+: u8 = (\d+);$/gm),
    ];
    const usage_error = status("main.rs").map(([, number]) => number!);
    const worse = status("session.rs").map(([, number]) => number!);
    assert.ok(usage_error.length === 1 && worse.length >= 4);
    const replay = status("replay.rs").map(([, number]) => number!);
    const web = ["0", "1", ...usage_error];
    const daemon = [...web, ...replay];
    const sets = { "rekeyd.8": daemon, "rekeyd-web.8": web, "rekeyctl.1": ["0", ...worse] };
    for (const [page, statuses] of Object.entries(sets)) {
      assert.deepEqual(sorted(await tags(page, "EXIT STATUS")), sorted(statuses));
    }
  });

  test("variables of the environment", async () => {
    const client = ["session.rs", "history.rs", "prompt.rs", "watch.rs", "terminal.rs"];
    const code = client.map((name) => source(name).split("#[cfg(test)]")[0]!).join("");
    const read = [...code.matchAll(/"([A-Z][A-Z_]+)"/g)].map(([, name]) => name!);
    const listed = (await tags("rekeyctl.1", "ENVIRONMENT")).flatMap((tag) => tag.split(", "));
    assert.deepEqual(sorted(listed), sorted(read));
  });

  for (const [type, heading, title] of [
    ["vpnmonitor 'global'", "## For all VPNs: `config vpnmonitor 'global'`", "FOR ALL VPNS"],
    ["vpn 'branch'", "## For each VPN: `config vpn 'NAME'`", "FOR EACH VPN"],
    [
      "tunnel 'tunnel.1'",
      "## For each tunnel interface: `config tunnel 'INTERFACE'`",
      "FOR EACH TUNNEL INTERFACE",
    ],
    ["route", "## For each route: `config route`", "FOR EACH ROUTE"],
    ["nhtb", "## For each next hop: `config nhtb`", "FOR EACH NEXT HOP"],
  ] as const) {
    test(`options of config ${type}`, () =>
      withBench(async ({ rekeyd, run }) => {
        rekeyd.configure(`config ${type}\n\toption nothing '1'\n`);
        const { stderr } = await run("check", "--config", rekeyd.config_path);
        const known = /it may have (.*)$/m.exec(stderr)?.[1]?.split(", ");
        assert.ok(known !== undefined, stderr);
        const columns = "option | value | default | meaning";
        const described = tableRows(CONFIGURATION, columns, heading).map(([name]) =>
          name!.replaceAll("`", ""),
        );
        assert.deepEqual(sorted(described), sorted(known));
        const listed = (await tags("rekeyd.conf.5", title)).filter((tag) => /^\w+$/.test(tag));
        assert.deepEqual(sorted(listed), sorted(known));
      }));
  }

  test("findings of the doctor", async () => {
    const code = readFileSync("assembly/console/doctor/finding.ts", "utf8");
    const known = [...code.matchAll(/\bis\("([a-z0-9-]+)", Gravity\.(\w+)/g)].map(
      ([, id, gravity]) => `${id!} (${gravity!.toLowerCase()})`,
    );
    assert.ok(known.length > 20);
    const listed = (await tags("rekeyctl.1", "THE DOCTOR")).flatMap((tag) => {
      const [, ids = "", gravity = ""] = /^([a-z0-9, -]+) (\(\w+\))$/.exec(tag) ?? [];
      return ids === "" ? [] : ids.split(", ").map((id) => `${id} ${gravity}`);
    });
    assert.deepEqual(sorted(listed), sorted(known));
  });
});

describe("events", () => {
  interface Told {
    name: string;
    /** The first text of the event that is not its subject's. */
    text: string;
    severity: string | undefined;
  }

  /** Every function of the engine that writes an event. */
  function told(): Told[] {
    const code = filesBelow("assembly/event", ".ts")
      .map((path) => readFileSync(path, "utf8"))
      .join("\n");
    const functions = [...code.matchAll(/^(?:export )?function (\w+)\([^]*?^}$/gm)];
    return functions
      .filter(([body]) => /\bendEvent\(\);/.test(body))
      .map(([body, name]) => ({
        name: name!,
        text: /\.text\(\s*"([^"]*\w{2}[^"]*)"/.exec(body)![1]!,
        severity: /\bSeverity\.(\w+)/.exec(body)?.[1]?.toLowerCase(),
      }));
  }

  test("every one of the engine's is in the list, and no other", () => {
    const rows = tableRows(COMMANDS, "ID | severity | text | when");
    const events = told();
    assert.ok(events.length > 35, `${events.length}`);
    const fits = ({ text, severity }: Told, [, of, example]: string[]): boolean =>
      example!.includes(text) && (severity === undefined || severity === of);
    const unlisted = events.filter((event) => !rows.some((row) => fits(event, row)));
    assert.deepEqual(unlisted, []);
    const unknown = rows.filter((row) => !events.some((event) => fits(event, row)));
    assert.deepEqual(unknown, []);
  });
});
