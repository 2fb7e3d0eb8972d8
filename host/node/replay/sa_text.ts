/** SAs and connections in words, from the sections of vici's messages. */
import { sectionIn, sectionsIn, textIn, type Section } from "./vici_message.ts";

/** Something in a list. */
export interface Item {
  what: string;
  state: string;
  /** Told once, when it is new. */
  more: string;
}

/** An event that charon sent. */
export function eventText(name: string, message: Section): string {
  const up = textIn(message, "up") === "yes" ? "up" : "down";
  const texts = sectionsIn(message).map(([connection, ike]) => {
    switch (name) {
      case "ike-updown":
        return `${ikeText(connection, ike)}${peer(ike)} is ${up}`;
      case "child-updown":
        return childrenOf(ike)
          .map((child) => `${childText(connection, child)}${spis(child)} is ${up}`)
          .join("; ");
      case "ike-rekey":
        return replaced(ike, (sa) => ikeText(connection, sa));
      case "child-rekey":
        return childrenOf(ike)
          .map((pair) => replaced(pair, (sa) => childText(connection, sa) + spis(sa)))
          .join("; ");
      default:
        return connection;
    }
  });
  const values = [...message].filter(
    ([key, value]) => typeof value === "string" && !(key === "up" && texts.length > 0),
  );
  const rest = values.map(([key, value]) => `${key} ${String(value)}`);
  return `${name}: ${[...texts, ...rest].filter(Boolean).join("; ")}`;
}

/** An SA and the one in its place. */
function replaced(pair: Section, text: (sa: Section) => string): string {
  const [old, fresh] = [sectionIn(pair, "old"), sectionIn(pair, "new")];
  if (fresh.size === 0) return text(pair);
  return `${text(fresh)} in place of #${textIn(old, "uniqueid")}`;
}

/** The CHILD_SAs of an IKE_SA; of a rekeying, pairs of them. */
export function childrenOf(ike: Section): Section[] {
  return sectionsIn(sectionIn(ike, "child-sas")).map(([, child]) => child);
}

function ikeText(connection: string, ike: Section): string {
  return `IKE_SA ${connection} #${textIn(ike, "uniqueid")}`;
}

function peer(ike: Section): string {
  const address = textIn(ike, "remote-host");
  return address === "" ? "" : ` with ${address}`;
}

function childText(connection: string, child: Section): string {
  return `CHILD_SA ${connection}/${textIn(child, "name")} #${textIn(child, "uniqueid")}`;
}

function spis(child: Section): string {
  const spi_in = textIn(child, "spi-in");
  return spi_in === "" ? "" : ` (SPI ${spi_in} in, ${textIn(child, "spi-out")} out)`;
}

/** An IKE_SA in a list, and its CHILD_SAs. */
export function listedSa(connection: string, ike: Section): Item[] {
  const item = { what: ikeText(connection, ike), state: textIn(ike, "state"), more: peer(ike) };
  const children = childrenOf(ike).map((child) => {
    return { what: childText(connection, child), state: textIn(child, "state"), more: spis(child) };
  });
  return [item, ...children];
}

/** A connection in a list. */
export function listedConnection(name: string, connection: Section): Item[] {
  const children = sectionsIn(sectionIn(connection, "children")).map(([child]) => child);
  const what = `connection ${name} with ${children.join(", ") || "no children"}`;
  return [{ what, state: "", more: "" }];
}
