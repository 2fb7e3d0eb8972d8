/** Tables of our documents. */
import { readFileSync } from "node:fs";

/**
 * The rows of the table that begins with these columns, below the heading (any, if none is given):
 * there is one such table, or this throws.
 */
export function tableRows(path: string, columns: string, heading?: string): string[][] {
  const lines = section(readFileSync(path, "utf8").split("\n"), heading);
  const head = `| ${columns} |`;
  const found = lines.flatMap((line, i) => (line === head ? [i] : []));
  if (found.length !== 1) {
    throw new Error(`${path}: ${found.length} tables begin with '${head}'`);
  }
  const rows = lines.slice(found[0]! + 2);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end < 0 ? rows.length : end).map(cells);
}

/** From the heading to the next of its level or above. */
function section(lines: string[], heading: string | undefined): string[] {
  if (heading === undefined) return lines;
  const from = lines.indexOf(heading);
  const level = heading.indexOf(" ");
  const next = new RegExp(`^#{1,${level}} `);
  const end = lines.findIndex((line, i) => i > from && next.test(line));
  return lines.slice(from, end < 0 ? lines.length : end);
}

function cells(line: string): string[] {
  const inner = line.replace(/^\| ?/, "").replace(/ ?\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}
