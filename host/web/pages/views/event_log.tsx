/** Reports > System Log > Event. */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { log, vpns } from "../feed.ts";
import { filtered, LEVELS } from "../logic/events.ts";
import { EventTable } from "../parts/event_table.tsx";
import { Heading } from "../parts/heading.tsx";
import { useStore } from "../parts/hooks.ts";

/** More are no help, and slow to draw. */
const MAX_ROWS = 300;

export function EventLog({ name }: { name: string }): JSX.Element {
  const events = useStore(log);
  const told = useStore(vpns) ?? [];
  const [level, setLevel] = useState("");
  const [vpn, setVpn] = useState(name);
  const [text, setText] = useState("");
  const found = useMemo(() => filtered(events, { level, vpn, text }), [events, level, vpn, text]);
  const names = [...new Set([...told.map((each) => each.name), ...(vpn === "" ? [] : [vpn])])];
  const shown = found.slice(0, MAX_ROWS);
  return (
    <>
      <Heading path="Reports > System Log > Event" />
      <div class="filter" role="search">
        <Choice label="Level" value={level} values={LEVELS} choose={setLevel} />
        <Choice label="VPN" value={vpn} values={names} choose={setVpn} />
        <label>
          Text
          <input
            type="search"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <span role="status">
          {shown.length} of {events.length} events
        </span>
      </div>
      <div class="panel">
        <EventTable events={shown} />
      </div>
    </>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  values: readonly string[];
  choose: (value: string) => void;
}

/** One of the values, or all: "". */
function Choice({ label, value, values, choose }: ChoiceProps): JSX.Element {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">all</option>
        {values.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}
