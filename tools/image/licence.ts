/** The licences that a package's copyright file names, as SPDX identifiers where there are any. */

/** Debian's short names, in lower case, that differ from SPDX's by more than the version. */
const SPDX: Record<string, string> = {
  "apache-2": "Apache-2.0",
  artistic: "Artistic-1.0-Perl",
  "bsd-2": "BSD-2-Clause",
  "bsd-2-clause": "BSD-2-Clause",
  "bsd-3": "BSD-3-Clause",
  "bsd-3-clause": "BSD-3-Clause",
  "bsd-4-clause": "BSD-4-Clause",
  expat: "MIT",
  mit: "MIT",
  isc: "ISC",
  zlib: "Zlib",
};

/** Names of SPDX that Debian uses as they are. */
const SAME = /^(Apache-2\.0|BSL-1\.0|CC0-1\.0|FSFAP|FSFUL(LR)?|TCP-wrappers|X11|curl)$/;

/** Each licence that the file's text names, once, in order. */
export function licencesIn(text: string): string[] {
  const names = /^Format:/m.test(text) ? shortNames(text) : commonLicences(text);
  return [...new Set(names.map(spdx))].sort();
}

/** A licence as SPDX names it; what it knows no name for becomes a reference, as it says. */
export function spdx(name: string): string {
  const gnu = /^(A?GPL|LGPL|GFDL)v?-?(\d)(?:\.(\d))?(\+?)$/i.exec(name);
  if (gnu !== null) {
    const [, family = "", major, minor = "0", later] = gnu;
    return `${family.toUpperCase()}-${major}.${minor}-${later === "+" ? "or-later" : "only"}`;
  }
  if (SAME.test(name)) return name;
  const words = name.match(/[A-Za-z0-9.]+/g) ?? [];
  return SPDX[name.toLowerCase()] ?? `LicenseRef-${words.join("-")}`;
}

/** In Debian's machine-readable form (DEP 5): each licence that files stand under. */
function shortNames(text: string): string[] {
  return [...text.matchAll(/^License:[ \t]*(\S.*)$/gm)]
    .flatMap(([, names = ""]) => names.split(/,|\s+(?:and|or)\s+|\s+with\s+.*$/i))
    .map((name) => name.trim().replace(/^(?:and|or)\s+/i, ""))
    .filter((name) => name !== "");
}

/** In a text for people: the licences whose text it leaves to Debian's folder of them. */
function commonLicences(text: string): string[] {
  return [...text.matchAll(/common-licenses\/([A-Za-z]+(?:-[0-9.]*[0-9])?)/g)].map(
    ([, name = ""]) => name,
  );
}
