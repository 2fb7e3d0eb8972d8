import { render } from "preact";
import { logIn, session } from "./api.ts";
import { App } from "./app.tsx";
import { refreshOverview } from "./feed.ts";
import { linkTo, tokenOf } from "./logic/route.ts";
import { followTheme } from "./theme.ts";

/** With the token of the address, which leaves the address and the history at once. */
async function enter(): Promise<void> {
  const token = tokenOf(location.hash);
  if (token !== null) {
    history.replaceState(null, "", linkTo("vpns"));
    await logIn(token).catch(() => session.set("closed"));
  } else {
    await refreshOverview();
    // Neither yes nor no: the stream tells when somebody answers.
    if (session.value === "unknown") session.set("open");
  }
}

followTheme();
void enter();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
