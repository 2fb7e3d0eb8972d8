/** VPNs as JSON: the same document for `get sa`, `get vpn` and `get vpn NAME`. */
import { isUnset, writeAddress } from "../bytes/address";
import { nameLength, sameName } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { NEVER, now_ms } from "../clock";
import { VpnConfig, VpnFlag } from "../config/model";
import { eventJson } from "../event/forms";
import { eventAt } from "../event/log";
import { availability, isAnswered, judgedRounds } from "../monitor/samples";
import { tunnelAt } from "../route/tunnel";
import { Gateway, gatewayAt } from "../sa/gateway";
import { Phase1, phase1At } from "../sa/phase1";
import { Phase2, phase2At } from "../sa/phase2";
import { stateWord, tunnelId, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { peerAddress, SaFilter, shown } from "./get_sa";
import { tunnelStateWord } from "./get_tunnel";
import { averageDelay, lastAnswered, oldestShown } from "./get_vpn";
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
  thousandthsValue,
} from "../bytes/json";
import { negotiation, negotiationWord } from "./negotiation";
import { nextAt, writeBriefly } from "./next";
import { childStateWord, ikeStateWord, secondsSince, secondsUntil, sta } from "./sta";

/** All VPNs that the filter lets through. */
export function getVpnsJson(w: Writer, filter: SaFilter, id: u32): void {
  beginDocument(w);
  for (let i = 0; i < vpnCount() && !w.truncated; i++) {
    if (!shown(i, filter, id)) continue;
    beginVpn(w, i);
    endObject(w);
  }
  endDocument(w);
}

/** One VPN, with what is set and its last events. */
export function getVpnJson(w: Writer, index: i32): void {
  const vpn = vpnAt(index);
  beginDocument(w);
  beginVpn(w, index);
  settings(w, vpn.config);
  beginList(key(w, "events"));
  for (let age = oldestShown(vpn); age >= 0; age--) {
    if (sameName(eventAt(age).vpn, vpn.config.name)) eventJson(w, eventAt(age));
  }
  endList(w);
  endObject(w);
  endDocument(w);
}

function beginDocument(w: Writer): void {
  beginList(key(beginObject(w), "vpns"));
}

function endDocument(w: Writer): void {
  endObject(endList(w));
}

function beginVpn(w: Writer, index: i32): void {
  const vpn = vpnAt(index);
  const config = vpn.config;
  beginObject(w);
  nameValue(key(w, "name"), config.name);
  nameValue(key(w, "gateway"), config.gateway);
  nameValue(key(w, "child"), config.child);
  hexValue(key(w, "id"), tunnelId(index));
  binding(w, vpn);
  addressValue(key(w, "peer"), peerAddress(vpn));
  boolValue(key(w, "monitor"), config.has(VpnFlag.MONITOR));
  boolValue(key(w, "rekey"), config.has(VpnFlag.REKEY));
  boolValue(key(w, "optimized"), config.has(VpnFlag.OPTIMIZED));
  textValue(key(w, "sta"), sta(vpn));
  textValue(key(w, "state"), stateWord(vpn));
  targets(w, vpn);
  numberValue(key(w, "interval_ms"), config.interval_ms);
  numberValue(key(w, "threshold"), config.threshold);
  numberValue(key(w, "recover"), config.recover);
  key(w, "quorum");
  if (config.quorum == 0) textValue(w, "all");
  else numberValue(w, config.quorum);
  numberValue(key(w, "size"), config.size);
  counters(w, vpn);
  const gateway = gatewayAt(vpn.gateway);
  textValue(key(w, "negotiation"), negotiationWord(negotiation(index)));
  writeBriefly(beginText(key(w, "next")), index).u8(0x22);
  key(w, "next_ms");
  if (nextAt() == NEVER) nullValue(w);
  else numberValue(w, max<i64>(nextAt() - now_ms, 0));
  ike(w, gateway);
  key(w, "listed_s");
  if (gateway.listed) numberValue(w, secondsSince(gateway.listed_at_ms));
  else nullValue(w);
  beginList(key(w, "sas"));
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    childSa(w, phase2At(i), i == vpn.current);
  }
  endList(w);
}

/** The tunnel interface, what the VPN offers on it, and by which if_id its packets leave. */
function binding(w: Writer, vpn: Vpn): void {
  key(w, "interface");
  if (vpn.tunnel < 0) nullValue(w);
  else nameValue(w, tunnelAt(vpn.tunnel).config.name);
  key(w, "interface_state");
  if (vpn.tunnel < 0) nullValue(w);
  else textValue(w, tunnelStateWord(vpn.tunnel_state));
  key(w, "if_id");
  if (vpn.if_id == 0) nullValue(w);
  else numberValue(w, vpn.if_id);
}

function targets(w: Writer, vpn: Vpn): void {
  addressValue(key(w, "source"), vpn.source);
  beginList(key(w, "targets"));
  for (let i = 0; i < <i32>vpn.target_count; i++) {
    beginObject(w);
    addressValue(key(w, "address"), vpn.target(i).address);
    boolValue(key(w, "answered"), lastAnswered(vpn, i));
    endObject(w);
  }
  endList(w);
}

