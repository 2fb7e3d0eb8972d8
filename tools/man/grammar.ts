/** What the engine itself says of its commands, by `help`. */
import { Action, Engine } from "../../host/node/engine.ts";

export interface Offered {
  /** A notation, or the name of a value. */
  word: string;
  text: string;
}

/** Stands for every value; a VPN, its gateway and a tunnel interface are called so. */
const SAMPLE = "1";
const CONFIG = `config vpn '${SAMPLE}'\noption gateway '${SAMPLE}'\nconfig tunnel '${SAMPLE}'\n`;

/** All commands, and the values in them. */
export function grammar(): { commands: Offered[]; values: Offered[] } {
  const engine = new Engine();
  engine.start([1n, 2n], 1);
  engine.configure("man", CONFIG);
  const help = (line: string): Offered[] => {
    const reply = engine.command(1, `json help ${line}`).find(({ kind }) => kind === Action.REPLY);
    const document = reply!.bytes.toString("utf8").replace(/^.*\n/, "");
    return (JSON.parse(document) as { help?: Offered[] }).help ?? [];
  };
  const values = new Map<string, string>();
  const seen = new Set<string>();
  const visit = (line: string[]): void => {
    // In which order what may be left out comes makes no difference.
    const key = [...line].sort().join(" ");
    const keywords = line.filter((word) => word !== SAMPLE);
    if (seen.has(key) || new Set(keywords).size < keywords.length) return;
    seen.add(key);
    for (const { word, text } of help(line.join(" "))) {
      const [first = ""] = word.split(" ");
      const is_value = /^[A-Z]/.test(first);
      if (is_value && !values.has(first)) values.set(first, text.replace(`: ${SAMPLE}`, ""));
      if (first !== "<return>") visit([...line, is_value ? SAMPLE : first.split("|")[0]!]);
    }
  };
  visit([]);
  return { commands: help(""), values: [...values].map(([word, text]) => ({ word, text })) };
}
