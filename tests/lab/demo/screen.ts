/** What a person sees: lines that stay, and on a terminal one line below them that moves. */

const terminal = process.stdout.isTTY === true;
const coloured = terminal && process.env["NO_COLOR"] === undefined;

const paint =
  (code: number) =>
  (text: string): string =>
    coloured ? `\x1b[${code}m${text}\x1b[0m` : text;

const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);
export const yellow = paint(33);

const ERASE_LINE = "\r\x1b[K";
const QUIET_STATUS_MS = 15_000;

let status = "";
let printed_ms = 0;

/** Prints one line that stays. */
export function say(line: string): void {
  process.stdout.write(terminal && status ? `${ERASE_LINE}${line}\n${status}` : `${line}\n`);
}

/** Replaces the moving line; where there is no terminal, one is printed now and then. */
export function showStatus(text: string): void {
  if (terminal) {
    status = text;
    process.stdout.write(ERASE_LINE + text);
  } else if (performance.now() - printed_ms > QUIET_STATUS_MS) {
    printed_ms = performance.now();
    process.stdout.write(`${text}\n`);
  }
}

export function endStatus(): void {
  if (terminal && status) process.stdout.write(ERASE_LINE);
  status = "";
}

/** Width of what is seen, without the colours. */
const width = (cell: string): number => cell.replace(/\x1b\[\d+m/g, "").length;

/** A table with a line of headings. */
export function table(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => width(row[column] ?? ""))),
  );
  const line = (row: string[]): string =>
    row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell))).join("  ");
  const [head = [], ...body] = rows;
  const rule = dim(widths.map((each) => "-".repeat(each)).join("  "));
  return [bold(line(head)), rule, ...body.map(line)].map((text) => text.trimEnd());
}

export const seconds = (duration_ms: number): string =>
  duration_ms < 10_000
    ? `${(duration_ms / 1000).toFixed(2)} s`
    : `${(duration_ms / 1000).toFixed(1)} s`;
