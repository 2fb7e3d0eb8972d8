/** What the monitor does next, and when; and a new key, now. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { command, textOf } from "../api.ts";
import type { Vpn } from "../logic/model.ts";
import { quoted } from "../logic/monitor_form.ts";
import { sentence } from "../logic/sentence.ts";

export function Next({ vpn }: { vpn: Vpn }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState("");
  const [error, setError] = useState("");

  const renew = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setDone("");
    setError("");
    try {
      const { message } = await command<{ message: string }>(`exec vpn ${quoted(vpn.name)} rekey`);
      setDone(sentence(message));
    } catch (refusal) {
      setError(sentence(textOf(refusal)));
    }
    setBusy(false);
  };

  const { next, next_ms, interval_ms } = vpn;
  return (
    <section class="panel next" aria-labelledby="next">
      <h2 id="next">Next</h2>
      <p class="what">{next}</p>
      {next_ms !== null && (
        <progress
          aria-label="Time until then"
          max={Math.max(interval_ms, next_ms)}
          value={next_ms}
        />
      )}
      <div class="actions">
        <button type="button" aria-disabled={busy} onClick={() => void renew()}>
          Renew now
        </button>
        <span class="hint">Has strongSwan make a new Phase 2 key before the old one goes.</span>
      </div>
      <div role="status">{done !== "" && <p class="done">{done}</p>}</div>
      <div role="alert">{error !== "" && <p class="error">{error}</p>}</div>
    </section>
  );
}
