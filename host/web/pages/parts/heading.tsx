/** A page's place in the menu, as ScreenOS names it, as heading and as title. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

export function Heading({ path, name }: { path: string; name?: string }): JSX.Element {
  useEffect(() => {
    document.title = `${name === undefined ? path : `${name}: ${path}`} - rekeyd`;
  }, [path, name]);
  return (
    <h1>
      <span class="path">{path}</span> {name !== undefined && <span>{name}</span>}
    </h1>
  );
}
