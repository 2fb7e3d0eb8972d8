/**
 * Reads a configuration file into a staging area. Only when it holds no mistake
 * does its owner take it over: a bad file changes nothing.
 */
import { equalText } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { MAX_CONFIG_BYTES } from "../limits";
import { forgetNames, indexNames } from "./by_name";
import { checkRoutes } from "./check_routes";
import { checkTunnels } from "./check_tunnels";
import { checkChildren } from "./check_vpns";
import { forgetOptions, noteOption, noteUnknown, optionLine } from "./given";
import { setGlobalOption } from "./global_section";
import { beginGlobal, beginListed, forgetHeads, sectionsOf } from "./head";
import { endMistake, mistake, mistakeCount, quoted, resetMistakes } from "./mistakes";
import { VpnConfig } from "./model";
import { resembles } from "./nearest";
import {
  findOption,
  mayRepeat,
  Option,
  optionExample,
  optionName,
  Section,
  sectionName,
  writeKnownOptions,
} from "./option";
import { checkNhtb, checkRoute, setNhtbOption, setRouteOption } from "./route_section";
import { clearStaged, settleVpns, stagedGlobal } from "./staged";
import { NhtbConfig, RouteConfig, TunnelConfig } from "./tunnel_model";
import { checkTunnel, setTunnelOption } from "./tunnel_section";
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
import { checkVpn, setVpnOption } from "./vpn_section";

let section: Section = Section.NONE;
let section_line: i32 = 0;
/** What the section is read into. */
let record: usize = 0;

/**
 * Reads the content of the file `path`. Answers the number of mistakes
 * (mistakes.ts has their lines); 0: staged.ts has the configuration.
 */
export function readConfig(path: usize, path_len: i32, text: usize, len: i32): i32 {
  resetMistakes(path, path_len);
  clearStaged();
  section = Section.NONE;
  forgetHeads();
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
  settleVpns();
  checkAcross();
  return mistakeCount();
}

/** What only the whole file can tell. */
function checkAcross(): void {
  indexNames();
  checkChildren();
  checkTunnels();
  checkRoutes();
  forgetNames();
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
  const kind = findSection(type, type_len);
  if (kind == Section.UNKNOWN) return unknownType(type, type_len);
  section = kind;
  if (kind == Section.GLOBAL) beginGlobal();
  else record = beginListed(kind);
}

function findSection(p: usize, len: i32): Section {
  for (let i: i32 = Section.GLOBAL; i < Section.UNKNOWN; i++) {
    if (equalText(p, len, sectionName(i))) return i;
  }
  return Section.UNKNOWN;
}

function unknownType(p: usize, len: i32): void {
  const w = quoted(mistake(section_line).text("unknown section type "), p, len).text("; ");
  for (let i: i32 = Section.GLOBAL; i < Section.UNKNOWN; i++) {
    if (!resembles(p, len, sectionName(i))) continue;
    w.text("did you mean '").text(sectionName(i)).text("'?");
    return endMistake();
  }
  w.text("there are config vpnmonitor 'global', config vpn 'NAME', config tunnel 'INTERFACE', ");
  w.text("config route and config nhtb");
  endMistake();
}

function endSection(): void {
  switch (section) {
    case Section.VPN:
      checkVpn(changetype<VpnConfig>(record), section_line);
      break;
    case Section.TUNNEL:
      checkTunnel(changetype<TunnelConfig>(record));
      break;
    case Section.ROUTE:
      checkRoute(changetype<RouteConfig>(record), section_line);
      break;
    case Section.NHTB:
      checkNhtb(section_line);
      break;
  }
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
    w.text(section == Section.GLOBAL ? " of " : " of a ")
      .text(sectionName(section))
      .text("; ");
    writeKnownOptions(w, section, word(1), wordLength(1));
    noteUnknown(word(1), wordLength(1));
    return endMistake();
  }
  if (wordCount() != 3) return badWordCount(option, list);
  if (list && !mayRepeat(option)) {
    writeExample(mistake(line).text(optionName(option)).text(" is no list; write "), false, option);
    return endMistake();
  }
  if (!list && optionLine(option) > 0) {
    const w = mistake(line)
      .text(optionName(option))
      .text(" stands twice, first in line ")
      .decimal(optionLine(option));
    if (mayRepeat(option)) {
      writeExample(w.text("; for several write, for each, "), true, option);
    } else {
      w.text("; keep one of them");
    }
    return endMistake();
  }
  setOption(option, line);
}

function setOption(option: Option, line: i32): void {
  noteOption(option, line);
  if (section == Section.GLOBAL) return setGlobalOption(stagedGlobal(), option);
  sectionsOf(section).noteLine(record, option, line);
  switch (section) {
    case Section.VPN:
      return setVpnOption(changetype<VpnConfig>(record), option);
    case Section.TUNNEL:
      return setTunnelOption(changetype<TunnelConfig>(record), option);
    case Section.ROUTE:
      return setRouteOption(changetype<RouteConfig>(record), option);
    default:
      setNhtbOption(changetype<NhtbConfig>(record), option);
  }
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
