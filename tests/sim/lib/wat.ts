/** What the functions of a WebAssembly module in text form call and use. */

interface Body {
  calls: string[];
  /** Names and instructions that matter for memory. */
  uses: string[];
}

/** A way from an export to something that it shall not reach. */
export interface Reached {
  what: string;
  by: string[];
}

const FUNCTION = /^ \(func (\$[^\s()]+)[^\n]*\n([\s\S]*?)^ \)/gm;
const EXPORT = /^ \(export "([^"]+)" \(func (\$[^\s()]+)\)\)/gm;
const USED = /\b(?:memory\.grow|call_indirect|return_call_indirect)\b|\$[^\s()]+/g;

export class Wat {
  private readonly functions = new Map<string, Body>();
  readonly exports = new Map<string, string>();

  constructor(text: string) {
    for (const [, name = "", body = ""] of text.matchAll(FUNCTION)) {
      const calls = [...body.matchAll(/\bcall (\$[^\s()]+)/g)].map(([, callee = ""]) => callee);
      this.functions.set(name, { calls, uses: body.match(USED) ?? [] });
    }
    for (const [, name = "", target = ""] of text.matchAll(EXPORT)) this.exports.set(name, target);
  }

  /** What is forbidden and can be reached from an export, with the calls that lead there. */
  reached(from: string, forbidden: RegExp): Reached[] {
    const start = this.exports.get(from);
    if (start === undefined) throw new Error(`no function is exported as '${from}'`);
    const found: Reached[] = [];
    const ways = new Map<string, string[]>([[start, [start]]]);
    for (const [name, by] of ways) {
      const body = this.functions.get(name);
      // An import has no body.
      if (body === undefined) continue;
      for (const what of [name, ...body.uses]) if (forbidden.test(what)) found.push({ what, by });
      for (const callee of body.calls) if (!ways.has(callee)) ways.set(callee, [...by, callee]);
    }
    return found;
  }
}
