/** The section VPN Monitor of a page, the line that sets it, and which field is wrong in it. */

export type Field = "monitor" | "source" | "destination" | "optimized" | "rekey";

export interface MonitorForm {
  monitor: boolean;
  /** `IF`, `ip:ADDRESS`; empty: chosen by the engine. */
  source: string;
  /** Addresses, between them blanks or commas. */
  destination: string;
  optimized: boolean;
  rekey: boolean;
}

/** As configured: `settings` of `get vpn NAME`. */
export interface Settings {
  source_interface: string | null;
  source_ip: string | null;
  destination_ip: string[];
}

/** Part of a line that a field has put there: from a column to before another one. */
interface Span {
  field: Field | null;
  from: number;
  to: number;
}

export interface Line {
  text: string;
  spans: Span[];
}

const ADDRESS = "ip:";

export function formOf(
  vpn: { monitor: boolean; optimized: boolean; rekey: boolean },
  { source_interface, source_ip, destination_ip }: Settings,
): MonitorForm {
  return {
    monitor: vpn.monitor,
    source: source_ip === null ? (source_interface ?? "") : ADDRESS + source_ip,
    destination: destination_ip.join(" "),
    optimized: vpn.optimized,
    rekey: vpn.rekey,
  };
}

/** What the select's value stands for, where it is an address. */
export function sourceAddress(source: string): string | null {
  return source.startsWith(ADDRESS) ? source.slice(ADDRESS.length) : null;
}

export function sameForm(a: MonitorForm, b: MonitorForm): boolean {
  return lineOf("x", a).text === lineOf("x", b).text;
}

/** The line that makes the VPN's monitor what the form says. */
export function lineOf(name: string, form: MonitorForm): Line {
  const line: Line = { text: "", spans: [] };
  add(line, null, form.monitor ? "set" : "unset", "vpn", quoted(name));
  add(line, "monitor", "monitor");
  if (!form.monitor) return line;
  const address = sourceAddress(form.source);
  if (address !== null) add(line, "source", "source-ip", quoted(address));
  else if (form.source !== "") add(line, "source", "source-interface", quoted(form.source));
  for (const word of form.destination.split(/[\s,]+/)) {
    if (word !== "") add(line, "destination", "destination-ip", word);
  }
  if (form.optimized) add(line, "optimized", "optimized");
  if (form.rekey) add(line, "rekey", "rekey");
  return line;
}

function add(line: Line, field: Field | null, ...words: string[]): void {
  if (line.text !== "") line.text += " ";
  const from = columns(line.text) + 1;
  line.text += words.join(" ");
  line.spans.push({ field, from, to: columns(line.text) + 1 });
}

/** The engine counts characters, of which a string of JavaScript may need two units. */
const columns = (text: string): number => [...text].length;

/** A word of the line, as it stands where it needs no quotes. */
export function quoted(word: string): string {
  return /^[^\s"]+$/.test(word) ? word : `"${word.replaceAll('"', "")}"`;
}

/** The field whose word stands at the column; null: none of the form's. */
export function fieldAt({ spans }: Line, column: number | undefined): Field | null {
  if (column === undefined) return null;
  return spans.find(({ from, to }) => from <= column && column < to)?.field ?? null;
}
