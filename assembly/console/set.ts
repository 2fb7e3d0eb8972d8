/** `set` and `unset`: change the text of the configuration, and have it read as a file would be. */
import { beginChange, removeOption, removeSection, setOption } from "../config/change";
import { Option, Section } from "../config/option";
import { failAt } from "./caret";
import { commitChange } from "./commit";
import { find, given, means, word, wordCount, wordLength } from "./line";
import { optionMeant, setOptions } from "./option_words";
import { isConfigured, quoted } from "./parameter";
import { beginError } from "./reply";

/** Where the VPN's name stands in the line, and behind it what is set. */
const NAME: i32 = 2;
const FIRST: i32 = 3;

/** `set vpn VPN OPTION ...` */
export function setVpn(): void {
  if (!given("gateway") && !isConfigured(word(NAME), wordLength(NAME))) return noSuchVpn();
  beginVpn();
  // The monitor is set as a whole: what the line does not name is no more.
  if (means(FIRST, "monitor")) removeMonitor(false);
  if (means(FIRST, "bind")) bind();
  else setOptions(Section.VPN, FIRST);
  commitChange(NAME);
}

/** `unset vpn NAME [OPTION]` */
export function unsetVpn(): void {
  beginVpn();
  if (wordCount() == FIRST) removeSection();
  else if (means(FIRST, "monitor")) removeMonitor(true);
  else if (means(FIRST, "bind")) unbind();
  else removeOption(optionMeant(Section.VPN, FIRST));
  commitChange(NAME);
}

/** `set vpnmonitor OPTION ...` */
export function setVpnmonitor(): void {
  beginChange(Section.GLOBAL, 0, 0);
  setOptions(Section.GLOBAL, NAME);
  commitChange(NAME);
}

/** `unset vpnmonitor OPTION` */
export function unsetVpnmonitor(): void {
  beginChange(Section.GLOBAL, 0, 0);
  removeOption(optionMeant(Section.GLOBAL, NAME));
  commitChange(NAME);
}

function beginVpn(): void {
  beginChange(Section.VPN, word(NAME), wordLength(NAME));
}

function noSuchVpn(): void {
  const w = quoted(beginError().text("there is no VPN "), word(NAME), wordLength(NAME));
  failAt(NAME, w.text("; set vpn NAME gateway GW makes one"));
}

/** `bind interface TUNNEL` */
function bind(): void {
  const i = find("TUNNEL");
  setOption(Option.TUNNEL, word(i), wordLength(i), i);
}

/** What the peer may announce means nothing without the interface. */
function unbind(): void {
  removeOption(Option.TUNNEL);
  removeOption(Option.NHTB_ACCEPT);
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
