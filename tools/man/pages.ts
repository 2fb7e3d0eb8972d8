/**
 * The man pages: prose from docs/man, and in it the tables of which there is one original, in the
 * documents or in the engine.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { grammar } from "./grammar.ts";
import { tableRows } from "./markdown.ts";
import { below, bold, escape, inline, item, notation } from "./roff.ts";

/** Where they are built. */
export const MAN = "build/man";

export const COMMANDS = "docs/commands.md";
export const CONFIGURATION = "docs/configuration.md";
const HOOKS = "docs/hooks.md";
const WEB = "docs/web.md";

/** Their sources. */
export const MAN_SOURCES = ["rekeyctl.1", "rekeyd.8", "rekeyd-web.8", "rekeyd.conf.5"].map((name) =>
  join("docs/man", name),
);

/** All that they are made of, beside the engine. */
export const MAN_INPUTS = [...MAN_SOURCES, COMMANDS, CONFIGURATION, HOOKS, WEB];

/** Where a page is built. */
export function builtPage(source: string): string {
  return join(MAN, basename(source));
}

export function buildMan(): void {
  mkdirSync(MAN, { recursive: true });
  for (const source of MAN_SOURCES) {
    const name = basename(source);
    const lines = readFileSync(source, "utf8").split("\n");
    const page = lines.map((line) => {
      const table = /^\.\\" table (\w+)$/.exec(line)?.[1];
      return table === undefined ? line : tableOf(name, table);
    });
    writeFileSync(builtPage(source), page.join("\n"));
  }
}

function tableOf(page: string, name: string): string {
  const items = TABLES[`${page} ${name}`] ?? TABLES[name];
  if (items === undefined) throw new Error(`${page}: no table is called '${name}'`);
  return items().join("\n");
}

const TABLES: Record<string, () => string[]> = {
  commands: () => grammar().commands.map(({ word, text }) => below(notation(word), escape(text))),
  values: () => grammar().values.map(({ word, text }) => item(notation(word), escape(text))),
  "rekeyctl.1 exit": () => plain(COMMANDS, "exit status | meaning", "## rekeyctl"),
  "rekeyd.8 exit": () => plain(COMMANDS, "exit status | meaning", "## rekeyd"),
  "rekeyd-web.8 exit": () => plain(WEB, "exit status | meaning"),
  web_options: () =>
    tableRows(WEB, "option | default | meaning").map(([name, otherwise, meaning]) => {
      const unless = otherwise === "none" ? "" : `; default: ${otherwise!}`;
      return item(tag(name!), prose(`${meaning!}${unless}`));
    }),
  requests: () => plain(WEB, "request | answer"),
  statuses: () => plain(WEB, "status | means"),
  signals: () => plain(COMMANDS, "signal | effect"),
  log: () => plain(COMMANDS, "`--log` | each event becomes"),
  events,
  watch: () => plain(COMMANDS, "column | shows"),
  findings: () =>
    tableRows(COMMANDS, "finding | severity | what was found").map(([id, severity, found]) =>
      item(`${tag(id!)} (${severity!})`, prose(found!)),
    ),
  sta: () =>
    tableRows(COMMANDS, "`Sta` | SA | monitor").map(([sta, sa, monitor]) =>
      item(inline(sta!), prose(`SA: ${sa!}${monitor === "" ? "" : `; monitor: ${monitor!}`}`)),
    ),
  state: () => plain(COMMANDS, "`State` | meaning"),
  global: () => options("## For all VPNs: `config vpnmonitor 'global'`"),
  vpn: () => options("## For each VPN: `config vpn 'NAME'`"),
  tunnel: () => options("## For each tunnel interface: `config tunnel 'INTERFACE'`"),
  route: () => options("## For each route: `config route`"),
  nhtb: () => options("## For each next hop: `config nhtb`"),
  hook: () => plain(HOOKS, "variable | value | example"),
  hook_events: () => plain(HOOKS, "event | is told | event of the log"),
};

/** What the first column names, the second says. */
function plain(path: string, columns: string, heading?: string): string[] {
  return tableRows(path, columns, heading).map(([name, text]) => item(tag(name!), prose(text!)));
}

const MUST = "must be given";

/** An option of the configuration. `as above` stands in a table below the other. */
function options(heading: string): string[] {
  const rows = tableRows(CONFIGURATION, "option | value | default | meaning", heading);
  return rows.map(([name, value, otherwise, meaning]) => {
    const values = prose(`${value!}; ${otherwise === MUST ? MUST : `default: ${otherwise!}`}`);
    return item(tag(name!), ...(meaning === "" ? [] : [prose(meaning!)]), values);
  });
}

/** Each number and severity once, above its texts. */
function events(): string[] {
  const groups = new Map<string, string[]>();
  for (const [id, severity, text, when] of tableRows(COMMANDS, "ID | severity | text | when")) {
    const key = `${id!} ${severity!}`;
    const shown = when === "" ? escape(text!) : `${escape(text!)} (${prose(when!)})`;
    groups.set(key, [...(groups.get(key) ?? []), shown]);
  }
  return [...groups].map(([key, texts]) => item(bold(key), ...texts));
}

/** A name, or several. Where it is no code, it is one all the same. */
function tag(markdown: string): string {
  return markdown.includes("`") ? inline(markdown) : bold(markdown);
}

/** A link to what another page tells leads there. */
function prose(markdown: string): string {
  const link = /\[([^\]]*)\]\((?:configuration|hooks)\.md[^)]*\)/g;
  const command = /\[[^\]]*\]\(commands\.md[^)]*\)/g;
  const named = markdown.replace(command, "`rekeyctl`(1)");
  return inline(named.replace(link, "$1 (`rekeyd.conf`(5))"));
}
