import type { JSX } from "preact";
import { chooseTheme, theme, type Theme } from "../theme.ts";
import { useStore } from "./hooks.ts";

export function ThemeSwitch(): JSX.Element {
  const chosen = useStore(theme);
  return (
    <label class="theme">
      <span>Theme</span>
      <select value={chosen} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
        <option value="auto">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}
