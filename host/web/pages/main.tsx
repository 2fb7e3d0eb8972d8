import { render } from "preact";
import { logIn, session, textOf, token_problem } from "./api.ts";
import { App } from "./app.tsx";
import { refreshOverview } from "./feed.ts";
import { linkTo, tokenOf } from "./logic/route.ts";
import { followTheme } from "./theme.ts";

/** With the token of the address, which leaves the address and the history at once. */
async function enter(): Promise<void> {
  const token = tokenOf(location.hash);
  if (token !== null) {
    history.replaceState(null, "", linkTo("vpns"));
    token_problem.set("");
    try {
      return await logIn(token);
    } catch (refusal) {
      token_problem.set(textOf(refusal));
    }
  }
  // An earlier session may still go on.
  await refreshOverview();
  // Neither yes nor no: the stream tells when somebody answers.
  if (session.value === "unknown") session.set("open");
}

followTheme();
// An address that is put into a tab which has the page already loads nothing.
addEventListener("hashchange", () => {
  if (tokenOf(location.hash) !== null) void enter();
});
void enter();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
