/** Holds a conversation with the model against the one with strongSwan. */
import { INDENT } from "./canonical.ts";
import type { Chapter } from "./conversation.ts";

const ID = /\{(ike|child) (\d+\.\d+)\}/g;

/**
 * The SAs numbered in the order in which lines and ends tell of them. One that only a list showed
 * in passing has no number: the other side's lists may have missed it.
 */
export function numbered(chapters: Chapter[]): Chapter[] {
  const numbers = new Map<string, number>();
  const last = { ike: 0, child: 0 };
  const certain = chapters.flatMap(({ lines, end }) => [...lines, ...end]);
  for (const [id, kind] of certain.flatMap((text) => [...text.matchAll(ID)])) {
    if (!numbers.has(id)) numbers.set(id, ++last[kind as "ike" | "child"]);
  }
  const number = (text: string): string => {
    const known = text.replaceAll(ID, (id, kind: string) => `${kind}${numbers.get(id) ?? "?"}`);
    // In the order of the names that both sides know.
    const [head, ...children] = known.split(INDENT);
    return [head, ...children.sort()].join(INDENT);
  };
  return chapters.map(({ step, lines, samples, end }) => ({
    step,
    lines: lines.map(number),
    samples: samples.map(({ after, text }) => ({ after, text: number(text) })),
    end: uncounted(end.map(number).sort()),
  }));
}

/** Which of two SAs of one child has carried packets is chance: then no counter is compared. */
function uncounted(end: string[]): string[] {
  const names = [...end.join("\n").matchAll(/(\S+) child\d+ INSTALLED/g)].map(([, name]) => name);
  const twice = new Set(names).size < names.length;
  return twice ? end.map((text) => text.replace(/(packets-(?:in|out))(?:=|>)0/g, "$1")) : end;
}

/** Every difference, as a person reads it; none: they agree. */
export function differences(real: Chapter[], model: Chapter[]): string[] {
  const models = numbered(model);
  return numbered(real).flatMap((chapter, i) => {
    const title = `step ${i + 1}, ${chapter.step}`;
    const other = models[i];
    if (other === undefined) return [`${title}: the model does not come so far`];
    const told = [
      ...unequal("the stream", chapter.lines, other.lines),
      ...unequal("the SAs at the end", chapter.end, other.end),
      ...unlisted(chapter, other),
    ];
    return told.map((difference) => `${title}: ${difference}`);
  });
}

function unequal(what: string, real: string[], model: string[]): string[] {
  if (real.join("\n") === model.join("\n")) return [];
  const at = real.findIndex((line, i) => line !== model[i]);
  const from = at < 0 ? real.length : at;
  const rest = (lines: string[]): string => lines.slice(from).join("\n    ") || "(nothing)";
  return [
    `${what} differs from line ${from + 1} on\n  strongSwan:\n    ${rest(real)}` +
      `\n  model:\n    ${rest(model)}`,
  ];
}

/** What a list of strongSwan's showed, and the model never goes through at that place. */
function unlisted(real: Chapter, model: Chapter): string[] {
  return real.samples
    .filter(({ after, text }) =>
      model.samples.every((passed) => passed.after !== after || passed.text !== text),
    )
    .map(({ after, text }) => {
      const passed = model.samples.filter((sample) => sample.after === after);
      const texts = passed.map((sample) => sample.text).join("\n    ") || "(nothing)";
      return (
        `behind line ${after} a list shows what the model does not go through\n` +
        `  strongSwan:\n    ${text}\n  model:\n    ${texts}`
      );
    });
}

/** A conversation to be read. */
export function show(chapters: Chapter[]): string {
  return numbered(chapters)
    .map(({ step, lines, samples, end }) =>
      [
        `== ${step}`,
        ...lines.flatMap((line, i) => [...shown(samples, i), line]),
        ...shown(samples, lines.length),
        ...end.map((text) => `at the end: ${text}`),
      ].join("\n"),
    )
    .join("\n");
}

function shown(samples: Chapter["samples"], after: number): string[] {
  return samples.filter((sample) => sample.after === after).map(({ text }) => `      = ${text}`);
}
