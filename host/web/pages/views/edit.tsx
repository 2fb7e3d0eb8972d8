/** VPNs > AutoKey IKE > Edit: ScreenOS's page, with its section VPN Monitor. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, command, Refusal, textOf } from "../api.ts";
import { changes, refreshOverview, vpns } from "../feed.ts";
import type { Interface, Vpn } from "../logic/model.ts";
import {
  fieldAt,
  formOf,
  lineOf,
  sameForm,
  type Field,
  type MonitorForm,
  type Settings,
} from "../logic/monitor_form.ts";
import { linkTo } from "../logic/route.ts";
import { spanText } from "../logic/time.ts";
import { sentence } from "../logic/sentence.ts";
import { Heading } from "../parts/heading.tsx";
import { useStore } from "../parts/hooks.ts";
import { SaveResult, useSaving } from "../parts/save.tsx";
import { StateMark } from "../parts/state.tsx";
import { MonitorFields } from "./monitor_fields.tsx";

type Configured = Vpn & { settings: Settings };

export function Edit({ name }: { name: string }): JSX.Element {
  const [vpn, setVpn] = useState<Configured | null>(null);
  const [interfaces, setInterfaces] = useState<Interface[]>([]);
  const [error, setError] = useState("");

  const load = async (): Promise<Configured | null> => {
    try {
      const told = await ask<{ vpns: Configured[] }>("get", "vpn", name);
      const machine = await ask<{ interfaces: Interface[] }>("get", "interface");
      setInterfaces(machine.interfaces);
      const found = told.vpns[0] ?? null;
      setVpn(found);
      setError("");
      return found;
    } catch (refusal) {
      setError(sentence(textOf(refusal)));
      return null;
    }
  };
  const change = useStore(changes);
  useEffect(() => void load(), [name, change]);

  return (
    <>
      <Heading path="VPNs > AutoKey IKE > Edit" name={name} />
      {error !== "" && (
        <p class="notice wrong" role="alert">
          {error}{" "}
          <button type="button" onClick={() => void load()}>
            Try again
          </button>
        </p>
      )}
      {vpn === null && error === "" && <p class="wait">Waiting for rekeyd.</p>}
      {vpn !== null && <Form vpn={vpn} interfaces={interfaces} reload={load} />}
    </>
  );
}

interface FormGiven {
  vpn: Configured;
  interfaces: Interface[];
  reload: () => Promise<Configured | null>;
}

function Form({ vpn, interfaces, reload }: FormGiven): JSX.Element {
  const in_force = formOf(vpn, vpn.settings);
  const [form, setForm] = useState<MonitorForm>(in_force);
  const [wrong, setWrong] = useState<{ field: Field | null; text: string } | null>(null);
  const [done, setDone] = useState("");
  const [busy, setBusy] = useState(false);
  const saving = useSaving();
  const latest = useRef(form);
  latest.current = form;
  const root = useRef<HTMLFormElement>(null);
  const changed = !sameForm(form, in_force);
  // What others change shows, but where something was entered here.
  const before = useRef(in_force);
  const [overtaken, setOvertaken] = useState(false);
  useEffect(() => {
    const moved = !sameForm(in_force, before.current);
    if (moved && sameForm(form, before.current)) setForm(in_force);
    else if (moved && !busy) setOvertaken(true);
    before.current = in_force;
  }, [vpn]);
  const show = (told: MonitorForm): void => {
    setForm(told);
    setOvertaken(false);
    setWrong(null);
  };

  const change = (part: Partial<MonitorForm>): void => {
    const entered = { ...form, ...part };
    setForm(entered);
    if (sameForm(entered, in_force)) setOvertaken(false);
    setWrong(null);
    setDone("");
  };

  const takeOver = (): void => {
    show(in_force);
    // The button goes, and the focus must not go with it.
    root.current?.querySelector<HTMLElement>("#monitor")?.focus();
  };

  const apply = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setWrong(null);
    setDone("");
    const line = lineOf(vpn.name, form);
    try {
      const { changed: is_changed } = await command<{ changed: boolean }>(line.text);
      const told = await reload();
      // As the engine writes it, unless more was entered meanwhile. What is switched off stays in
      // the form: it is switched on again with the same settings.
      if (told?.monitor && latest.current === form) show(formOf(told, told.settings));
      else setOvertaken(false);
      setDone(is_changed ? "Applied: it is in force." : "It was in force already.");
    } catch (refusal) {
      const field = refusal instanceof Refusal ? fieldAt(line, refusal.column) : null;
      setWrong({ field, text: sentence(textOf(refusal)) });
      if (field !== null) root.current?.querySelector<HTMLElement>(`#${field}`)?.focus();
    }
    await refreshOverview();
    setBusy(false);
  };

  return (
    <form class="edit" ref={root} onSubmit={(event) => void apply(event)} noValidate>
      <Facts vpn={vpn} />
      <MonitorFields
        form={form}
        interfaces={interfaces}
        chosen={vpn.source}
        wrong={wrong}
        change={change}
      />
      <div class="actions">
        <button type="submit" class="main" aria-disabled={busy}>
          Apply
        </button>
        <button type="button" aria-disabled={saving.busy} onClick={() => void saving.save(false)}>
          Save
        </button>
        <a class="button quiet" href={linkTo("status", vpn.name)}>
          Monitor Status
        </a>
      </div>
      <div class="outcome">
        <div role="alert">
          {wrong !== null && wrong.field === null && <p class="error">{wrong.text}</p>}
        </div>
        <div role="status">
          {done !== "" && <p class="done">{done}</p>}
          {changed && <p class="pending">Not applied yet.</p>}
          {changed && overtaken && (
            <p class="pending">
              Somebody else has changed it meanwhile: Apply overwrites that.{" "}
              <button type="button" onClick={takeOver}>
                Show what is in force
              </button>
            </p>
          )}
          {saving.unsaved && (
            <p class="pending">Unsaved changes: Save writes them to {saving.path}.</p>
          )}
        </div>
        <SaveResult saving={saving} />
      </div>
    </form>
  );
}

/** What is not set here. */
function Facts({ vpn }: { vpn: Vpn }): JSX.Element {
  const now = useStore(vpns)?.find(({ name }) => name === vpn.name) ?? vpn;
  return (
    <dl class="facts">
      <dt>VPN Name</dt>
      <dd>{now.name}</dd>
      <dt>Remote Gateway</dt>
      <dd>
        {now.gateway}
        {now.peer !== null && <span class="more">{now.peer}</span>}
      </dd>
      <dt>Child</dt>
      <dd>{now.child}</dd>
      <dt>State</dt>
      <dd>
        <StateMark state={now.state} />
      </dd>
      <dt>Interval</dt>
      <dd>
        {now.interval_ms < 1000 ? `${now.interval_ms} ms` : spanText(now.interval_ms / 1000)},
        threshold {now.threshold}
      </dd>
    </dl>
  );
}
