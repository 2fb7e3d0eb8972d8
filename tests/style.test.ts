import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { checkFile } from "../tools/style.ts";
import { treeFiles } from "../tools/tree.ts";
import { VERSION } from "../tools/version.ts";

test("the tree keeps its style", () => {
  const complaints = treeFiles().flatMap((path) => {
    const bytes = readFileSync(path);
    return bytes.includes(0) ? [] : checkFile(path, bytes.toString("utf8"));
  });
  const lines = complaints.map(({ path, line, says }) => `${path}:${line}: ${says}`);
  if (lines.length > 0) assert.fail(lines.join("\n"));
});

/** What the checker says of a small file, each with the line's number. */
function says(path: string, text: string): string {
  return checkFile(path, text)
    .map((complaint) => `${complaint.line} ${complaint.says}`)
    .join("\n");
}

// The forbidden words are put together here, or the test would find itself.
const unfinished = ["TO", "DO"].join("");
const machine = ["", "home", "me", "x"].join("/");

/** A file, its text, and what must be said of it: the checker is no use unless it can fail. */
const WRONG: [path: string, text: string, says: RegExp][] = [
  ["a.md", "one\r\n", /^1 CR/],
  ["a.md", `rekeyd ${VERSION}.\n`, /^1 the version: package.json alone/],
  ["a.md", "one \ntwo\n", /^1 blanks at the end/],
  ["a.ts", "\tlet a;\n", /^1 a tab/],
  ["a.sh", `# ${unfinished}: more\n`, /^1 unfinished/],
  ["a.md", `Look into ${machine}.\n`, /^1 a path or a host/],
  ["a.md", "one", /^1 the file doesn't end/],
  ["a.md", "one\n\n", /^2 an empty line/],
  ["a.md", "[x](no-such-file.md)\n", /^1 no file 'no-such-file.md'/],
  ["a.rs", `// ${"x".repeat(98)}\n`, /^1 more than 100 columns/],
  ["tools/a.ts", "let a;\n".repeat(500), /^500 more than 500 lines/],

  ["tools/a.ts", "const ms_left = 1;\n", /^1 a unit stands last/],
  ["host/device/src/a.rs", "let wait_seconds = 1;\n", /^1 a unit is short/],
  ["tools/a.ts", "const waitMs = 1;\n", /^1 a unit stands apart/],
  ["assembly/sa/a.ts", "let interval: i32 = 1;\n", /^1 a time without its unit/],
  ["tools/a.ts", "interface A {\n  timeout?: number;\n}\n", /^2 a time without its unit/],

  ["assembly/icmp/a.ts", 'import { a } from "../monitor/a";\n', /^1 'icmp' may not import 'moni/],
  ["assembly/icmp/a.ts", 'import { a } from "../timer/a";\n', /^1 'icmp' may not import 'timer/],
  ["assembly/clock.ts", 'import { a } from "./index";\n', /^1 'clock' may not import 'index/],
  ["assembly/ike/vici/a.ts", 'import { a } from "../../console/a";\n', /^1 'ike' may not import/],
  ["host/node/a.ts", 'import { a } from "../../tests/a.ts";\n', /^1 a test is imported/],
  ["host/node/a.ts", 'await import("../../tests/a.ts");\n', /^1 a test is imported/],
  ["assembly/misc/a.ts", 'import { a } from "../limits";\n', /^1 'misc' has no place/],
  ["assembly/sa/a.ts", "export function f(): void {}\n", /^1 'f' has no doc comment/],
  ["assembly/sa/a.ts", "export const MAX_SAS: i32 = 1;\n", /^1 a limit that others/],
  ["assembly/sa/a.ts", "const share = a * 0.5;\n", /^1 a float/],
  ["assembly/sa/a.ts", "const a = <f64>b;\n", /^1 a float/],
  ["assembly/sa/a.ts", "const a = new Thing();\n", /^1 'new' allocates/],
  ["assembly/sa/a.ts", "let a: Map<i32, i32>;\n", /^1 a managed class/],
  ["assembly/sa/a.ts", "let a: Uint8Array;\n", /^1 a managed class/],
  ["assembly/sa/a.ts", "text(a.toString());\n", /^1 a string is made/],
  ["assembly/sa/a.ts", "text(`a`);\n", /^1 a string is made/],
  ["assembly/sa/a.ts", 'let name = "a";\n', /^1 a string is kept/],
  ["assembly/sa/a.ts", "each((x) => x);\n", /^1 a function as a value/],
  ["assembly/sa/a.ts", 'throw "a";\n', /^1 nothing is caught/],

  ["tools/a.ts", "let a: any;\n", /^1 'any'/],
  ["tests/lab/a.ts", 'import { a } from "./b.js";\n', /^1 an import ends with .ts/],
];

describe("the checker complains", () => {
  for (const [path, text, expected] of WRONG) {
    test(`${path}: ${JSON.stringify(text.slice(0, 50))}`, () => {
      assert.match(says(path, text), expected);
    });
  }
});

/** What only looks wrong. */
const RIGHT: [path: string, text: string][] = [
  ["assembly/sa/a.ts", '// A new Map of 0.5 => "text"\nf("new Map => 0.5");\n'],
  ["assembly/sa/a.ts", "/** Documented. */\n@unmanaged\nexport class A {}\n"],
  ["assembly/limits.ts", "/** VPNs. */\nexport const MAX_VPNS: i32 = 1;\n"],
  ["assembly/ike/vici/a.ts", 'import { a } from "../strongswan/a";\n'],
  ["assembly/console/a.ts", 'import { a } from "../sa/vpn";\n'],
  ["assembly/abort.ts", 'import { trap } from "./host";\n'],
  ["assembly/sa/a.ts", `// prettier-ignore\nconst a = [\n${" ".repeat(100)}1,\n];\n`],
  ["tests/sim/a.ts", 'import { a } from "../../host/node/a.ts";\n'],
  ["tools/a.ts", "const interval_ms = 1;\nconst x = new Map<string, number>();\n"],
  ["host/device/src/a.rs", "let t = Timespec { tv_sec: 0 };\nDuration::from_secs(1);\n"],
  ["CHANGELOG.md", `## ${VERSION}\n`],
  ["a.md", `1${VERSION} ${VERSION}9 10.${VERSION} ${VERSION}.1\n`],
  ["a.md", "[the licence](LICENSE) and [a site](https://example.org/)\n"],
];

describe("the checker is content", () => {
  for (const [path, text] of RIGHT) {
    test(`${path}: ${JSON.stringify(text.slice(0, 50))}`, () => {
      assert.equal(says(path, text), "");
    });
  }
});
