/** `set` and `unset`: change the text of the configuration, and have it read as a file would be. */
import { act, Action } from "../action";
import { equal, nameBytes, nameLength } from "../bytes/slice";
import { beginChange, removeOption, removeSection, setOption } from "../config/change";
import { draftLength, wordOfMistake, writeDraft } from "../config/draft";
import { isLoaded, loadedPath } from "../config/history";
import {
  mistakeCount,
  mistakeHeadLength,
  mistakeLine,
  mistakeLineLength,
  mistakeLineNumber,
} from "../config/mistakes";
import { belongs, isFlag, Option, optionName, Section } from "../config/option";
import { readConfig } from "../config/read";
import { draftRoom, runningText, runningTextLength, takeDraft } from "../config/running";
import { configurationChanged } from "../event/text";
import { MAX_CONFIG_BYTES, MAX_CONFIG_ERRORS } from "../limits";
import { applyStaged } from "../monitor/apply";
import { converse } from "../monitor/conversation";
import { failAt } from "./caret";
import { beginObject, boolValue, endObject, key } from "../bytes/json";
import { given, lineLength, lineStart, means, word, wordCount, wordLength } from "./line";
import { isConfigured, quoted } from "./parameter";
import { beginError, beginReply, endError, endReply, json } from "./reply";

/** Where the VPN's name stands in the line, and behind it what is set. */
const NAME: i32 = 2;
const FIRST: i32 = 3;

/** The value of an option that is on. */
const ON: usize = memory.data<u8>([0x31]);

/** `set vpn VPN OPTION ...` */
export function setVpn(): void {
  if (!given("gateway") && !isConfigured(word(NAME), wordLength(NAME))) return noSuchVpn();
  beginVpn();
  // The monitor is set as a whole: what the line does not name is no more.
  if (means(FIRST, "monitor")) removeMonitor(false);
  setOptions(Section.VPN, FIRST);
  apply();
}

/** `unset vpn NAME [OPTION]` */
export function unsetVpn(): void {
  beginVpn();
  if (wordCount() == FIRST) removeSection();
  else if (means(FIRST, "monitor")) removeMonitor(true);
  else removeOption(optionMeant(Section.VPN, FIRST));
  apply();
}

/** `set vpnmonitor OPTION ...` */
export function setVpnmonitor(): void {
  beginChange(Section.GLOBAL, 0, 0);
  setOptions(Section.GLOBAL, NAME);
  apply();
}

/** `unset vpnmonitor OPTION` */
export function unsetVpnmonitor(): void {
  beginChange(Section.GLOBAL, 0, 0);
  removeOption(optionMeant(Section.GLOBAL, NAME));
  apply();
}

function beginVpn(): void {
  beginChange(Section.VPN, word(NAME), wordLength(NAME));
}

function noSuchVpn(): void {
  const w = quoted(beginError().text("there is no VPN "), word(NAME), wordLength(NAME));
  failAt(NAME, w.text("; set vpn NAME gateway GW makes one"));
}

/** What `set vpn VPN monitor` can set. Without the destinations a quorum of them means nothing. */
function removeMonitor(with_quorum: bool): void {
  removeOption(Option.MONITOR);
  removeOption(Option.REKEY);
  removeOption(Option.OPTIMIZED);
  removeOption(Option.SOURCE_IP);
  removeOption(Option.SOURCE_INTERFACE);
  removeOption(Option.DESTINATION_IP);
  if (with_quorum) removeOption(Option.QUORUM);
}

/** The words from `i` on are options, each but those that are on with its value. */
function setOptions(section: Section, i: i32): void {
  while (i < wordCount()) {
    const option = optionMeant(section, i);
    if (isFlag(option)) {
      setOption(option, ON, 1, i);
    } else {
      i++;
      setOption(option, word(i), wordLength(i), i);
    }
    i++;
  }
}

/** The option that the word is the name of, with hyphens as ScreenOS writes it. */
function optionMeant(section: Section, i: i32): Option {
  for (let option: i32 = 0; option < Option.COUNT; option++) {
    if (belongs(option, section) && means(i, optionName(option))) return option;
  }
  // The grammar has no other words there.
  assert(false);
  return Option.COUNT;
}

/** Puts the changed text into force; with a mistake in it all stays as it was. */
function apply(): void {
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
  const path = loadedPath();
  const len = draftLength();
  if (readConfig(nameBytes(path), nameLength(path), draftRoom(), len) > 0) return refuse();
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
function refuse(): void {
  for (let i = 0; i < min(mistakeCount(), MAX_CONFIG_ERRORS); i++) {
    const wrong = wordOfMistake(mistakeLineNumber(i), textOf(i), textLength(i), NAME);
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
