/** The section VPN Monitor. Errors stand at their fields; Rekey says why it cannot be ticked. */
import type { ComponentChildren, JSX } from "preact";
import type { Interface } from "../logic/model.ts";
import { sourceAddress, type Field, type MonitorForm } from "../logic/monitor_form.ts";

interface Given {
  form: MonitorForm;
  interfaces: Interface[];
  /** The source that is in use. */
  chosen: string | null;
  wrong: { field: Field | null; text: string } | null;
  change: (part: Partial<MonitorForm>) => void;
}

export function MonitorFields({ form, interfaces, chosen, wrong, change }: Given): JSX.Element {
  const error = (field: Field): string => (wrong?.field === field ? wrong.text : "");
  const off = !form.monitor;
  return (
    <fieldset>
      <legend>VPN Monitor</legend>
      <Tick
        field="monitor"
        label="VPN Monitor"
        checked={form.monitor}
        error={error("monitor")}
        onChange={(monitor) => change({ monitor })}
      >
        Pings through the tunnel, and tells up from down.
      </Tick>
      <Row field="source" label="Source Interface" error={error("source")}>
        <select
          {...described("source", error("source"))}
          disabled={off}
          value={form.source}
          onChange={(event) => change({ source: event.currentTarget.value })}
        >
          {sourceOptions(form.source, interfaces, chosen).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </Row>
      <Row
        field="destination"
        label="Destination IP"
        error={error("destination")}
        hint="Inside the tunnel; up to four, with blanks between. Empty: the peer's own address."
      >
        <input
          {...described("destination", error("destination"), true)}
          type="text"
          class="code"
          disabled={off}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={form.destination}
          onInput={(event) => change({ destination: event.currentTarget.value })}
        />
      </Row>
      <Tick
        field="optimized"
        label="Optimized"
        checked={form.monitor && form.optimized}
        locked={off}
        error={error("optimized")}
        onChange={(optimized) => change({ optimized })}
      >
        User traffic that comes in counts as an answer.
      </Tick>
      <Tick
        field="rekey"
        label="Rekey"
        checked={form.monitor && form.rekey}
        locked={off}
        error={error("rekey")}
        onChange={(rekey) => change({ rekey })}
      >
        Keeps the SA active, renews its keys, and negotiates anew when the tunnel is down.
      </Tick>
      <p id="why-locked" class="pending" role="status">
        {off && "Optimized and Rekey need VPN Monitor: tick that first."}
      </p>
    </fieldset>
  );
}

/** Value and text: chosen by the engine, an address that is configured, each interface. */
function sourceOptions(
  source: string,
  interfaces: Interface[],
  chosen: string | null,
): [string, string][] {
  const options: [string, string][] = [
    ["", chosen === null || source !== "" ? "Automatic" : `Automatic (${chosen})`],
  ];
  const address = sourceAddress(source);
  if (address !== null) options.push([source, `Address ${address}`]);
  for (const { name, up, addresses } of interfaces) {
    const first = addresses[0]?.split("/")[0];
    const more = addresses.length > 1 ? ` and ${addresses.length - 1} more` : "";
    const about = up ? `${first ?? "no address"}${more}` : "down";
    options.push([name, `${name} (${about})`]);
  }
  const known = options.some(([value]) => value === source);
  if (!known) options.push([source, `${source} (not there now)`]);
  return options;
}

interface Described {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
}

/** Ties a control to its label, hint and error. */
function described(field: Field, error: string, hinted = false): Described {
  const ids = [hinted && `${field}-hint`, error !== "" && `${field}-error`].filter(Boolean);
  return {
    id: field,
    "aria-invalid": error !== "",
    "aria-describedby": ids.length > 0 ? ids.join(" ") : undefined,
  };
}

interface RowGiven {
  field: Field;
  label: string;
  error: string;
  hint?: string;
  children: ComponentChildren;
}

function Row({ field, label, error, hint, children }: RowGiven): JSX.Element {
  return (
    <div class="row">
      <label for={field}>{label}</label>
      <div>
        {children}
        {hint !== undefined && (
          <p class="hint" id={`${field}-hint`}>
            {hint}
          </p>
        )}
        <FieldError field={field} error={error} />
      </div>
    </div>
  );
}

interface TickGiven {
  field: Field;
  label: string;
  checked: boolean;
  /** It can be reached, so that the reason is heard, but not changed. */
  locked?: boolean;
  error: string;
  onChange: (checked: boolean) => void;
  children: ComponentChildren;
}

function Tick(given: TickGiven): JSX.Element {
  const { field, label, checked, locked = false, error, onChange, children } = given;
  const ids = [`${field}-hint`, locked && "why-locked", error !== "" && `${field}-error`];
  return (
    <div class="row tick">
      <label for={field}>{label}</label>
      <div>
        <input
          id={field}
          type="checkbox"
          checked={checked}
          aria-disabled={locked}
          aria-invalid={error !== ""}
          aria-describedby={ids.filter(Boolean).join(" ")}
          onClick={(event) => locked && event.preventDefault()}
          onChange={(event) => !locked && onChange(event.currentTarget.checked)}
        />
        <span class="hint" id={`${field}-hint`}>
          {children}
        </span>
        <FieldError field={field} error={error} />
      </div>
    </div>
  );
}

function FieldError({ field, error }: { field: Field; error: string }): JSX.Element {
  return (
    <p class="error" id={`${field}-error`} role="alert">
      {error}
    </p>
  );
}
