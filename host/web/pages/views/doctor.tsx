/** What `doctor` finds about a VPN, when it is asked. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, textOf } from "../api.ts";
import type { Finding } from "../logic/model.ts";
import { sentence } from "../logic/sentence.ts";

/** Of a VPN that does not work. */
interface Outage {
  why?: string;
  tried?: string;
  next?: string;
}

export function Doctor({ name }: { name: string }): JSX.Element {
  const [findings, setFindings] = useState<Finding[] | null>(null);
  const [outage, setOutage] = useState<Outage | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");

  const examine = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setError("");
    try {
      const answer = await ask<{ findings: Finding[]; vpns: Outage[] }>("doctor", name);
      setFindings(answer.findings);
      setOutage(answer.vpns.find((vpn) => vpn.why !== undefined) ?? null);
    } catch (refusal) {
      setError(sentence(textOf(refusal)));
    }
    setBusy(false);
  };

  return (
    <section class="panel doctor" aria-labelledby="doctor">
      <h2 id="doctor">Doctor</h2>
      <div class="actions">
        <button type="button" aria-disabled={busy} onClick={() => void examine()}>
          {busy ? "Examining" : "Examine"}
        </button>
        <span class="hint">Looks for what stops the VPN from being watched or recovered.</span>
      </div>
      <div role="status">
        {outage !== null && (
          <dl class="facts">
            <dt>Why</dt>
            <dd>{outage.why}</dd>
            <dt>Tried last</dt>
            <dd>{outage.tried}</dd>
            <dt>Next</dt>
            <dd>{outage.next}</dd>
          </dl>
        )}
        {findings?.length === 0 && <p class="done">Nothing found.</p>}
        {findings !== null && findings.length > 0 && (
          <ul class="findings">
            {findings.map(({ id, severity, text, advice }) => (
              <li key={id} class={severity}>
                <span class="severity">{severity}</span>
                <span>
                  <span class="code">{id}</span>: {text}
                  <span class="more">{advice}</span>
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <div role="alert">{error !== "" && <p class="error">{error}</p>}</div>
    </section>
  );
}
