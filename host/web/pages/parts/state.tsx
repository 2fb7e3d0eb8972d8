/** A VPN's state: a shape, a word, and a colour. */
import type { JSX } from "preact";
import type { State } from "../logic/model.ts";

/** Told apart without colours, too. */
const SHAPES: Record<State, JSX.Element> = {
  up: <path d="M3 8.5 6.5 12 13 4.5" class="stroke" />,
  down: <path d="M4 4l8 8M12 4l-8 8" class="stroke" />,
  ready: <circle cx="8" cy="8" r="4.5" class="stroke" />,
  inactive: <path d="M3.5 8h9" class="stroke" />,
};

export function StateMark({ state }: { state: State }): JSX.Element {
  return (
    <span class={`state ${state}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {SHAPES[state]}
      </svg>
      {state}
    </span>
  );
}
