/**
 * Reads a configuration file into a staging area. Only when it holds no mistake
 * does its owner take it over: a bad file changes nothing.
 */
import { equalText, setName } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { MAX_CONFIG_BYTES, MAX_NAME_BYTES, MAX_VPNS } from "../limits";
import { endMistake, mistake, mistakeCount, quoted, resetMistakes } from "./mistakes";
import { VpnConfig } from "./model";
import { resembles } from "./nearest";
import {
  findOption,
  Option,
  optionExample,
  optionName,
  Section,
  writeKnownOptions,
} from "./option";
import {
  checkVpn,
  forgetOptions,
  noteUnknown,
  optionLine,
  setGlobalOption,
  setVpnOption,
} from "./section";
import { addStaged, checkStaged, clearStaged, scratchVpn, stagedGlobal } from "./staged";
import {
  nextStatement,
  openUci,
  statementLine,
  statementSyntax,
  Syntax,
  word,
  wordCount,
  wordLength,
} from "./uci";
import { isVpnName } from "./value";

let section: Section = Section.NONE;
let section_line: i32 = 0;
let global_line: i32 = 0;
/** Whether it has been said that there are too many VPNs. */
let too_many: bool = false;
/** What a section `vpn` is read into. */
let vpn: VpnConfig = scratchVpn();

/**
 * Reads the content of the file `path`. Answers the number of mistakes
 * (mistakes.ts has their lines); 0: staged.ts has the configuration.
 */
export function readConfig(path: usize, path_len: i32, text: usize, len: i32): i32 {
  resetMistakes(path, path_len);
  clearStaged();
  section = Section.NONE;
  global_line = 0;
  too_many = false;
  if (len > MAX_CONFIG_BYTES) {
    mistake(0)
      .text("the file has ")
      .decimal(len)
      .text(" bytes; at most ")
      .decimal(MAX_CONFIG_BYTES)
      .text(" are read");
    endMistake();
    return 1;
  }
  openUci(text, len);
  while (nextStatement()) readStatement();
  endSection();
  checkStaged();
  return mistakeCount();
}

function readStatement(): void {
  if (statementSyntax() != Syntax.GOOD) return badSyntax();
  const p = word(0);
  const len = wordLength(0);
  if (equalText(p, len, "config")) beginSection();
  else if (equalText(p, len, "option")) readOption(false);
  else if (equalText(p, len, "list")) readOption(true);
  else if (!equalText(p, len, "package")) {
    // `uci export` begins its output with `package NAME`.
    const w = quoted(mistake(statementLine()).text("a line cannot begin with "), p, len).text("; ");
    if (resembles(p, len, "config")) w.text("did you mean 'config'?");
    else if (resembles(p, len, "option")) w.text("did you mean 'option'?");
    else if (resembles(p, len, "list")) w.text("did you mean 'list'?");
    else w.text("it begins with config, option, list or #");
    endMistake();
  }
}

function badSyntax(): void {
  const w = mistake(statementLine());
  switch (statementSyntax()) {
    case Syntax.OPEN_QUOTE:
      w.text(
        "a quote is not closed; a value ends with the quote with which it began, on the same line",
      );
      break;
    case Syntax.LONG_WORD:
      w.text("a value is longer than 255 bytes; is a quote missing?");
      break;
    default:
      w.text("there is a control character in a value; the file must be plain text");
  }
  endMistake();
}

/** `config TYPE 'NAME'` */
function beginSection(): void {
  endSection();
  section = Section.UNKNOWN;
  section_line = statementLine();
  forgetOptions();
  const type = word(1);
  const type_len = wordCount() > 1 ? wordLength(1) : 0;
  if (equalText(type, type_len, "vpn")) beginVpn();
  else if (equalText(type, type_len, "vpnmonitor")) beginGlobal();
  else {
    const w = quoted(mistake(section_line).text("unknown section type "), type, type_len).text(
      "; ",
    );
    if (resembles(type, type_len, "vpnmonitor")) w.text("did you mean 'vpnmonitor'?");
    else if (resembles(type, type_len, "vpn")) w.text("did you mean 'vpn'?");
    else w.text("there are config vpnmonitor 'global' and config vpn 'NAME'");
    endMistake();
  }
}

