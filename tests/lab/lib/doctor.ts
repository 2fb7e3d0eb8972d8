/** `rekeyctl doctor`, as a script reads it. */
import assert from "node:assert/strict";
import type { Rekeyd } from "./rekeyd.ts";
import { waitUntil } from "./wait.ts";

export interface Finding {
  id: string;
  severity: "fatal" | "warning" | "note";
  vpn: string | null;
  text: string;
  advice: string;
}

export interface Report {
  code: number;
  findings: Finding[];
  vpns: { name: string; state: string; why?: string; tried?: string; next?: string }[];
}

/** docs/commands.md: something is wrong. */
const FOUND = 4;

export async function examine(rekeyd: Rekeyd, vpn: string[] = []): Promise<Report> {
  const { code, stdout, stderr } = await rekeyd.rekeyctl("--json", "doctor", ...vpn);
  assert.ok(code === 0 || code === FOUND, `${code}: ${stderr}`);
  return { code, ...(JSON.parse(stdout) as Omit<Report, "code">) };
}

const idsOf = ({ findings }: Report): string =>
  findings
    .map(({ id }) => id)
    .sort()
    .join(" ");

/** Waits until exactly these are found, and answers with them by their ids. */
export async function waitFindings(
  rekeyd: Rekeyd,
  ...ids: string[]
): Promise<Record<string, Finding>> {
  const expected = [...ids].sort().join(" ");
  const report = await waitUntil(
    `the doctor finds '${expected}'`,
    20_000,
    () => examine(rekeyd),
    (found) => idsOf(found) === expected,
    { show: (found) => JSON.stringify(found, null, 1) },
  );
  const serious = report.findings.some(({ severity }) => severity !== "note");
  assert.equal(report.code, serious ? FOUND : 0);
  return Object.fromEntries(report.findings.map((finding) => [finding.id, finding]));
}
