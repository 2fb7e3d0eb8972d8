/** Debian's changelog of the newest version, from the project's own. */
import { readFileSync } from "node:fs";

const WIDTH = 78;
const MAINTAINER = /^Maintainer: (.*)$/m.exec(readFileSync("host/debian/control", "utf8"))?.[1];

/** `version` is Debian's; `seconds` since 1970: when it was made. */
export function debianChangelog(version: string, seconds: number): string {
  const entries = newest(readFileSync("CHANGELOG.md", "utf8")).flatMap(entry);
  const date = new Date(1000 * seconds).toUTCString().replace("GMT", "+0000");
  return [
    `rekeyd (${version}) unstable; urgency=medium`,
    "",
    ...entries,
    "",
    ` -- ${MAINTAINER}  ${date}`,
    "",
  ].join("\n");
}

/** The items of the first section. */
export function newest(markdown: string): string[] {
  const section = markdown.split(/^## /m)[1] ?? "";
  return section
    .split(/^- /m)
    .slice(1)
    .map((item) =>
      item
        .split(/\n\n|\n#/)[0]!
        .replace(/\s+/g, " ")
        .trim(),
    );
}

/** An item, wrapped as Debian has it. */
function entry(text: string): string[] {
  const lines: string[] = [];
  let line = "  *";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = "   ";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
