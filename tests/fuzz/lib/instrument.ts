/**
 * The engine with probes: `build/engine.wat`, which asc writes beside the module, becomes a module
 * that counts how often each of its basic blocks ran. It also
 *
 * - notes which pages it wrote to, so that a fuzzer can put them back after each input;
 * - has fuel, of which each turn of a loop and each call takes one: what spins runs out of it, and
 *   the limit is the same on every machine;
 * - saves and restores its globals.
 *
 * What is counted lies in pages of its own at the end of the first memory. The allocator is told
 * that they are not there.
 */
import binaryen from "binaryen";
import { readFileSync } from "node:fs";

const PAGE_BYTES = 65_536;
/** Pages of ours: counters, and then notes of written pages and saved globals. */
const EXTRA_PAGES = 2;
/** What is noted and put back as one. */
export const GRANULE_BYTES = 4096;
const GRANULES = (2048 * PAGE_BYTES) / GRANULE_BYTES;
const ALLOCATOR_START = "$~lib/rt/tlsf/initialize";

export interface Instrumented {
  module: WebAssembly.Module;
  /** For each probe, the function that it stands in. */
  probes: string[];
  counters: number;
  /** One byte for each granule of memory. */
  written: number;
  granules: number;
  /** Pages of memory that are not the engine's. */
  extra_pages: number;
}

/** Compiles the text of a module with probes. */
export function instrument(path = "build/engine.wat"): Instrumented {
  const lines = readFileSync(path, "utf8").split("\n");
  const memory = /^ \(memory \$0 (\d+) (\d+)\)$/;
  const [, initial = 0, maximum = 0] = memory.exec(lines.find((l) => memory.test(l))!)!.map(Number);
  const counters = initial * PAGE_BYTES;
  const written = counters + PAGE_BYTES;
  const saved = written + GRANULES;
  const writer = new Writer(counters, written, initial);
  const text = lines.map((line) =>
    memory.test(line)
      ? ` (memory $0 ${initial + EXTRA_PAGES} ${maximum + EXTRA_PAGES})`
      : writer.line(line),
  );
  const end = text.lastIndexOf(")");
  text.splice(end, 0, ...writer.helpers(), ...globals(lines, saved));
  // A global has to stand in front of the functions only for people.
  const parsed = binaryen.parseText(text.join("\n"));
  try {
    parsed.setFeatures(binaryen.Features.All);
    const module = new WebAssembly.Module(parsed.emitBinary() as Uint8Array<ArrayBuffer>);
    const granules = GRANULES;
    return { module, probes: writer.probes, counters, written, granules, extra_pages: EXTRA_PAGES };
  } finally {
    parsed.dispose();
  }
}

/** The module that ships, as if it were one with probes: it has none, and forgets nothing. */
export function plain(path = "build/engine.wasm"): Instrumented {
  const module = new WebAssembly.Module(readFileSync(path) as Uint8Array<ArrayBuffer>);
  return { module, probes: [], counters: 0, written: 0, granules: 0, extra_pages: 0 };
}

/** `save` and `restore` for all globals that change. */
function globals(lines: string[], at: number): string[] {
  const found = lines.flatMap((line) => {
    const [, name, type] = /^ \(global (\S+) \(mut (\w+)\)/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, type }];
  });
  const place = (i: number): string => `(i32.const ${at + 8 * i})`;
  const save = found.map(({ name, type }, i) => `(${type}.store ${place(i)} (global.get ${name}))`);
  const restore = found.map(
    ({ name, type }, i) => `(global.set ${name} (${type}.load ${place(i)}))`,
  );
  return [
    ` (func (export "saveGlobals") ${save.join("\n")})`,
    ` (func (export "restoreGlobals") ${restore.join("\n")})`,
  ];
}

class Writer {
  readonly probes: string[] = [];
  private readonly stores = new Map<string, string>();
  /** What is open: `if` and `block`, `loop`, `else`. */
  private readonly open: string[] = [];
  private name = "";
  private at_start = false;

