/**
 * The feed for OpenWrt's build (host/openwrt), with what a release alone knows: its version, and
 * the SHA-256 of the source tarball that the feed builds from.
 */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow } from "./tree.ts";

export const FEED = "host/openwrt";

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
}
