/** A release's notes: what the changelog says of it. */

/** The section of the version; of one that has none yet, what is unreleased. */
export function notesOf(changelog: string, version: string): string {
  const sections = changelog.split(/^(?=## )/m).slice(1);
  const of = (title: string): string | undefined =>
    sections.find((section) => new RegExp(`^## ${title.replaceAll(".", "\\.")}\\b`).test(section));
  const section = of(version) ?? of("Unreleased");
  if (section === undefined) {
    throw new Error(`CHANGELOG.md: neither '## ${version}' nor '## Unreleased'`);
  }
  return `# rekeyd ${version}\n\n${section.replace(/^## .*\n+/, "").trimEnd()}\n`;
}
