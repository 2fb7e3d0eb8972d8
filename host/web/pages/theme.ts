/** Light or dark: as the system has it, or as was chosen here. */
import { Store } from "./logic/store.ts";

export type Theme = "auto" | "light" | "dark";
const THEMES: readonly string[] = ["auto", "light", "dark"];
const KEY = "theme";

export const theme = new Store<Theme>(remembered());

/** Puts it on the page, now and whenever it changes. */
export function followTheme(): void {
  const apply = (): void => {
    if (theme.value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
  };
  theme.subscribe(apply);
  apply();
}

export function chooseTheme(chosen: Theme): void {
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // A browser that keeps nothing: it holds until the page is left.
  }
  theme.set(chosen);
}

function remembered(): Theme {
  try {
    const kept = localStorage.getItem(KEY) ?? "";
    return THEMES.includes(kept) ? (kept as Theme) : "auto";
  } catch {
    return "auto";
  }
}
