/** A page's place in the menu, as ScreenOS names it, as heading and title. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

export function Heading({ path, name }: { path: string[]; name?: string }): JSX.Element {
  useEffect(() => {
    document.title = `${name ?? path.at(-1)} - rekeyd`;
  }, [path, name]);
  return (
    <h1>
      <span class="path">{path.join(" > ")}</span>
      {name !== undefined && <span class="name">{name}</span>}
    </h1>
  );
}
