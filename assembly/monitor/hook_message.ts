/**
 * What the helper that runs hooks is told, as one message (host/device/src/helper.rs reads it):
 *
 *     u8 length, VPN's name     u32 time limit in ms     path NUL     { NAME=value NUL }
 *
 * Every value is one line, and bounded by the limits of what it comes from.
 */
import { isUnset, writeAddress } from "../bytes/address";
import { writeDate } from "../bytes/date";
import { nameBytes, nameLength } from "../bytes/slice";
import { makePrintable } from "../bytes/utf8";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { running } from "../config/model";
import { MAX_HOOK_BYTES } from "../limits";
import { tunnelAt, TunnelState } from "../route/tunnel";
import { gatewayAt } from "../sa/gateway";
import { phase2At } from "../sa/phase2";
import { stateWord, tunnelId, Vpn, vpnAt } from "../sa/vpn";

const writer: Writer = writerAt(memory.data(WRITER_BYTES, 8));

/**
 * Writes the message about what happened (`event`, of which the VPN's state may be ahead) into
 * MAX_HOOK_BYTES at `buffer`, and answers its length.
 */
export function writeHookMessage(buffer: usize, index: i32, event: string): i32 {
  const vpn = vpnAt(index);
  const config = vpn.config;
  const timeout_ms = running.hook_timeout_ms;
  const w = writer.reset(buffer, MAX_HOOK_BYTES);
  w.u8(nameLength(config.name)).name(config.name);
  for (let shift = 0; shift < 32; shift += 8) w.u8((timeout_ms >> shift) & 0xff);
  end(w.name(config.hook));

  end(w.text("REKEYD_EVENT=").text(event));
  nameVariable(w.text("REKEYD_VPN="), config.name);
  end(w.text("REKEYD_ID=").hex(tunnelId(index)));
  end(w.text("REKEYD_STATE=").text(stateWord(vpn)));
  nameVariable(w.text("REKEYD_GATEWAY="), config.gateway);
  nameVariable(w.text("REKEYD_CHILD="), config.child);
  // A VPN that is told of has been under a gateway.
  addressVariable(w.text("REKEYD_PEER="), gatewayAt(vpn.gateway).peer_ip);
  addressVariable(w.text("REKEYD_SOURCE="), vpn.source);
  addressVariable(w.text("REKEYD_DESTINATION="), vpn.target(0).address);
  writeTunnel(w, vpn);
  writeSpis(w, vpn);
  w.text("REKEYD_DELAY_MS=");
  end(vpn.delay_last_ms < 0 ? w : w.decimal(vpn.delay_last_ms));
  end(writeDate(w.text("REKEYD_TIME="), vpn.hook_at_ms, 0x54).u8(0x5a));
  end(w.text("REKEYD_SKIPPED=").decimal(vpn.hook_skipped));
  assert(!w.truncated);
  return w.length;
}

function writeTunnel(w: Writer, vpn: Vpn): void {
  w.text("REKEYD_TUNNEL=");
  if (vpn.tunnel >= 0) w.name(tunnelAt(vpn.tunnel).config.name);
  end(w);
  w.text("REKEYD_TUNNEL_STATE=");
  end(vpn.tunnel >= 0 ? w.text(tunnelWord(tunnelAt(vpn.tunnel).state)) : w);
}

function tunnelWord(state: TunnelState): string {
  if (state == TunnelState.UP) return "up";
  return state == TunnelState.DOWN ? "down" : "ready";
}

function writeSpis(w: Writer, vpn: Vpn): void {
  const has_sa = vpn.current >= 0;
  w.text("REKEYD_SPI_IN=");
  end(has_sa ? w.hex(phase2At(vpn.current).spi_in) : w);
  w.text("REKEYD_SPI_OUT=");
  end(has_sa ? w.hex(phase2At(vpn.current).spi_out) : w);
}

/** strongSwan's names are what a file says: no control character of it gets any further. */
function nameVariable(w: Writer, field: usize): void {
  const from = w.at;
  w.bytes(nameBytes(field), nameLength(field));
  makePrintable(from, <i32>(w.at - from));
  end(w);
}

function addressVariable(w: Writer, address: usize): void {
  end(isUnset(address) ? w : writeAddress(w, address));
}

function end(w: Writer): void {
  w.u8(0);
}