  constructor(
    private readonly counters: number,
    private readonly written: number,
    private readonly initial_pages: number,
  ) {}

  line(line: string): string {
    const [, name] = /^ \(func (\S+)/.exec(line) ?? [];
    if (name !== undefined) {
      this.name = name;
      this.at_start = true;
      return line;
    }
    if (this.name === "" || /^ *\(/.test(line)) return line;
    if (line === " )") {
      this.name = "";
      return line;
    }
    const probe = this.at_start ? `${this.probe()}\n${FUEL}\n` : "";
    this.at_start = false;
    return probe + this.instruction(line.trim());
  }

  private instruction(text: string): string {
    const [, word = ""] = /^(\S+)/.exec(text)!;
    switch (word) {
      case "if":
      case "block":
        this.open.push(word);
        return word === "if" ? `${text}\n${this.probe()}` : text;
      case "loop":
        this.open.push(word);
        return `${text}\n${this.probe()}\n${FUEL}`;
      case "else":
        this.open[this.open.length - 1] = word;
        return `${text}\n${this.probe()}`;
      case "end":
        return this.end(this.open.pop()!);
      case "br_if":
        return `${text}\n${this.probe()}`;
      case "memory.size":
        return this.name === ALLOCATOR_START ? `i32.const ${this.initial_pages}` : text;
      case "memory.fill":
      case "memory.copy":
        return `call $fuzz/${word}`;
    }
    return /\.store\d*$/.test(word) ? this.store(text) : text;
  }

  private end(what: string): string {
    if (what === "if") return `else\n${this.probe()}\nend`;
    return what === "block" ? `end\n${this.probe()}` : "end";
  }

  private probe(): string {
    const place = `i32.const ${this.counters + this.probes.length}`;
    this.probes.push(this.name);
    if (this.probes.length > PAGE_BYTES) throw new Error("more probes than counters");
    return `${place}\n${place}\ni32.load8_u\ni32.const 1\ni32.add\ni32.store8`;
  }

  /** A store becomes a call: its address lies below its value on the stack. */
  private store(text: string): string {
    const name = this.stores.get(text) ?? `$fuzz/store${this.stores.size}`;
    this.stores.set(text, name);
    return `call ${name}`;
  }

  helpers(): string[] {
    const mark = (address: string): string =>
      `(i32.store8 (i32.add (i32.const ${this.written})
         (i32.and (i32.shr_u ${address} (i32.const 12)) (i32.const ${GRANULES - 1})))
         (i32.const 1))`;
    const stores = [...this.stores].map(([text, name]) => {
      const offset = Number(/offset=(\d+)/.exec(text)?.[1] ?? 0);
      const type = text.slice(0, 3);
      const add = (bytes: number): string => `(i32.add (local.get 0) (i32.const ${bytes}))`;
      return ` (func ${name} (param i32 ${type}) ${mark(add(offset))} ${mark(add(offset + 7))}
         (${text} (local.get 0) (local.get 1)))`;
    });
    const bulk = ["memory.fill", "memory.copy"].map(
      (word) => ` (func $fuzz/${word} (param i32 i32 i32) (local i32)
         (${word} (local.get 0) (local.get 1) (local.get 2))
         (local.set 3 (local.get 0))
         (loop $on ${mark("(local.get 3)")}
           (local.set 3 (i32.add (local.get 3) (i32.const ${GRANULE_BYTES})))
           (br_if $on (i32.lt_u (local.get 3) (i32.add (local.get 0) (local.get 2)))))
         ${mark("(i32.add (local.get 0) (local.get 2))")})`,
    );
    const fuel = ' (global $fuzz/fuel (export "fuel") (mut i32) (i32.const 0x7fffffff))';
    return [fuel, ...stores, ...bulk];
  }
}

const FUEL = `global.get $fuzz/fuel
i32.const 1
i32.sub
global.set $fuzz/fuel
global.get $fuzz/fuel
i32.const 0
i32.lt_s
if
unreachable
end`;
