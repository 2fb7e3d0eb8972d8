/** The configurations of docs/routing.md: what stands there is what the tests run. */
import { readFileSync } from "node:fs";

const BLOCK = /^```\n([\s\S]*?)^```$/gm;

/** The block that begins with `first`. */
export function documented(first: string): string {
  const text = readFileSync("docs/routing.md", "utf8");
  for (const [, block = ""] of text.matchAll(BLOCK)) {
    if (block.startsWith(`${first}\n`)) return block;
  }
  throw new Error(`no block in docs/routing.md begins with '${first}'`);
}

/** What is written for spoke 1, for another one. */
export function ofSpoke(number: number, block: string): string {
  return block
    .replaceAll(/\b10\.(25[34])\.1\.(?=\d)/g, `10.$1.${number}.`)
    .replaceAll(/\b10\.1\.0\.(?=\d)/g, `10.${number}.0.`)
    .replaceAll("65001", `6500${number}`);
}

/** The same with the second LAN of a station: there BGP may be watched beside OSPF. */
export function onSecondLan(block: string): string {
  return block.replaceAll(/\b(10\.\d)\.0\.0\/24/g, "$1.1.0/24").replaceAll('"lan"', '"lan1"');
}

/** rekeyd's configuration, with more options for all VPNs: each station has its own strongSwan. */
export function withOptions(configuration: string, options: Record<string, string>): string {
  const lines = Object.entries(options).map(([name, value]) => `\toption ${name} '${value}'\n`);
  return configuration.replace("'global'\n", `'global'\n${lines.join("")}`);
}
