/** Changes that are in force and not in the file, and how to save them. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { command, Refusal, textOf } from "../api.ts";
import { overview, refreshOverview } from "../feed.ts";
import { sentence } from "../logic/sentence.ts";
import { useStore } from "./hooks.ts";

interface Saving {
  unsaved: boolean;
  path: string;
  busy: boolean;
  /** What came of it last. */
  done: string;
  error: string;
  /** Somebody else has changed the file. */
  conflict: boolean;
  save: (force: boolean) => Promise<void>;
}

export function useSaving(): Saving {
  const configuration = useStore(overview)?.configuration;
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState("");
  const [error, setError] = useState("");
  const [conflict, setConflict] = useState(false);
  const save = async (force: boolean): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setDone("");
    setError("");
    setConflict(false);
    try {
      const { message } = await command<{ message: string }>(force ? "save force" : "save");
      setDone(sentence(message));
    } catch (refusal) {
      setError(sentence(textOf(refusal)));
      setConflict(refusal instanceof Refusal && refusal.conflict);
    }
    await refreshOverview();
    setBusy(false);
  };
  const unsaved = configuration?.saved === false;
  return { unsaved, path: configuration?.path ?? "", busy, done, error, conflict, save };
}

/** What became of it; of a conflict, how to go on. */
export function SaveResult({ saving }: { saving: Saving }): JSX.Element {
  const { unsaved, done, error, conflict, save } = saving;
  return (
    <>
      <div role="status">{done !== "" && !unsaved && <p class="done">{done}</p>}</div>
      <div role="alert">
        {error !== "" && <p class="error">{error}</p>}
        {conflict && (
          <button type="button" onClick={() => void save(true)}>
            Overwrite the file
          </button>
        )}
      </div>
    </>
  );
}

/** On every page but the one that has its own button. */
export function UnsavedNotice(): JSX.Element | null {
  const saving = useSaving();
  const { unsaved, path, save, done, error } = saving;
  if (!unsaved && done === "" && error === "") return null;
  return (
    <div class="notice">
      {unsaved && (
        <p>
          <strong>Unsaved changes.</strong> They are in force, but not in {path}.{" "}
          <button type="button" onClick={() => void save(false)}>
            Save
          </button>
        </p>
      )}
      <SaveResult saving={saving} />
    </div>
  );
}
