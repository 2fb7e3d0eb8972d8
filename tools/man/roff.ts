/** Text and tables in the macros of man(7). */

/** Source lines are broken here: mandoc's lint complains of longer ones. */
const MAX_COLUMNS = 77;

const ESCAPES: Record<string, string> = {
  "\\": "\\e",
  "'": "\\(aq",
  '"': "\\(dq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
};

/** What is longer, and could be broken nowhere, would be wider than a screen. */
const MAX_WORD_COLUMNS = 60;

/** A text in which every character is shown as it is; as code, a hyphen can also be copied. */
export function escape(text: string, is_code = true): string {
  const escaped = text.replace(/[\\'"`^~]/g, (c) => ESCAPES[c]!);
  return is_code ? escaped.replaceAll("-", "\\-") : escaped;
}

/** Markdown's `code` in bold, links as their text. */
export function inline(markdown: string): string {
  const pieces = markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").split(/`([^`]*)`/);
  return pieces.map((piece, i) => (i % 2 === 1 ? bold(piece) : escape(piece, false))).join("");
}

export function bold(text: string): string {
  return `\\fB${escape(spaced(text, ",", ", "))}\\fR`;
}

/** A command as the grammar writes it: keywords bold, values italic, its brackets as they are. */
export function notation(text: string): string {
  return spaced(text, "|", " | ")
    .split(/([[\]|]|\.\.\.| )/)
    .map((word) => {
      if (/^[A-Z]/.test(word)) return `\\fI${escape(word)}\\fR`;
      return /^[a-z]/.test(word) ? bold(word) : word;
    })
    .join("");
}

/** In long words the mark is written with blanks. */
function spaced(text: string, mark: string, wide: string): string {
  return text.replace(/\S+/g, (word) =>
    word.length > MAX_WORD_COLUMNS ? word.replaceAll(mark, wide) : word,
  );
}

/** A paragraph under a tag of one line; more paragraphs belong to the same one. */
export function item(tag: string, ...paragraphs: string[]): string {
  const filling = paragraphs.map((paragraph) => filled(paragraph).join("\n"));
  return `.TP\n${tag}\n${filling.join("\n.IP\n")}`;
}

/** A paragraph below a head of any length. */
export function below(head: string, paragraph: string): string {
  return [".HP", ...filled(head), ".RS", ...filled(paragraph), ".RE"].join("\n");
}

/** The text in lines, a sentence a line or more; none looks like a request. */
function filled(text: string): string[] {
  const lines: string[] = [];
  for (const sentence of text.split(/(?<=[a-z)][.?!]) (?=[A-Z])/)) {
    let line = "";
    for (const word of sentence.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > MAX_COLUMNS) {
        // Here is no end of a sentence, whatever it looks like.
        lines.push(/[.?!]\W*$/.test(line) ? `${line}\\&` : line);
        line = "";
      }
      line += line === "" ? word : ` ${word}`;
    }
    lines.push(line);
  }
  return lines.map((line) => (/^[.']/.test(line) ? `\\&${line}` : line));
}
