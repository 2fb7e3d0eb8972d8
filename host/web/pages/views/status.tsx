/** VPNs > Monitor Status of one VPN, live. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { histories, log, vpns } from "../feed.ts";
import { filtered } from "../logic/events.ts";
import type { Vpn } from "../logic/model.ts";
import { linkTo } from "../logic/route.ts";
import { delayText, spanText } from "../logic/time.ts";
import { EventTable } from "../parts/event_table.tsx";
import { Heading } from "../parts/heading.tsx";
import { useStore } from "../parts/hooks.ts";
import { Rounds } from "../parts/rounds.tsx";
import { StateMark } from "../parts/state.tsx";
import { Doctor } from "./doctor.tsx";
import { Lifetimes } from "./lifetimes.tsx";
import { Next } from "./next.tsx";
import { Plots } from "./plots.tsx";

/** As many as `get vpn NAME` tells. */
const EVENTS = 10;

export function Status({ name }: { name: string }): JSX.Element {
  const told = useStore(vpns);
  const samples = useStore(histories).get(name) ?? [];
  const events = useStore(log);
  const last = useMemo(
    () => filtered(events, { level: "", vpn: name, text: "" }).slice(0, EVENTS),
    [events, name],
  );
  const vpn = told?.find((each) => each.name === name);
  return (
    <>
      <Heading path="VPNs > Monitor Status" name={name} />
      {told === null && <p class="wait">Waiting for rekeyd.</p>}
      {told !== null && vpn === undefined && <p class="wait">There is no VPN of this name.</p>}
      {vpn !== undefined && (
        <div class="status">
          <div class="column">
            <Summary vpn={vpn} />
            <Plots vpn={vpn} samples={samples} />
          </div>
          <div class="column">
            <Next vpn={vpn} />
            <Lifetimes vpn={vpn} />
          </div>
          <section class="panel" aria-labelledby="last-events">
            <h2 id="last-events">Last events</h2>
            <EventTable events={last} />
            <p class="after">
              <a href={linkTo("log", name)}>All events of this VPN</a>
            </p>
          </section>
          <Doctor key={name} name={name} />
        </div>
      )}
    </>
  );
}

function Summary({ vpn }: { vpn: Vpn }): JSX.Element {
  const { delay_last_ms, delay_avg_ms, availability_percent, targets } = vpn;
  const is_measured = delay_last_ms !== null && vpn.state === "up";
  return (
    <section class="panel summary" aria-label="State">
      <div class="large">
        <StateMark state={vpn.state} />
        <span class="code">{vpn.sta}</span>
      </div>
      <dl class="figures">
        <Figure name="Delay" value={is_measured ? delayText(delay_last_ms) : "-"} unit="ms">
          {delay_avg_ms !== null && `average ${delayText(delay_avg_ms)} ms`}
        </Figure>
        <Figure name="Availability" value={availability_percent ?? "-"} unit="%">
          <Rounds rounds={vpn.rounds} />
        </Figure>
        <Figure name="Missed in a row" value={vpn.misses}>
          down at {vpn.threshold}
        </Figure>
        <Figure name="Rekeys" value={vpn.rekeys}>
          by rekeyd
        </Figure>
      </dl>
      <dl class="facts">
        <dt>Gateway</dt>
        <dd>
          {vpn.gateway}
          {vpn.peer !== null && <span class="more">{vpn.peer}</span>}
        </dd>
        {vpn.interface !== null && (
          <>
            <dt>Interface</dt>
            <dd>
              {vpn.interface}, {vpn.interface_state}
              {vpn.if_id !== null && <span class="more">if_id {vpn.if_id}</span>}
            </dd>
          </>
        )}
        <dt>Monitor</dt>
        <dd>
          {vpn.monitor ? "on" : "off"}, rekey {vpn.rekey ? "on" : "off"}, optimized{" "}
          {vpn.optimized ? "on" : "off"}, every{" "}
          {vpn.interval_ms < 1000 ? `${vpn.interval_ms} ms` : spanText(vpn.interval_ms / 1000)}
        </dd>
        <dt>Echoes</dt>
        <dd>
          <span class="code">{vpn.source ?? "no source"}</span> to{" "}
          {targets.length === 0 && "no destination"}
          {targets.map(({ address, answered }, i) => (
            <span key={address}>
              {i > 0 && ", "}
              <span class="code">{address}</span>
              {!answered && " (silent)"}
            </span>
          ))}
          <span class="more">
            {vpn.echoes_sent} sent, {vpn.echoes_answered} answered
          </span>
        </dd>
      </dl>
      <p class="after">
        <a class="button" href={linkTo("vpns", vpn.name)}>
          Edit
        </a>
      </p>
    </section>
  );
}

interface FigureGiven {
  name: string;
  value: string | number;
  unit?: string;
  children: JSX.Element | (string | number | false)[] | string | false;
}

function Figure({ name, value, unit, children }: FigureGiven): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span class="value">
          {value}
          {unit !== undefined && value !== "-" && <span class="unit"> {unit}</span>}
        </span>
        <span class="about">{children}</span>
      </dd>
    </div>
  );
}
