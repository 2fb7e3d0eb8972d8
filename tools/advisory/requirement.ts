/** Cargo's requirements of versions: `>= 1.2.3, < 2`, `^1.2`, `~0.7`, `=1.0.0`, `*`. */

interface Version {
  numbers: number[];
  /** Behind the hyphen: `alpha.1`. */
  pre: string[];
}

/** Whether the version fulfils all comparators of the requirement; an error if it is none. */
export function fulfils(version: string, requirement: string): boolean {
  const found = parse(version);
  return requirement.split(",").every((comparator) => holds(found, comparator.trim()));
}

function holds(found: Version, comparator: string): boolean {
  if (comparator === "*") return true;
  const [, operator = "", text = ""] = /^(>=|<=|>|<|=|\^|~)?\s*(\S+)$/.exec(comparator) ?? [];
  const wanted = parse(text);
  const order = compare(found, wanted);
  switch (operator) {
    case ">=":
      return order >= 0;
    case "<=":
      return order <= 0 || startsWith(found, wanted.numbers);
    case ">":
      return order > 0 && !(wanted.numbers.length < 3 && startsWith(found, wanted.numbers));
    case "<":
      return order < 0;
    case "=":
      return wanted.numbers.length < 3 ? startsWith(found, wanted.numbers) : order === 0;
    case "~":
      return order >= 0 && startsWith(found, wanted.numbers.slice(0, 2));
    default:
      return order >= 0 && startsWith(found, compatible(wanted.numbers));
  }
}

/** The numbers that a compatible version shares: up to the first that is not 0. */
function compatible(numbers: number[]): number[] {
  const first = numbers.findIndex((number) => number !== 0);
  return first < 0 ? numbers : numbers.slice(0, first + 1);
}

function startsWith({ numbers }: Version, prefix: number[]): boolean {
  return prefix.every((number, i) => (numbers[i] ?? 0) === number);
}

function parse(text: string): Version {
  const [, core, pre] = /^(\d+(?:\.\d+){0,2})(?:-([0-9A-Za-z.-]+))?(?:\+\S*)?$/.exec(text) ?? [];
  if (core === undefined) throw new Error(`'${text}' is no version`);
  return { numbers: core.split(".").map(Number), pre: pre?.split(".") ?? [] };
}

/** Below, at or above 0, as `a` comes before, with or after `b`. */
function compare(a: Version, b: Version): number {
  for (let i = 0; i < 3; i++) {
    const difference = (a.numbers[i] ?? 0) - (b.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const [left, right] = [a.pre[i], b.pre[i]];
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    const both_numbers = /^\d+$/.test(left) && /^\d+$/.test(right);
    const difference = both_numbers ? Number(left) - Number(right) : left < right ? -1 : 1;
    if (left !== right) return difference;
  }
  return 0;
}
