/** What is left of a time, as a bar that empties. */
import type { JSX } from "preact";

interface Given {
  label: string;
  text: string;
  /** From 0 to 1; null: there is nothing to measure. */
  share: number | null;
}

export function Bar({ label, text, share }: Given): JSX.Element {
  return (
    <div class="bar">
      <span class="label">{label}</span>
      <span class="figure">{text}</span>
      {share !== null && <meter aria-label={label} min={0} max={1} value={share} />}
    </div>
  );
}
