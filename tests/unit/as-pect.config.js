import { readFileSync } from "node:fs";

const fixtures = new URL("./fixtures/", import.meta.url);

/** Reads a string of the module: as-pect's specs are UTF-16 inside. */
function text(exports, pointer, bytes) {
  return Buffer.from(exports.memory.buffer, pointer, bytes).toString("utf16le");
}

export default {
  entries: [],
  include: [],
  disclude: [/node_modules/],
  async instantiate(_memory, createImports, instantiate, binary) {
    let module;
    const imports = createImports({
      host: {
        // What the engine's own abort calls; the specs run with as-pect's abort instead.
        trap(pointer, length) {
          const bytes = Buffer.from(module.exports.memory.buffer, pointer, length);
          throw new Error(bytes.toString("utf8"));
        },
      },
      fixture: {
        // tests/unit/fixture.ts: copies a file into memory, answers its length or -1.
        load(name, name_bytes, out, room) {
          const file = readFileSync(new URL(text(module.exports, name, name_bytes), fixtures));
          if (file.length > room) return -1;
          Buffer.from(module.exports.memory.buffer, out, room).set(file);
          return file.length;
        },
        // Whether the bytes are UTF-8 and one JSON document.
        parses(pointer, length) {
          const bytes = new Uint8Array(module.exports.memory.buffer, pointer, length);
          try {
            JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
            return true;
          } catch {
            return false;
          }
        },
      },
    });
    module = await instantiate(binary, imports);
    return module;
  },
  outputBinary: false,
};
