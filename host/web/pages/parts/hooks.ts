import { useEffect, useState } from "preact/hooks";
import { routeOf, type Route } from "../logic/route.ts";
import type { Store } from "../logic/store.ts";
import { theme } from "../theme.ts";

/** The store's value, as it changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(store.value);
  useEffect(() => {
    // It may have changed since it was drawn.
    setValue(() => store.value);
    return store.subscribe(() => setValue(() => store.value));
  }, [store]);
  return value;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(routeOf(location.hash));
  useEffect(() => {
    const follow = (): void => setRoute(routeOf(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}

/** The time, each second. */
export function useNow(): number {
  const [now_ms, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now_ms;
}

/** What the colours depend on: another word when they are others. */
export function useScheme(): string {
  const chosen = useStore(theme);
  const query = "(prefers-color-scheme: dark)";
  const [is_dark, setDark] = useState(matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const follow = (): void => setDark(media.matches);
    media.addEventListener("change", follow);
    return () => media.removeEventListener("change", follow);
  }, []);
  return `${chosen} ${is_dark}`;
}
