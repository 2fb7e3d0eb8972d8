/** What is shown of a failed job, whose output may have thousands of lines. */

/** Of each job, where it fails. */
const SHOWN_LINES = 60;
/** What comes first may be the cause of the rest. */
const FIRST_LINES = 20;
/** Of all jobs together, at the end of the run. */
const GIST_LINES = 36;
const GIST_COLUMNS = 160;
/** Node's reporter tells of the failing tests again, at its end. */
const NODE_HEADING = "✖ failing tests:";
/** Where in Node itself a test was called. */
const OF_NODE = /^\s+at .*\(?node:/;
const TELLING = /\berror\b|panicked|FAIL|✖|\[(Actual|Expected|Message)\]/i;

/** The failing tests alone, where Node's reporter names them, else both ends of the output. */
export function excerpt(output: string): string[] {
  const tests = failingTests(output);
  if (tests.length > 0) {
    const each = Math.max(4, Math.floor(SHOWN_LINES / tests.length));
    return tests.flatMap((lines) => cut(lines, each, each)).slice(0, SHOWN_LINES);
  }
  return cut(output.trimEnd().split("\n"), FIRST_LINES, SHOWN_LINES);
}

/** What failed, for a list at the end: as few lines for each job as fit. */
export function gists(failures: { name: string; output: string }[]): string[] {
  const each = Math.max(1, Math.floor(GIST_LINES / Math.max(1, failures.length)) - 1);
  return failures
    .flatMap(({ name, output }) => [
      `FAIL  ${name}`,
      ...gist(output, each).map((line) => `      ${line.slice(0, GIST_COLUMNS)}`),
    ])
    .slice(0, GIST_LINES);
}

/** Each failing test with the first lines of its error. */
function gist(output: string, most: number): string[] {
  const tests = failingTests(output);
  if (tests.length > 0) {
    // The first line names the file, the second the test.
    const each = Math.max(1, Math.min(6, Math.floor(most / tests.length)));
    return tests.flatMap((lines) => lines.slice(1, 1 + each)).slice(0, most);
  }
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const telling = lines.filter((line) => TELLING.test(line));
  return telling.length > 0 ? telling.slice(0, Math.min(most, 6)) : lines.slice(-Math.min(most, 6));
}

function failingTests(output: string): string[][] {
  const at = output.lastIndexOf(NODE_HEADING);
  if (at < 0) return [];
  const told = output.slice(at + NODE_HEADING.length).split(/^(?=test at )/m);
  return told
    .map((text) => text.split("\n").filter((line) => line.trim() !== "" && !OF_NODE.test(line)))
    .filter((lines) => lines.length > 0);
}

/** The first of them, and the last. */
function cut(lines: string[], first: number, most: number): string[] {
  if (lines.length <= most) return lines;
  const last = most - first;
  const left_out = `(${lines.length - most} lines left out)`;
  return [...lines.slice(0, first), left_out, ...(last > 0 ? lines.slice(-last) : [])];
}
