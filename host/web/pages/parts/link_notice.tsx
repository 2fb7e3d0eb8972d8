/** Says that what is shown is old, and why; it goes by itself. */
import type { JSX } from "preact";
import { link } from "../feed.ts";
import { sentence } from "../logic/sentence.ts";
import { spanText } from "../logic/time.ts";
import { useNow, useStore } from "./hooks.ts";

const SAYS = {
  away: "No daemon answers.",
  refused: "rekeyd does not tell the VPNs' states.",
  lost: "The connection to rekeyd-web is lost.",
  resting: "This tab rests while others are used.",
};

export function LinkNotice(): JSX.Element {
  const state = useStore(link);
  return (
    <div role="status">
      {"since_ms" in state && (
        <p class="notice wrong">
          <strong>{SAYS[state.state]}</strong> {"why" in state && `${sentence(state.why)} `}
          What is shown is <Age since_ms={state.since_ms} /> old;{" "}
          {state.state === "resting" ? "a click or a key has it go on." : "it is tried again."}
        </p>
      )}
    </div>
  );
}

/** Counts on without being announced each second. */
function Age({ since_ms }: { since_ms: number }): JSX.Element {
  return <span aria-live="off">{spanText((useNow() - since_ms) / 1000)}</span>;
}
