/**
 * What of a vici message is compared: what the engine reads of it. SPIs, times and counters are
 * reduced to whether they are there; a `uniqueid` stands in braces until `number` knows in which
 * order the SAs appeared.
 */
import type { Section, Value } from "../../host/node/sim/model/vici.ts";

/** How much of an SA is told. */
export type Detail =
  /** As in an event, which is a hint only: which SA, and its state. */
  | "hint"
  /** As in a list: all fields that the engine reads. */
  | "list"
  /** With the counters: in a calm they are as certain as the rest. */
  | "calm";

/** Before what belongs to the line above. */
export const INDENT = "\n    ";

const text = (value: Value | undefined): string => (typeof value === "string" ? value : "");
const section = (value: Value | undefined): Section =>
  typeof value === "object" && !Array.isArray(value) ? value : {};
const list = (value: Value | undefined): string[] => (Array.isArray(value) ? value : []);

/** The tasks that make the engine wait (assembly/ike/strongswan/list_sas.ts). */
const CHILD_TASKS = ["CHILD_CREATE", "CHILD_REKEY", "QUICK_MODE"];
const UNANSWERED_SPI = "0000000000000000";

/** `life-time` in a minute, or a second ago, or not at all. */
function sign(of: Section, key: string): string {
  const value = of[key];
  if (value === undefined) return "";
  return ` ${key}${Number(value) < 0 ? "<0" : ""}`;
}

function counter(of: Section, key: string): string {
  return ` ${key}${Number(of[key]) > 0 ? ">0" : "=0"}`;
}

function verbatim(of: Section, ...keys: string[]): string {
  return keys.map((key) => ` ${text(of[key]) || "-"}`).join("");
}

const ALGORITHMS = ["encr-alg", "encr-keysize", "integ-alg"];

/** An IKE_SA without its CHILD_SAs. */
export function ikeText(name: string, ike: Section, generation: number, detail: Detail): string {
  const role = ike["initiator"] === "yes" ? "initiator" : "responder";
  const answered = ike["responder-spi"] === UNANSWERED_SPI ? "unanswered" : "answered";
  const head = `${name} {ike ${generation}.${text(ike["uniqueid"])}} ${text(ike["state"])} ${role}`;
  if (detail === "hint") return head;
  const tasks = [...list(ike["tasks-active"]), ...list(ike["tasks-queued"])];
  const busy = tasks.some((task) => CHILD_TASKS.includes(task)) ? " at-a-child" : "";
  const hosts = verbatim(ike, "version", "local-host", "remote-host", "remote-port");
  const times = sign(ike, "established") + sign(ike, "rekey-time") + sign(ike, "reauth-time");
  return `${head} ${answered}${hosts}${verbatim(ike, ...ALGORITHMS, "prf-alg")}${times}${busy}`;
}

function childText(child: Section, generation: number, detail: Detail): string {
  const id = `{child ${generation}.${text(child["uniqueid"])}}`;
  const head = `${text(child["name"])} ${id} ${text(child["state"])}`;
  if (detail === "hint") return head;
  const spis = ["spi-in", "spi-out"].map((key) => sign(child, key)).join("");
  const times = sign(child, "install-time") + sign(child, "rekey-time") + sign(child, "life-time");
  const counters =
    detail === "calm" && child["state"] === "INSTALLED"
      ? counter(child, "packets-in") + counter(child, "packets-out")
      : sign(child, "packets-in") + sign(child, "packets-out");
  const selectors = `${list(child["local-ts"]).join()} === ${list(child["remote-ts"]).join()}`;
  const algorithm = verbatim(child, "protocol", ...ALGORITHMS);
  return `${head}${spis}${algorithm}${times}${counters} ${selectors}`;
}

/** The CHILD_SAs in any section: each is one that has a state, `old` and `new` ones likewise. */
function childTexts(of: Section, generation: number, detail: Detail, label = ""): string[] {
  return Object.entries(of).flatMap(([key, value]) => {
    const child = section(value);
    if (typeof child["state"] === "string") return [label + childText(child, generation, detail)];
    return Object.entries(child).flatMap(([role, inner]) =>
      childTexts({ [key]: inner }, generation, detail, `${role} `),
    );
  });
}

/** An IKE_SA with its CHILD_SAs, as a `list-sa` or an event has it. */
export function saText(name: string, ike: Section, generation: number, detail: Detail): string {
  const children = childTexts(section(ike["child-sas"]), generation, detail);
  return [ikeText(name, ike, generation, detail), ...children].join(INDENT);
}

/** An event about an IKE_SA; of a rekeyed one the old and the new are told. */
export function eventText(event: string, message: Section, generation: number): string {
  const up = message["up"] === "yes" ? " up" : "";
  const sas = Object.entries(message).flatMap(([name, value]) => {
    const ike = section(value);
    if (value !== ike) return [];
    if (ike["old"] === undefined) return [saText(name, ike, generation, "hint")];
    return ["old", "new"].map((role) =>
      saText(`${role} ${name}`, section(ike[role]), generation, "hint"),
    );
  });
  return `* ${event}${up} ${sas.join(INDENT)}`;
}

/** A connection, as `list-conn` has it. */
export function connectionText(message: Section): string {
  return Object.entries(message)
    .map(([name, value]) => {
      const conn = section(value);
      const addresses = `${list(conn["local_addrs"]).join()} ${list(conn["remote_addrs"]).join()}`;
      const head = `${name} ${text(conn["version"])} ${addresses}${sign(conn, "dpd_delay")}`;
      const children = Object.entries(section(conn["children"])).map(([child, of]) => {
        const { mode, "local-ts": local, "remote-ts": remote } = section(of);
        return `${child} ${text(mode)} ${list(local).join()} === ${list(remote).join()}`;
      });
      return [head, ...children].join(INDENT);
    })
    .join("\n  ");
}

const IDS: Record<string, string> = { "ike-id": "ike", "child-id": "child" };

/** What rekeyd asks, with everything that stands in it. */
export function requestText(command: string, message: Section, generation: number): string {
  const fields = Object.entries(message).map(([key, value]) => {
    const kind = IDS[key];
    return kind === undefined ? `${key}=${text(value)}` : `{${kind} ${generation}.${text(value)}}`;
  });
  return ["> " + command, ...fields].join(" ");
}

/** How charon answered: what else it says (`matches`, `terminated`) the engine does not read. */
export function answerText(message: Section): string {
  const { success, errmsg } = message;
  return `< success=${text(success) || "-"}${errmsg === undefined ? "" : ` ${text(errmsg)}`}`;
}
