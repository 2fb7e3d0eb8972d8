/** Licences that what we ship may stand under, and which is chosen where there is a choice. */

/**
 * In the order of choice: the project's own first, then those that ask for their text alone.
 * Whoever adds one reads it before.
 */
export const ALLOWED = [
  "Apache-2.0",
  "Apache-2.0 WITH LLVM-exception",
  "MIT",
  "BSD-3-Clause",
  "Zlib",
  "Unicode-3.0",
  // Of libgcc: the exception leaves programs that it is linked into their own licence.
  "GPL-3.0-or-later WITH GCC-exception-3.1",
];

/**
 * The licences that are to be kept to under an SPDX expression (also one with crates.io's old `/`),
 * once each. An error names what is not allowed.
 */
export function chosen(expression: string): string[] {
  const words = expression
    .replaceAll("/", " OR ")
    .replaceAll(/[()]/g, " $& ")
    .replaceAll(/ WITH +/g, "\0")
    .split(/ +/)
    .filter((word) => word !== "")
    .map((word) => word.replace("\0", " WITH "));
  const [licences, rest] = eitherOf(words);
  if (rest.length > 0) throw new Error(`'${expression}' is no SPDX expression`);
  const forbidden = licences.filter((licence) => !ALLOWED.includes(licence));
  if (forbidden.length > 0) {
    throw new Error(
      `'${expression}': ${forbidden.join(", ")} is not among the licences that are allowed ` +
        "(tools/licence/expression.ts)",
    );
  }
  return ALLOWED.filter((licence) => licences.includes(licence));
}

type Parsed = [licences: string[], rest: string[]];

/** `A OR B`: of both, which ranks first. */
function eitherOf(words: string[]): Parsed {
  let [best, rest] = allOf(words);
  while (rest[0] === "OR") {
    const [other, behind] = allOf(rest.slice(1));
    if (worst(other) < worst(best)) best = other;
    rest = behind;
  }
  return [best, rest];
}

/** `A AND B`: both. */
function allOf(words: string[]): Parsed {
  let [all, rest] = one(words);
  while (rest[0] === "AND") {
    const [more, behind] = one(rest.slice(1));
    all = [...all, ...more];
    rest = behind;
  }
  return [all, rest];
}

function one([word = "", ...rest]: string[]): Parsed {
  if (word !== "(") return [[word], rest];
  const [inner, behind] = eitherOf(rest);
  if (behind[0] !== ")") throw new Error(`'(${rest.join(" ")}' has no end`);
  return [inner, behind.slice(1)];
}

/** The rank of the licence that is least wanted. */
function worst(licences: string[]): number {
  return Math.max(
    ...licences.map((licence) => {
      const rank = ALLOWED.indexOf(licence);
      return rank < 0 ? ALLOWED.length : rank;
    }),
  );
}
