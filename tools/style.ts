/**
 * The part of CONTRIBUTING.md's style that can be told from a file's text. Each rule looks at one
 * file and names the lines that break it; tests/style.test.ts runs them over the tree.
 */
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { VERSION } from "./version.ts";

export interface Complaint {
  path: string;
  line: number;
  says: string;
}

/** A file as the rules see it. */
interface Source {
  path: string;
  /** The lines as they stand. */
  lines: string[];
  /** The same with the text of comments and strings blanked out: only what is code. */
  code: string[];
}

type Report = (line: number, says: string) => void;
type Rule = (source: Source, report: Report) => void;

const MAX_LINE_COLUMNS = 100;
const MAX_FILE_LINES = 500;
const MAX_TEST_LINES = 1200;

const ANY = /./;
const GENERATED = /(^|\/)(package-lock\.json|Cargo\.lock|LICENSE)$|^tests\/fuzz\/corpus\//;
/** What may name the version: the place, and what is history. */
const NAMES_VERSION = /^(package\.json|CHANGELOG\.md|tests\/sim\/recordings\/.*)$/;
const CODE = /\.(tsx?|js|rs|sh|css)$/;
const INDENTED = /\.(tsx?|js|rs|sh|css|html|json|toml|yml)$/;
const ENGINE = /^assembly\/.*\.ts$/;
const ENGINE_BUT_LIMITS = /^assembly\/(?!limits\.ts$).*\.ts$/;
const SHIPPED = /^(?:assembly|host)\/.*\.(?:tsx?|js|rs)$/;
const TYPESCRIPT = /^(?:tools|host\/(?:node|web)|tests(?!\/unit))\/.*\.tsx?$/;

/** What the engine's folders and root files may import: only what stands in a higher row here. */
const LAYERS = [
  ["limits", "clock", "action", "random", "version"],
  ["bytes"],
  ["icmp", "timer", "netlink", "event", "config"],
  ["sa"],
  ["route"],
  ["ike"],
  ["monitor"],
  ["console"],
  ["index", "abort", "host"],
];

/** Every complaint about one file. */
export function checkFile(path: string, text: string): Complaint[] {
  if (GENERATED.test(path)) return [];
  const source = { path, lines: text.split("\n"), code: blankText(text).split("\n") };
  const complaints: Complaint[] = [];
  for (const rule of RULES) {
    rule(source, (line, says) => complaints.push({ path, line, says }));
  }
  return complaints;
}

const COMMENT_OR_STRING =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g;

/** Blanks comments and the inside of strings; every line keeps its number. */
function blankText(text: string): string {
  return text.replace(COMMENT_OR_STRING, (token) => {
    const blank = token.replace(/[^\n]/g, " ");
    const quote = token[0] ?? "";
    return quote === "/" ? blank : quote + blank.slice(2) + quote;
  });
}

function forbid(files: RegExp, where: "text" | "code", pattern: RegExp, says: string): Rule {
  return (source, report) => {
    if (!files.test(source.path)) return;
    const lines = where === "text" ? source.lines : source.code;
    lines.forEach((line, i) => {
      if (pattern.test(line)) report(i + 1, says);
    });
  };
}

function linesAreShort(source: Source, report: Report): void {
  if (!CODE.test(source.path)) return;
  let by_hand = false; // a table whose columns a person laid out
  source.lines.forEach((line, i) => {
    by_hand = by_hand ? !/^\s*\]/.test(line) : /^\s*\/\/ prettier-ignore/.test(line);
    if (!by_hand && [...line].length > MAX_LINE_COLUMNS) {
      report(i + 1, `more than ${MAX_LINE_COLUMNS} columns`);
    }
  });
}

function filesAreShort(source: Source, report: Report): void {
  if (!CODE.test(source.path)) return;
  const limit = source.path.startsWith("tests/") ? MAX_TEST_LINES : MAX_FILE_LINES;
  if (source.lines.length > limit) report(limit, `more than ${limit} lines: has it one subject?`);
}

function filesEndWithNewline(source: Source, report: Report): void {
  const last = source.lines.length;
  if (source.lines[last - 1] !== "") report(last, "the file doesn't end with a newline");
  else if (source.lines[last - 2] === "") report(last - 1, "an empty line at the end");
}

function importsGoDown(source: Source, report: Report): void {
  if (!ENGINE.test(source.path)) return;
  const own = layerOf(source.path);
  source.lines.forEach((line, i) => {
    const target = /\bfrom "(\.{1,2}\/[^"]+)"/.exec(line)?.[1];
    if (target === undefined) return;
    const other = layerOf(normalize(join(dirname(source.path), target)));
    const unplaced = [own, other].find(({ row }) => row < 0);
    const siblings = own.name === other.name || (own.row === other.row && own.file && other.file);
    if (unplaced !== undefined) {
      report(i + 1, `'${unplaced.name}' has no place in the order of folders`);
    } else if (!siblings && other.row >= own.row) {
      report(i + 1, `'${own.name}' may not import '${other.name}': imports go down`);
    }
  });
}

/** The folder below assembly/, or the file itself where it stands in none. */
function layerOf(path: string): { name: string; row: number; file: boolean } {
  const [, first = "", second] = path.split("/");
  const name = first.replace(/\.ts$/, "");
  return { name, row: LAYERS.findIndex((row) => row.includes(name)), file: second === undefined };
}

