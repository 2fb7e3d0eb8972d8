/**
 * `build/THIRD-PARTY.txt`: what is in our programs and not ours, under which licences, and these
 * licences' texts. It goes along with whatever is handed out.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { componentsOf, PROGRAMS, union, type Component } from "./component.ts";
import { ALLOWED, chosen } from "./expression.ts";

export const THIRD_PARTY = "build/THIRD-PARTY.txt";

/** Licences whose text names no holder of rights: one text is everybody's. */
const APACHE = "Apache-2.0";
const APACHE_LLVM = "Apache-2.0 WITH LLVM-exception";

/** By which a licence's text is known. */
const SIGNS: Record<string, RegExp> = {
  [APACHE_LLVM]: /^-+ LLVM Exceptions to the Apache 2\.0 License -+$/m,
  MIT: /Permission is hereby granted, free of charge/,
  "BSD-3-Clause": /Redistribution and use in source and binary forms/,
  Zlib: /provided 'as-is', without any express or implied/,
  "Unicode-3.0": /UNICODE LICENSE V3/,
  "GPL-3.0-or-later WITH GCC-exception-3.1": /GCC RUNTIME LIBRARY EXCEPTION/,
};

const FILE_NAMES = /^(?:un)?licen[cs]e|^copying|^copyright/i;
const RULE = `${"=".repeat(78)}\n`;

/** Writes the file for all targets: `targets` are those that programs are built for. */
export function buildThirdParty(targets: string[]): void {
  mkdirSync(dirname(THIRD_PARTY), { recursive: true });
  writeFileSync(THIRD_PARTY, thirdParty(targets));
}

/** The file's text. What has no allowed licence, or no text of it, is an error that names it. */
export function thirdParty(targets: string[]): string {
  const contents = PROGRAMS.map((program) => ({
    program,
    components: union(targets.map((target) => componentsOf(program, target))),
  }));
  const all = union(contents.map(({ components }) => components));
  const tables = contents.map(
    ({ program, components }) =>
      `${program} contains\n\n${[...new Set(components.map(row))].join("")}\n`,
  );
  return [
    "rekeyd is licensed under the Apache License 2.0. Its programs contain other software,\n",
    "which is listed here with its licences; their texts follow. Where a component leaves a\n",
    "choice, we have chosen, and the right column says among what.\n\n",
    ...tables,
    ...notices(all),
    ...texts(all),
  ].join("");
}

function row({ kind, name, version, licence }: Component): string {
  // What Debian's compiler brings is of another version on another machine.
  const which = kind === "c" ? "" : version;
  const ours = licencesOf(name, licence).join(" AND ");
  const offered = ours === licence ? "" : `of ${licence}`;
  return `    ${name.padEnd(36)} ${which.padEnd(9)} ${ours.padEnd(32)} ${offered}`.trimEnd() + "\n";
}

function licencesOf(name: string, expression: string): string[] {
  try {
    return chosen(expression);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
}

/** What the Apache License asks to hand on. */
function notices(components: Component[]): string[] {
  return components.flatMap(({ name, texts }) =>
    filesIn(texts)
      .filter((path) => /\/notice[^/]*$/i.test(path))
      .map((path) => section(`NOTICE of ${name}`, readFileSync(path, "utf8"))),
  );
}

/** Each text once, under the names of those that it is of. */
function texts(components: Component[]): string[] {
  const llvm = components.map((component) => textOf(component, APACHE_LLVM)).find((text) => text);
  if (llvm === undefined) throw new Error(`nothing brings the text of ${APACHE_LLVM}`);
  return [
    section(APACHE, readFileSync("LICENSE", "utf8")),
    section(APACHE_LLVM, llvm),
    ...ALLOWED.filter((licence) => licence in SIGNS && licence !== APACHE_LLVM).flatMap((licence) =>
      textsOf(licence, components),
    ),
  ];
}

/** The texts of a licence that differ by whose rights they name. */
function textsOf(licence: string, components: Component[]): string[] {
  const found = new Map<string, { text: string; names: Set<string> }>();
  for (const component of components) {
    const { name, version } = component;
    if (!licencesOf(name, component.licence).includes(licence)) continue;
    const text = textOf(component, licence);
    if (text === undefined) throw new Error(`${name} ${version} brings no text of ${licence}`);
    const words = text.replaceAll(/\s+/g, " ").trim();
    const entry = found.get(words) ?? { text, names: new Set() };
    entry.names.add(name);
    found.set(words, entry);
  }
  return [...found.values()].map(({ text, names }) => section(licence, text, [...names]));
}

/** The text of a licence as it comes with a component, if it does. */
function textOf({ texts }: Component, licence: string): string | undefined {
  const files = filesIn(texts).filter((path) => path === texts || FILE_NAMES.test(basename(path)));
  const fitting = files
    .map((path) => readFileSync(path, "utf8"))
    .filter((text) => SIGNS[licence]!.test(text));
  // The shortest: LICENSE-MIT, not a file of several licences.
  return fitting.sort((a, b) => a.length - b.length)[0];
}

/** A file alone, or those of a folder, in order. */
function filesIn(path: string | undefined): string[] {
  if (path === undefined) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}

function section(title: string, text: string, names: string[] = []): string {
  const plain = text.replaceAll(/[ \t\r]+$/gm, "").replaceAll(/^\n+|\n+$/g, "");
  const whose = names.length === 0 ? "" : `of ${names.join(", ")}\n`;
  return `${RULE}${title}\n${whose}${RULE}\n${plain}\n\n`;
}
