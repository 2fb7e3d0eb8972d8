/** The head of a section, `config TYPE 'NAME'`: what its options are read into. */
import { equalText, setName } from "../bytes/slice";
import {
  MAX_INTERFACE_BYTES,
  MAX_NAME_BYTES,
  MAX_NHTB,
  MAX_ROUTES,
  MAX_TUNNELS,
  MAX_VPNS,
} from "../limits";
import { endMistake, mistake, quoted } from "./mistakes";
import { Section, sectionName } from "./option";
import { Sections } from "./sections";
import { nhtb, routes, tunnels, vpns } from "./staged";
import { statementLine, word, wordCount, wordLength } from "./uci";
import { isInterfaceName, isVpnName } from "./value";

let global_line: i32 = 0;
/** For each type, whether it has been said that there are too many sections: a bit. */
let too_many: u32 = 0;

/** Whether some section of a type has a mistake in its head: likewise. */
let wrong_heads: u32 = 0;

/** Begins a new file. */
export function forgetHeads(): void {
  global_line = 0;
  wrong_heads = 0;
  too_many = 0;
}

/** The sections of this type; there is one `vpnmonitor` only. */
export function sectionsOf(section: Section): Sections {
  switch (section) {
    case Section.TUNNEL:
      return tunnels;
    case Section.ROUTE:
      return routes;
    case Section.NHTB:
      return nhtb;
    default:
      return vpns;
  }
}

/**
 * Begins a section of any other type. Answers what its options are read into; with a mistake in the
 * head that is no part of the configuration.
 */
export function beginListed(section: Section): usize {
  const sections = sectionsOf(section);
  const line = statementLine();
  const is_named = section == Section.VPN || section == Section.TUNNEL;
  const is_good = is_named ? checkName(section) : checkAnonymous(section);
  const record = is_good ? sections.add(line) : 0;
  if (is_good && record == 0) sayTooMany(section);
  if (record == 0) {
    wrong_heads |= 1 << section;
    return sections.scratch(line);
  }
  // The name is the first field of both.
  if (is_named) setName(record, maxNameBytes(section), word(2), wordLength(2));
  return record;
}

/** Whether a section of this type is missing because its head has a mistake. */
export function hasWrongHead(section: Section): bool {
  return (wrong_heads & (1 << section)) != 0;
}

/** Begins `config vpnmonitor 'global'`. */
export function beginGlobal(): void {
  const line = statementLine();
  if (wordCount() != 3 || !equalText(word(2), wordLength(2), "global")) {
    mistake(line).text("this section has one name only; write config vpnmonitor 'global'");
    endMistake();
  } else if (global_line > 0) {
    mistake(line)
      .text("section vpnmonitor 'global' stands twice, first in line ")
      .decimal(global_line)
      .text("; put all its options into one");
    endMistake();
  }
  global_line = line;
}

/** Whether the head has one name, and one that is possible. */
function checkName(section: Section): bool {
  const line = statementLine();
  const p = word(2);
  const len = wordCount() < 3 ? 0 : wordLength(2);
  const max_len = maxNameBytes(section);
  if (len == 0 || wordCount() > 3) {
    const w = mistake(line);
    if (wordCount() > 3) w.text("too many words");
    else w.text("the ").text(subject(section)).text(" has no name");
    w.text(
      section == Section.VPN ? "; write config vpn 'NAME'" : "; write config tunnel 'tunnel.1'",
    );
  } else if (len > max_len) {
    quoted(mistake(line).text("the ").text(subject(section)).text("'s name "), p, len)
      .text(" has ")
      .decimal(len)
      .text(" bytes; at most ")
      .decimal(max_len)
      .text(" are possible");
  } else if (!isVpnName(p, len)) {
    quoted(mistake(line).text("the ").text(subject(section)).text("'s name "), p, len)
      .text(" is not possible; it takes letters, digits and signs such as - _ . ")
      .text("but no space, quote or backslash");
  } else if (section == Section.TUNNEL && !isInterfaceName(p, len)) {
    quoted(mistake(line).text("the tunnel interface's name "), p, len).text(
      " is not possible; Linux has no interface . or .. and none with / or : in its name",
    );
  } else {
    return true;
  }
  endMistake();
  return false;
}

/** Such a section is found by what it says; it may have a name all the same. */
function checkAnonymous(section: Section): bool {
  if (wordCount() <= 3) return true;
  mistake(statementLine()).text("too many words; write config ").text(sectionName(section));
  endMistake();
  return false;
}

function sayTooMany(section: Section): void {
  if ((too_many & (1 << section)) != 0) return;
  too_many |= 1 << section;
  mistake(statementLine())
    .text("too many ")
    .text(plural(section))
    .text("; at most ")
    .decimal(maxCount(section))
    .text(" are possible");
  endMistake();
}

function maxNameBytes(section: Section): i32 {
  return section == Section.VPN ? MAX_NAME_BYTES : MAX_INTERFACE_BYTES;
}

function subject(section: Section): string {
  return section == Section.VPN ? "VPN" : "tunnel interface";
}

function plural(section: Section): string {
  switch (section) {
    case Section.TUNNEL:
      return "tunnel interfaces";
    case Section.ROUTE:
      return "routes";
    case Section.NHTB:
      return "next hops";
    default:
      return "VPNs";
  }
}

function maxCount(section: Section): i32 {
  switch (section) {
    case Section.TUNNEL:
      return MAX_TUNNELS;
    case Section.ROUTE:
      return MAX_ROUTES;
    case Section.NHTB:
      return MAX_NHTB;
    default:
      return MAX_VPNS;
  }
}