function exportsAreDocumented(source: Source, report: Report): void {
  if (!ENGINE.test(source.path)) return;
  source.code.forEach((line, i) => {
    const name = /^export (?:function|class|(?:const )?enum) (\w+)/.exec(line)?.[1];
    if (name === undefined) return;
    let above = i - 1;
    while (/^(@\w+|\/\/ @ts-ignore)/.test(source.lines[above] ?? "")) above--;
    if (!/\*\/$/.test(source.lines[above] ?? "")) report(i + 1, `'${name}' has no doc comment`);
  });
}

/** Links between the tree's documents. */
function linksLeadSomewhere(source: Source, report: Report): void {
  if (!source.path.endsWith(".md")) return;
  source.lines.forEach((line, i) => {
    for (const [, target = ""] of line.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(dirname(source.path), target))) report(i + 1, `no file '${target}'`);
    }
  });
}

const THIS_VERSION = new RegExp(`(?<![\\d.])${VERSION.replaceAll(".", "\\.")}(?!\\.?\\d)`);

function versionStandsOnce({ path, lines }: Source, report: Report): void {
  if (NAMES_VERSION.test(path)) return;
  lines.forEach((line, i) => {
    if (THIS_VERSION.test(line)) report(i + 1, "the version: package.json alone names it");
  });
}

const NUMBER = "(?:[iu](?:8|16|32|64)|usize|number)";
const TIME = "(?:timeout|interval|delay|lifetime|deadline|pause|elapsed)";
const UNIT_FIRST = /\b(?:ms|millis|secs?|seconds)_\w+/;
const UNIT_LONG = /(?<![.:])\b(?!t[mv]_)\w+_(?:m?secs?|millis|seconds)\b(?=\??\s*[:=])(?!::)/;
const UNIT_CAMEL = /\b[a-z]\w*(?:Ms|Millis|Secs?|Seconds)\b(?=\??\s*[:=])/;
const NO_UNIT = new RegExp(`\\b(?:\\w+_)?${TIME}\\??: ${NUMBER}\\b`);
const UNFINISHED = /\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b/;
const ONE_MACHINE =
  /(?:^|[^\w.])\/(?:home|root|work|Users)\/|\b[\w-]+\.(?:internal|intranet|corp)\b/;

const LIMIT = /^export const (?:MAX|MIN)_\w+(?:: \w+)? = \d/;
const FLOAT = /\b(?:f32|f64|Mathf?|NativeMathf?|parseFloat)\b|\b\d+\.\d|\b\d[\d_]*e\d/i;
const MANAGED =
  /\b(?:Map|Set|(?:Static)?Array(?:Buffer)?|[IU]\w+Array|DataView|Date|RegExp|JSON)\b/;
const MADE_STRING = /`|\bString\b|\bstring\[\]|\.(?:concat|split|substring|slice|join|toString)\(/;
const KEPT_STRING = /\blet\s+\w+(?:: string)?\s*=\s*"|^\s+\w+: string;/;

const RULES: Rule[] = [
  forbid(ANY, "text", /\r/, "CR: a line ends with LF alone"),
  forbid(ANY, "text", /[ \t]$/, "blanks at the end of the line"),
  forbid(INDENTED, "text", /\t/, "a tab: indent with spaces"),
  forbid(ANY, "text", UNFINISHED, "unfinished work: finish it or open an issue"),
  forbid(ANY, "text", ONE_MACHINE, "a path or a host of one machine"),
  filesEndWithNewline,
  filesAreShort,
  linesAreShort,
  linksLeadSomewhere,
  versionStandsOnce,

  forbid(CODE, "code", UNIT_FIRST, "a unit stands last: interval_ms"),
  forbid(CODE, "code", UNIT_LONG, "a unit is short: interval_ms, lifetime_s"),
  forbid(CODE, "code", UNIT_CAMEL, "a unit stands apart: interval_ms"),
  forbid(CODE, "code", NO_UNIT, "a time without its unit: interval_ms, lifetime_s"),

  importsGoDown,
  forbid(SHIPPED, "text", /["'(](?:\.\.?\/)+tests\//, "a test is imported: tests use hosts"),
  exportsAreDocumented,
  forbid(ENGINE_BUT_LIMITS, "code", LIMIT, "a limit that others see belongs in limits.ts"),
  forbid(ENGINE, "code", FLOAT, "a float: the engine counts in integers"),
  forbid(ENGINE, "code", /\bnew\s+\w/, "'new' allocates: use static memory or a table"),
  forbid(ENGINE, "code", MANAGED, "a managed class: use byte slices and records"),
  forbid(ENGINE, "code", MADE_STRING, "a string is made: use a Writer"),
  forbid(ENGINE, "code", KEPT_STRING, "a string is kept: write it where it is used"),
  forbid(ENGINE, "code", /=>|\bfunction\s*\(/, "a function as a value: call it by its name"),
  forbid(ENGINE, "code", /\b(?:try|throw|catch)\b/, "nothing is caught: answer what is wrong"),

  forbid(TYPESCRIPT, "code", /(?::\s*|\bas |<)an[y]\b/, "'any': name the type, or unknown"),
  forbid(
    TYPESCRIPT,
    "text",
    /^(?:(?:im|ex)port .*|\} )from "\.(?!.*\.tsx?")/,
    "an import ends with .ts",
  ),
];
