/** `save [force]`: has the host write the configuration's text to its file. */
import { act, Action } from "../action";
import { loadedPath } from "../config/history";
import { isEdited, noteSaved } from "../config/running";
import { configurationSaved } from "../event/text";
import { given } from "./line";
import {
  answerTo,
  beginError,
  beginMessage,
  client,
  endConflict,
  endError,
  endMessage,
  json,
} from "./reply";

/** What the host says of a file that is not as it was when it was read or saved. */
const CHANGED: i32 = -1;
/** Errors of Linux (errno(3)). */
const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const EIO: i32 = 5;
const EACCES: i32 = 13;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EDQUOT: i32 = 122;

/** The client that waits to hear what became of its command, if one does. */
let asker: i32 = 0;
let is_asked: bool = false;
let in_json: bool = false;

/** Has the text written; the client is answered when the host has done so. */
export function save(): void {
  const force = given("force");
  if (!isEdited() && !force) {
    beginMessage().text("there are no changes to save");
    return endMessage();
  }
  asker = client;
  is_asked = true;
  in_json = json;
  act(Action.SAVE_CONFIG, force ? 1 : 0, 0, 0);
}

/** The host has written the file (`errno` 0), or could not. */
export function answerSave(errno: i32): void {
  if (!is_asked) return;
  is_asked = false;
  answerTo(asker, in_json);
  if (errno == 0) {
    noteSaved();
    configurationSaved(loadedPath());
    beginMessage().text("saved to ").name(loadedPath());
    return endMessage();
  }
  const w = beginError().text("not saved: ").name(loadedPath()).text(": ");
  switch (errno) {
    case CHANGED:
      w.text("somebody else has changed the file since it was read; ");
      w.text("save force overwrites it, and SIGHUP has it read instead");
      return endConflict();
    case EPERM:
      w.text("its owner or mode cannot be kept (Operation not permitted)");
      break;
    case ENOENT:
      w.text("No such file or directory");
      break;
    case EIO:
      w.text("Input/output error; the file is the old or the new one");
      break;
    case EACCES:
      w.text("rekeyd may not write to its folder (Permission denied)");
      break;
    case ENOSPC:
      w.text("No space left on device");
      break;
    case EROFS:
      w.text("Read-only file system");
      break;
    case EDQUOT:
      w.text("Disk quota exceeded");
      break;
    default:
      w.text("errno ").decimal(errno);
  }
  endError();
}
