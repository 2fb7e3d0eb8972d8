/** `get interface`: what a source can be chosen from. */
import { writeAddress } from "../bytes/address";
import {
  beginList,
  beginObject,
  beginText,
  boolValue,
  endList,
  endObject,
  key,
  nameValue,
} from "../bytes/json";
import { Writer } from "../bytes/writer";
import {
  addressAt,
  addressCount,
  interfaceAt,
  interfaceCount,
  isAddressOf,
  isRunning,
  prefixAt,
} from "../netlink/interfaces";
import { MAX_INTERFACE_BYTES } from "../limits";
import { leftCell, newCell, spaces } from "./cell";

const STATE_COLUMNS: i32 = 5;

/** A line for each address of each interface. */
export function getInterfaces(w: Writer): void {
  newCell().text("Name");
  leftCell(w, MAX_INTERFACE_BYTES + 1).text("State Address\n");
  for (let i = 0; i < interfaceCount() && !w.truncated; i++) {
    newCell().name(interfaceAt(i));
    leftCell(w, MAX_INTERFACE_BYTES + 1);
    newCell().text(isRunning(i) ? "up" : "down");
    leftCell(w, STATE_COLUMNS);
    let found = 0;
    for (let j = 0; j < addressCount(); j++) {
      if (!isAddressOf(j, i)) continue;
      if (found++ > 0) spaces(w.u8(0x0a), MAX_INTERFACE_BYTES + 1 + STATE_COLUMNS);
      writeAddress(w.u8(0x20), addressAt(j)).u8(0x2f).decimal(prefixAt(j));
    }
    if (found == 0) w.text(" -");
    w.u8(0x0a);
  }
}

/** The same as JSON. */
export function getInterfacesJson(w: Writer): void {
  beginList(key(beginObject(w), "interfaces"));
  for (let i = 0; i < interfaceCount() && !w.truncated; i++) {
    nameValue(key(beginObject(w), "name"), interfaceAt(i));
    boolValue(key(w, "up"), isRunning(i));
    beginList(key(w, "addresses"));
    for (let j = 0; j < addressCount(); j++) {
      if (!isAddressOf(j, i)) continue;
      writeAddress(beginText(w), addressAt(j)).u8(0x2f).decimal(prefixAt(j)).u8(0x22);
    }
    endList(w);
    endObject(w);
  }
  endObject(endList(w));
}
