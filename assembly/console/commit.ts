/** Puts a changed configuration (config/change.ts) into force, read as a file would be. */
import { act, Action } from "../action";
import { beginObject, boolValue, endObject, key } from "../bytes/json";
import { equal, nameBytes, nameLength } from "../bytes/slice";
import { is_removal, section } from "../config/change";
import { draftLength, wasThere, wordOfMistake, writeDraft } from "../config/draft";
import { isLoaded, loadedPath } from "../config/history";
import {
  mistakeCount,
  mistakeHeadLength,
  mistakeLine,
  mistakeLineLength,
  mistakeLineNumber,
} from "../config/mistakes";
import { Section } from "../config/option";
import { readConfig } from "../config/read";
import { draftRoom, runningText, runningTextLength, takeDraft } from "../config/running";
import { configurationChanged } from "../event/text";
import { MAX_CONFIG_BYTES, MAX_CONFIG_ERRORS } from "../limits";
import { applyStaged } from "../monitor/apply";
import { converse } from "../monitor/conversation";
import { failAt } from "./caret";
import { lineLength, lineStart } from "./line";
import { beginError, beginReply, endError, endReply, json } from "./reply";

/**
 * Writes the change into the text and puts that into force; with a mistake in it all stays as it
 * was. `subject` is the word that names what is changed.
 */
export function commitChange(subject: i32): void {
  if (!isLoaded()) {
    beginError().text("there is no configuration yet");
    return endError();
  }
  if (!writeDraft()) {
    beginError()
      .text("the configuration would have more than ")
      .decimal(MAX_CONFIG_BYTES)
      .text(" bytes");
    return endError();
  }
  if (is_removal && !wasThere()) {
    const what = section == Section.ROUTE ? "route" : "next hop";
    return failAt(subject, beginError().text("there is no such ").text(what));
  }
  const path = loadedPath();
  const len = draftLength();
  if (readConfig(nameBytes(path), nameLength(path), draftRoom(), len) > 0) return refuse(subject);
  if (equal(runningText(), runningTextLength(), draftRoom(), len)) return answer(false);
  takeDraft(len);
  // Before all that may be too much for one call.
  act(Action.CONFIG_CHANGED, 0, runningText(), len);
  configurationChanged(lineStart(), lineLength());
  applyStaged();
  converse();
  answer(true);
}

/** Answers with the mistake that a word of the line has brought; else with the first one. */
function refuse(subject: i32): void {
  for (let i = 0; i < min(mistakeCount(), MAX_CONFIG_ERRORS); i++) {
    const wrong = wordOfMistake(mistakeLineNumber(i), textOf(i), textLength(i), subject);
    if (wrong >= 0) return failAt(wrong, beginError().bytes(textOf(i), textLength(i)));
  }
  beginError()
    .text("line ")
    .decimal(mistakeLineNumber(0))
    .text(" of the changed configuration: ")
    .bytes(textOf(0), textLength(0));
  endError();
}

function textOf(i: i32): usize {
  return mistakeLine(i) + mistakeHeadLength(i);
}

function textLength(i: i32): i32 {
  return mistakeLineLength(i) - mistakeHeadLength(i);
}

/** As on ScreenOS what was done is silent. */
function answer(is_changed: bool): void {
  const w = beginReply();
  if (json) endObject(boolValue(key(beginObject(w), "changed"), is_changed));
  endReply();
}
