import assert from "node:assert/strict";
import { test } from "node:test";
import { licencesIn, spdx } from "../../tools/image/licence.ts";

/** Debian's short names, and SPDX's of the same licences. */
const NAMES: [string, string][] = [
  ["GPL-2", "GPL-2.0-only"],
  ["GPL-2+", "GPL-2.0-or-later"],
  ["GPLv3+", "GPL-3.0-or-later"],
  ["GPL-2.0+", "GPL-2.0-or-later"],
  ["LGPL-2.1", "LGPL-2.1-only"],
  ["LGPL-2.1+", "LGPL-2.1-or-later"],
  ["Expat", "MIT"],
  ["BSD-3-clause", "BSD-3-Clause"],
  ["Artistic", "Artistic-1.0-Perl"],
  ["CC0-1.0", "CC0-1.0"],
  ["public-domain", "LicenseRef-public-domain"],
  ["__AUTO_PERMISSIVE__", "LicenseRef-AUTO-PERMISSIVE"],
];

test("licences have SPDX's names where it has any", () => {
  for (const [name, expected] of NAMES) assert.equal(spdx(name), expected);
});

test("every licence of a machine-readable copyright file is named once", () => {
  const text = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: GPL-2+ and Expat

Files: debian/*
License: Expat or GPL-2 with OpenSSL exception

License: GPL-2+
 The text, which speaks of /usr/share/common-licenses/GPL-3.
`;
  assert.deepEqual(licencesIn(text), ["GPL-2.0-only", "GPL-2.0-or-later", "MIT"]);
});

test("of a copyright file for people, the licences that it leaves to Debian's folder are", () => {
  const text =
    "It is free; see /usr/share/common-licenses/LGPL-2.1. Tools: common-licenses/GPL-2).";
  assert.deepEqual(licencesIn(text), ["GPL-2.0-only", "LGPL-2.1-only"]);
});