/** As configured: `source` and `targets` are what came of it. */
function settings(w: Writer, config: VpnConfig): void {
  beginObject(key(w, "settings"));
  key(w, "source_interface");
  if (nameLength(config.source_interface) == 0) nullValue(w);
  else nameValue(w, config.source_interface);
  addressValue(key(w, "source_ip"), config.source_ip);
  beginList(key(w, "destination_ip"));
  for (let i = 0; i < config.destination_count; i++) addressValue(w, config.destination_ip(i));
  endList(w);
  endObject(w);
}

function counters(w: Writer, vpn: Vpn): void {
  unlessNegative(key(w, "delay_last_ms"), vpn.delay_last_ms);
  key(w, "delay_avg_ms");
  if (vpn.delay_avg_16 < 0) nullValue(w);
  else thousandthsValue(w, averageDelay(vpn));
  unlessNegative(key(w, "availability_percent"), availability(vpn));
  beginText(key(w, "rounds"));
  for (let age = judgedRounds(vpn) - 1; age >= 0; age--) w.u8(isAnswered(vpn, age) ? 0x31 : 0x30);
  w.u8(0x22);
  numberValue(key(w, "echoes_sent"), vpn.echoes_sent);
  numberValue(key(w, "echoes_answered"), vpn.echoes_answered);
  numberValue(key(w, "misses"), vpn.misses);
  numberValue(key(w, "rekeys"), vpn.rekeys);
}

function ike(w: Writer, gateway: Gateway): void {
  beginObject(key(w, "ike"));
  boolValue(key(w, "known"), gateway.known);
  numberValue(key(w, "version"), gateway.version);
  boolValue(key(w, "dpd"), gateway.dpd_delay_s > 0);
  numberValue(key(w, "dpd_delay_s"), gateway.dpd_delay_s);
  beginList(key(w, "sas"));
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) ikeSa(w, phase1At(i));
  endList(w);
  endObject(w);
}

function ikeSa(w: Writer, sa: Phase1): void {
  beginObject(w);
  numberValue(key(w, "id"), sa.id);
  textValue(key(w, "state"), ikeStateWord(sa.state));
  boolValue(key(w, "initiator"), sa.initiator);
  numberValue(key(w, "version"), sa.version);
  nameValue(key(w, "algorithm"), sa.algorithm);
  addressValue(key(w, "local"), sa.local_host);
  addressValue(key(w, "remote"), sa.remote_host);
  numberValue(key(w, "remote_port"), sa.remote_port);
  key(w, "established_s");
  if (sa.established_at_ms == 0) nullValue(w);
  else numberValue(w, secondsSince(sa.established_at_ms));
  secondsLeft(key(w, "rekey_s"), sa.rekey_at_ms);
  secondsLeft(key(w, "reauth_s"), sa.reauth_at_ms);
  endObject(w);
}

function childSa(w: Writer, sa: Phase2, current: bool): void {
  beginObject(w);
  numberValue(key(w, "id"), sa.id);
  numberValue(key(w, "ike_id"), sa.ike_id);
  boolValue(key(w, "current"), current);
  textValue(key(w, "state"), childStateWord(sa.state));
  hexValue(key(w, "spi_in"), sa.spi_in);
  hexValue(key(w, "spi_out"), sa.spi_out);
  nameValue(key(w, "algorithm"), sa.algorithm);
  secondsLeft(key(w, "lifetime_s"), sa.expires_at_ms);
  secondsLeft(key(w, "rekey_s"), sa.rekey_at_ms);
  numberValue(key(w, "installed_s"), secondsSince(sa.installed_at_ms));
  numberValue(key(w, "packets_in"), sa.packets_in);
  numberValue(key(w, "packets_out"), sa.packets_out);
  numberValue(key(w, "bytes_in"), sa.bytes_in);
  numberValue(key(w, "bytes_out"), sa.bytes_out);
  beginList(key(w, "local_ts"));
  for (let i = 0; i < <i32>sa.local_selectors; i++) {
    sa.local_selector(i).write(beginText(w)).u8(0x22);
  }
  endList(w);
  beginList(key(w, "remote_ts"));
  for (let i = 0; i < <i32>sa.remote_selectors; i++) {
    sa.remote_selector(i).write(beginText(w)).u8(0x22);
  }
  endList(w);
  endObject(w);
}

/** Time left until `at_ms`; 0: there is no such time. */
function secondsLeft(w: Writer, at_ms: i64): void {
  if (at_ms == 0) nullValue(w);
  else numberValue(w, secondsUntil(at_ms));
}

function unlessNegative(w: Writer, value: i32): void {
  if (value < 0) nullValue(w);
  else numberValue(w, value);
}

function addressValue(w: Writer, address: usize): void {
  if (isUnset(address)) nullValue(w);
  else writeAddress(beginText(w), address).u8(0x22);
}
