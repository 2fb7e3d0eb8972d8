/** A transform of the compiler: gives the engine the version that package.json names. */
import { readFileSync } from "node:fs";
import { Transform } from "assemblyscript/transform";

const FILE = "assembly/version.ts";

export default class EngineVersion extends Transform {
  afterParse(parser) {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    const source = parser.sources.find(({ normalizedPath }) => normalizedPath === FILE);
    const constants = source?.statements.flatMap(({ declarations }) => declarations ?? []) ?? [];
    const constant = constants.find(({ name }) => name.text === "VERSION");
    if (constant === undefined) throw new Error(`${FILE} has no VERSION`);
    constant.initializer.value = version;
  }
}
