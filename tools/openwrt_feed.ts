/**
 * The feed for OpenWrt's build (host/openwrt), with what a release alone knows: its version, and
 * the SHA-256 of the source tarball that the feed builds from. And with the texts of LuCI's pages,
 * for translators.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { filesBelow } from "./tree.ts";

export const FEED = "host/openwrt";
const PAGES = `${FEED}/luci-app-rekeyd/htdocs`;
/** Below the feed. */
const TEMPLATE = "luci-app-rekeyd/po/templates/rekeyd.pot";
const TEXT = /\b_\(\s*("(?:[^"\\\n]|\\.)*")/g;

/** Writes the feed into a folder; what is filled in stands between @ in the Makefiles. */
export function writeFeed(folder: string, version: string, tarball_sha256: string): void {
  cpSync(FEED, folder, { recursive: true });
  const values: Record<string, string> = { VERSION: version, HASH: tarball_sha256 };
  for (const path of filesBelow(FEED, "Makefile")) {
    const made = join(folder, path.slice(FEED.length));
    const text = readFileSync(path, "utf8").replace(
      /^(\w+:=)@([A-Z]+)@$/gm,
      (_line, assigned: string, name: string) => {
        const value = values[name];
        if (value === undefined) throw new Error(`${path}: @${name}@ is nothing to fill in`);
        return assigned + value;
      },
    );
    writeFileSync(made, text);
  }
  const template = join(folder, TEMPLATE);
  mkdirSync(dirname(template), { recursive: true });
  writeFileSync(template, textTemplate());
}

/** What LuCI's pages say, in gettext's form: each text once, with the pages that have it. */
function textTemplate(): string {
  const pages = new Map<string, string[]>();
  for (const path of filesBelow(PAGES, ".js")) {
    for (const [, text = ""] of readFileSync(path, "utf8").matchAll(TEXT)) {
      const page = path.slice(`${FEED}/`.length);
      const known = pages.get(text) ?? [];
      if (!known.includes(page)) pages.set(text, [...known, page]);
    }
  }
  const header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8"\n';
  const entries = [...pages].map(
    ([text, places]) => `#: ${places.join(" ")}\nmsgid ${text}\nmsgstr ""\n`,
  );
  return [header, ...entries].join("\n");
}
