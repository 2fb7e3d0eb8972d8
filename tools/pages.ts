/** Bundles the pages of the WebUI into build/web, each file beside its compressed form. */
import { buildSync } from "esbuild";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { filesBelow } from "./tree.ts";

const SOURCES = "host/web/pages";
export const PAGES = "build/web";
/** What the server embeds. */
export const PAGE_FILES = ["index.html", "app.js", "app.css", "icon.svg"];

/** Of all of them, compressed: a router's flash is small. */
export const MAX_PAGES_BYTES = 60_000;

export function pageSources(): string[] {
  const endings = [".ts", ".tsx", ".css", ".html", ".svg", ".json"];
  return endings.flatMap((ending) => filesBelow(SOURCES, ending));
}

export function buildPages(): void {
  rmSync(PAGES, { recursive: true, force: true });
  buildSync({
    entryPoints: [
      { in: `${SOURCES}/main.tsx`, out: "app" },
      { in: `${SOURCES}/style/main.css`, out: "app" },
    ],
    outdir: PAGES,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    tsconfig: `${SOURCES}/tsconfig.json`,
    legalComments: "none",
    logLevel: "warning",
  });
  for (const name of ["index.html", "icon.svg"]) {
    writeFileSync(join(PAGES, name), readFileSync(join(SOURCES, name)));
  }
  for (const name of PAGE_FILES) {
    writeFileSync(
      join(PAGES, `${name}.gz`),
      gzipSync(readFileSync(join(PAGES, name)), { level: 9 }),
    );
  }
  console.log(sizesText());
}

/** How large the pages are, all together and one by one. */
export function sizesText(): string {
  const sizes = pageSizes();
  const parts = Object.entries(sizes).map(([name, bytes]) => `${name} ${kilobytes(bytes)}`);
  return `${PAGES}: ${kilobytes(sumOf(sizes))} compressed (${parts.join(", ")})`;
}

/** Compressed bytes of each file. */
export function pageSizes(): Record<string, number> {
  const size = (name: string): number => readFileSync(join(PAGES, `${name}.gz`)).length;
  return Object.fromEntries(PAGE_FILES.map((name) => [name, size(name)]));
}

export function sumOf(sizes: Record<string, number>): number {
  return Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0);
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