function beginGlobal(): void {
  section = Section.GLOBAL;
  if (wordCount() != 3 || !equalText(word(2), wordLength(2), "global")) {
    mistake(section_line).text("this section has one name only; write config vpnmonitor 'global'");
    endMistake();
  } else if (global_line > 0) {
    mistake(section_line)
      .text("section vpnmonitor 'global' stands twice, first in line ")
      .decimal(global_line)
      .text("; put all its options into one");
    endMistake();
  }
  global_line = section_line;
}

function beginVpn(): void {
  section = Section.VPN;
  vpn = scratchVpn();
  if (wordCount() != 3 || wordLength(2) == 0) {
    mistake(section_line).text(
      wordCount() > 3
        ? "too many words; write config vpn 'NAME'"
        : "the VPN has no name; write config vpn 'NAME'",
    );
    return endMistake();
  }
  const p = word(2);
  const len = wordLength(2);
  if (len > MAX_NAME_BYTES) {
    quoted(mistake(section_line).text("the VPN's name "), p, len)
      .text(" has ")
      .decimal(len)
      .text(" bytes; at most ")
      .decimal(MAX_NAME_BYTES)
      .text(" are possible");
    return endMistake();
  }
  if (!isVpnName(p, len)) {
    quoted(mistake(section_line).text("the VPN's name "), p, len)
      .text(" is not possible; it takes letters, digits and signs such as - _ . ")
      .text("but no space, quote or backslash");
    return endMistake();
  }
  const staged = addStaged(section_line);
  if (staged == null) {
    if (too_many) return;
    too_many = true;
    mistake(section_line).text("too many VPNs; at most ").decimal(MAX_VPNS).text(" are possible");
    return endMistake();
  }
  vpn = staged;
  setName(vpn.name, MAX_NAME_BYTES, p, len);
}

function endSection(): void {
  if (section == Section.VPN) checkVpn(vpn, section_line);
  section = Section.NONE;
}

/** `option NAME 'VALUE'` or `list NAME 'VALUE'` */
function readOption(list: bool): void {
  if (section == Section.UNKNOWN) return;
  const line = statementLine();
  if (section == Section.NONE) {
    mistake(line).text("an option stands before any section; write config vpn 'NAME' above it");
    return endMistake();
  }
  if (wordCount() < 2) {
    mistake(line).text("the option has no name; write option NAME 'VALUE'");
    return endMistake();
  }
  const option = findOption(section, word(1), wordLength(1));
  if (option == Option.COUNT) {
    const w = quoted(mistake(line).text("unknown option "), word(1), wordLength(1));
    w.text(section == Section.VPN ? " of a vpn; " : " of vpnmonitor; ");
    writeKnownOptions(w, section, word(1), wordLength(1));
    noteUnknown(word(1), wordLength(1));
    return endMistake();
  }
  if (wordCount() != 3) return badWordCount(option, list);
  if (list && option != Option.DESTINATION_IP) {
    writeExample(mistake(line).text(optionName(option)).text(" is no list; write "), false, option);
    return endMistake();
  }
  if (!list && optionLine(option) > 0) {
    const w = mistake(line)
      .text(optionName(option))
      .text(" stands twice, first in line ")
      .decimal(optionLine(option));
    if (option == Option.DESTINATION_IP) {
      writeExample(w.text("; for several write, for each, "), true, option);
    } else {
      w.text("; keep one of them");
    }
    return endMistake();
  }
  if (section == Section.GLOBAL) setGlobalOption(stagedGlobal(), option);
  else setVpnOption(vpn, option);
}

function badWordCount(option: Option, list: bool): void {
  const w = mistake(statementLine()).text(optionName(option));
  w.text(wordCount() < 3 ? " has no value" : " has more than one value, or one without quotes");
  writeExample(w.text("; write "), list, option);
  endMistake();
}

function writeExample(w: Writer, list: bool, option: Option): void {
  w.text(list ? "list " : "option ").text(optionName(option));
  w.text(" '").text(optionExample(option)).u8(0x27);
}
