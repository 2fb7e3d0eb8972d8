import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { logIn, session, textOf, token_problem } from "../api.ts";
import { linkTo, routeOf } from "../logic/route.ts";
import { useStore } from "../parts/hooks.ts";
import { ThemeSwitch } from "../parts/theme_switch.tsx";

export function Login(): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const ended = useStore(session) === "ended";
  const of_token = useStore(token_problem);
  const [of_entry, setError] = useState("");
  const error = of_entry || of_token;
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = "Log in - rekeyd";
    input.current?.focus();
  }, []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError("");
    token_problem.set("");
    try {
      await logIn(input.current?.value ?? "");
      if (routeOf(location.hash).view === "login") location.hash = linkTo("vpns");
    } catch (refusal) {
      setError(textOf(refusal));
      input.current?.select();
    } finally {
      setBusy(false);
    }
  };

  return (
    <main class="login">
      <form onSubmit={(event) => void submit(event)}>
        <h1>rekeyd</h1>
        {ended && <p class="hint">The session has ended.</p>}
        {/* Password managers ask for whom. */}
        <input type="text" autocomplete="username" value="rekeyd" readOnly hidden />
        <label for="secret">Token or password</label>
        <input
          id="secret"
          ref={input}
          type="password"
          autocomplete="current-password"
          required
          aria-invalid={error !== ""}
          aria-describedby="login-error"
        />
        <p id="login-error" class="error" role="alert">
          {error}
        </p>
        <button type="submit" class="main">
          {busy ? "Logging in" : "Log in"}
        </button>
      </form>
      <ThemeSwitch />
    </main>
  );
}
