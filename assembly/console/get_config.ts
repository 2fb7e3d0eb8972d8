import { Writer } from "../bytes/writer";
import { isLoaded, loadedPath } from "../config/history";
import { isEdited, runningText, runningTextLength } from "../config/running";
import {
  beginObject,
  boolValue,
  endObject,
  key,
  nameValue,
  nullValue,
  stringValue,
} from "../bytes/json";

/**
 * The configuration in force, as it was read; it ends with a newline. A comment says if the file
 * has another.
 */
export function getConfig(w: Writer): void {
  const len = runningTextLength();
  w.bytes(runningText(), len);
  if (len > 0 && load<u8>(runningText() + len - 1) != 0x0a) w.u8(0x0a);
  if (isEdited()) w.text("# Not saved: save writes it to ").name(loadedPath()).u8(0x0a);
}

/** The same as JSON, with its file. */
export function getConfigJson(w: Writer): void {
  key(beginObject(w), "path");
  if (isLoaded()) nameValue(w, loadedPath());
  else nullValue(w);
  stringValue(key(w, "text"), runningText(), runningTextLength());
  boolValue(key(w, "saved"), !isEdited());
  endObject(w);
}
