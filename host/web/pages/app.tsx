/** What surrounds every page: head, menu, what is wrong with the link, and the page itself. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { logOut, session, textOf } from "./api.ts";
import { closeFeed, forget, link, openFeed } from "./feed.ts";
import { linkTo, type Route, type View } from "./logic/route.ts";
import { sentence } from "./logic/sentence.ts";
import { useRoute, useStore } from "./parts/hooks.ts";
import { LinkNotice } from "./parts/link_notice.tsx";
import { UnsavedNotice } from "./parts/save.tsx";
import { ThemeSwitch } from "./parts/theme_switch.tsx";
import { Edit } from "./views/edit.tsx";
import { EventLog } from "./views/event_log.tsx";
import { Login } from "./views/login.tsx";
import { Status } from "./views/status.tsx";
import { StatusList } from "./views/status_list.tsx";
import { VpnList } from "./views/vpn_list.tsx";

const MENU: { group: string; entries: { view: View; title: string }[] }[] = [
  {
    group: "VPNs",
    entries: [
      { view: "vpns", title: "AutoKey IKE" },
      { view: "status", title: "Monitor Status" },
    ],
  },
  { group: "Reports", entries: [{ view: "log", title: "System Log > Event" }] },
];

export function App(): JSX.Element | null {
  const route = useRoute();
  const state = useStore(session);
  const is_edit = route.view === "vpns" && route.name !== "";
  const is_stale = "since_ms" in useStore(link);
  const [problem, setProblem] = useState("");
  const leave = async (): Promise<void> => {
    setProblem("");
    try {
      await logOut();
      forget();
    } catch (refusal) {
      setProblem(sentence(`Not logged out: ${textOf(refusal)}`));
    }
  };
  const is_out = state === "closed" || state === "ended" || route.view === "login";
  useEffect(() => {
    if (state === "open") openFeed();
    else closeFeed();
  }, [state]);
  useEffect(() => {
    scrollTo(0, 0);
    document.getElementById("main")?.focus();
  }, [route.view, route.name, is_out]);
  if (is_out) return <Login />;
  if (state === "unknown") return null;
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={toMain}>
        Skip to the page
      </a>
      <header>
        <a class="brand" href={linkTo("vpns")}>
          rekeyd
        </a>
        <span class="spring" />
        <ThemeSwitch />
        <button type="button" class="quiet" onClick={() => void leave()}>
          Log out
        </button>
      </header>
      <Menu current={route.view} />
      <main id="main" tabIndex={-1} class={is_stale ? "stale" : undefined}>
        <div role="alert">{problem !== "" && <p class="notice wrong">{problem}</p>}</div>
        <LinkNotice />
        {!is_edit && <UnsavedNotice key={`${route.view} ${route.name}`} />}
        <Page route={route} />
      </main>
    </div>
  );
}

/** A fragment would be taken for a page. */
function toMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Page({ route: { view, name } }: { route: Route }): JSX.Element {
  switch (view) {
    case "status":
      return name === "" ? <StatusList /> : <Status key={name} name={name} />;
    case "log":
      return <EventLog key={name} name={name} />;
    default:
      return name === "" ? <VpnList /> : <Edit key={name} name={name} />;
  }
}

function Menu({ current }: { current: View }): JSX.Element {
  return (
    <nav aria-label="Pages">
      {MENU.map(({ group, entries }) => (
        <div key={group}>
          <h2>{group}</h2>
          <ul>
            {entries.map(({ view, title }) => (
              <li key={view}>
                <a href={linkTo(view)} aria-current={view === current ? "page" : undefined}>
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
