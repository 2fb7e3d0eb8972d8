/** `get interface TUNNEL [nhtb]`: one tunnel interface, and its next-hop tunnel binding table. */
import { writeAddress } from "../bytes/address";
import {
  beginList,
  beginObject,
  beginText,
  boolValue,
  endList,
  endObject,
  hexValue,
  key,
  nameValue,
  nullValue,
  numberValue,
  textValue,
} from "../bytes/json";
import { Writer } from "../bytes/writer";
import { TunnelConfig, WITHDRAW } from "../config/tunnel_model";
import { nextHopAt, nextHopCount } from "../route/nhtb";
import { Tunnel, tunnelAt, TunnelState } from "../route/tunnel";
import { Note, tunnelId, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { leftCell, newCell } from "./cell";

const NEXT_HOP_COLUMNS: i32 = 16;

/** All about it. */
export function getTunnel(w: Writer, index: i32): void {
  const tunnel = tunnelAt(index);
  const config = tunnel.config;
  w.text("Interface ").name(config.name).text(": ").text(tunnelStateWord(tunnel.state)).u8(0x0a);
  writeMode(row(w, "Mode"), config);
  writeLink(row(w, "Link"), tunnel);
  row(w, "MTU");
  writeMtu(w, tunnel);
  for (let i = 0; i < config.address_count; i++) {
    writeAddress(row(w, i == 0 ? "Address" : ""), config.address(i));
    w.u8(0x2f).decimal(config.address_prefix(i)).u8(0x0a);
  }
  row(w, "When down").text("routes ");
  if (config.down_metric == WITHDRAW) w.text("are withdrawn\n");
  else w.text("have metric ").decimal(config.down_metric).u8(0x0a);
  writeVpns(w, index);
  w.text("  Next-Hop Tunnel Binding table\n");
  writeNextHops(w, index, "  ");
}

/** A line's name, in a column of its own. */
function row(w: Writer, name: string): Writer {
  newCell().text(name);
  return leftCell(w.text("  "), 14);
}

/** A TunnelState as the console has it: ScreenOS writes `link ready`. */
export function tunnelStateWord(state: i32): string {
  if (state == TunnelState.UP) return "up";
  return state == TunnelState.DOWN ? "down" : "ready";
}

function writeMode(w: Writer, config: TunnelConfig): void {
  if (config.if_id == 0) w.text("external, for several VPNs");
  else w.text("if_id ").decimal(config.if_id).text(", for one VPN");
  w.text(config.create ? "; made by rekeyd\n" : "; made by others\n");
}

/** What the kernel shows. */
function writeLink(w: Writer, tunnel: Tunnel): void {
  if (tunnel.ifindex != 0) {
    w.text(tunnel.up ? "up" : "not up")
      .text(", number ")
      .decimal(tunnel.ifindex)
      .u8(0x0a);
  } else if (tunnel.named_index != 0) {
    w.text("another interface has the name, or it has another if_id\n");
  } else {
    w.text("not there\n");
  }
}

function writeMtu(w: Writer, tunnel: Tunnel): void {
  if (tunnel.ifindex == 0) w.u8(0x2d);
  else w.decimal(tunnel.mtu);
  if (tunnel.config.mtu > 0) w.text(", configured ").decimal(tunnel.config.mtu);
  w.u8(0x0a);
}

function writeVpns(w: Writer, index: i32): void {
  let found = 0;
  for (let i = 0; i < vpnCount() && !w.truncated; i++) {
    const vpn = vpnAt(i);
    if (!isBound(vpn, index)) continue;
    row(w, found++ == 0 ? "Bound VPN" : "").name(vpn.config.name);
    w.text(", ").text(tunnelStateWord(vpn.tunnel_state));
    if (vpn.if_id != 0) w.text(", if_id ").decimal(vpn.if_id);
    w.u8(0x0a);
  }
  if (found == 0) row(w, "Bound VPN").text("none\n");
}

function isBound(vpn: Vpn, index: i32): bool {
  return vpn.noted(Note.USED) && vpn.tunnel == index;
}

/** The table alone. */
export function getNhtb(w: Writer, index: i32): void {
  w.text("Next-Hop Tunnel Binding table of ").name(tunnelAt(index).config.name).u8(0x0a);
  writeNextHops(w, index, "");
}

/** ScreenOS's columns: S static, A automatic; U the next hop can be sent to, D it cannot. */
function writeNextHops(w: Writer, index: i32, indent: string): void {
  newCell().text("Next-Hop(IP)");
  leftCell(w.text(indent).text("Flag Status "), NEXT_HOP_COLUMNS).text(" tunnel-id  VPN\n");
  for (let i = 0; i < nextHopCount() && !w.truncated; i++) {
    const entry = nextHopAt(i);
    if (!entry.used || entry.tunnel != index) continue;
    w.text(indent).text(entry.automatic ? "A    " : "S    ");
    w.text(entry.usable ? "U      " : "D      ");
    writeAddress(newCell(), entry.next_hop);
    leftCell(w, NEXT_HOP_COLUMNS).text(" 0x").hex(tunnelId(entry.vpn)).u8(0x20);
    w.name(vpnAt(entry.vpn).config.name).u8(0x0a);
  }
}

/** The interface as JSON. */
export function getTunnelJson(w: Writer, index: i32): void {
  const tunnel = tunnelAt(index);
  const config = tunnel.config;
  nameValue(key(beginObject(w), "name"), config.name);
  textValue(key(w, "state"), tunnelStateWord(tunnel.state));
  key(w, "if_id");
  if (config.if_id == 0) nullValue(w);
  else numberValue(w, config.if_id);
  boolValue(key(w, "create"), config.create);
  key(w, "ifindex");
  if (tunnel.ifindex == 0) nullValue(w);
  else numberValue(w, tunnel.ifindex);
  boolValue(key(w, "up"), tunnel.ifindex != 0 && tunnel.up);
  key(w, "mtu");
  if (tunnel.ifindex == 0) nullValue(w);
  else numberValue(w, tunnel.mtu);
  beginList(key(w, "addresses"));
  for (let i = 0; i < config.address_count; i++) {
    writeAddress(beginText(w), config.address(i));
    w.u8(0x2f).decimal(config.address_prefix(i)).u8(0x22);
  }
  endList(w);
  key(w, "down_metric");
  if (config.down_metric == WITHDRAW) nullValue(w);
  else numberValue(w, config.down_metric);
  beginList(key(w, "vpns"));
  for (let i = 0; i < vpnCount() && !w.truncated; i++) {
    if (isBound(vpnAt(i), index)) boundJson(w, vpnAt(i));
  }
  endList(w);
  nextHopsJson(w, index);
  endObject(w);
}

function boundJson(w: Writer, vpn: Vpn): void {
  nameValue(key(beginObject(w), "name"), vpn.config.name);
  textValue(key(w, "state"), tunnelStateWord(vpn.tunnel_state));
  key(w, "if_id");
  if (vpn.if_id == 0) nullValue(w);
  else numberValue(w, vpn.if_id);
  endObject(w);
}

/** The table alone as JSON. */
export function getNhtbJson(w: Writer, index: i32): void {
  nameValue(key(beginObject(w), "interface"), tunnelAt(index).config.name);
  nextHopsJson(w, index);
  endObject(w);
}

function nextHopsJson(w: Writer, index: i32): void {
  beginList(key(w, "nhtb"));
  for (let i = 0; i < nextHopCount() && !w.truncated; i++) {
    const entry = nextHopAt(i);
    if (!entry.used || entry.tunnel != index) continue;
    writeAddress(beginText(key(beginObject(w), "next_hop")), entry.next_hop).u8(0x22);
    textValue(key(w, "flag"), entry.automatic ? "A" : "S");
    boolValue(key(w, "usable"), entry.usable);
    hexValue(key(w, "tunnel_id"), tunnelId(entry.vpn));
    nameValue(key(w, "vpn"), vpnAt(entry.vpn).config.name);
    endObject(w);
  }
  endList(w);
}
