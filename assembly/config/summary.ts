import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { VpnFlag } from "./model";
import {
  stagedCount,
  stagedNhtbCount,
  stagedRouteCount,
  stagedTunnelCount,
  stagedVpn,
} from "./staged";

const ROOM_BYTES: i32 = 192;
const room: usize = memory.data(ROOM_BYTES);
const writer: Writer = writerAt(memory.data(WRITER_BYTES, 8));

/**
 * What the configuration that was read last would do: `3 VPNs, 2 monitored, 1 with rekey`, and of
 * tunnel interfaces, if there are any. A file without a mistake can still monitor nothing.
 */
export function summarize(): Writer {
  const count = stagedCount();
  let monitored = 0;
  let rekeyed = 0;
  for (let i = 0; i < count; i++) {
    const vpn = stagedVpn(i);
    if (vpn.has(VpnFlag.MONITOR)) monitored++;
    if (vpn.has(VpnFlag.REKEY)) rekeyed++;
  }
  writer.reset(room, ROOM_BYTES).counted(count, "VPN").text(", ").decimal(monitored);
  writer.text(" monitored, ").decimal(rekeyed).text(" with rekey");
  if (stagedTunnelCount() > 0) {
    writer.text("; ").counted(stagedTunnelCount(), "tunnel interface");
    writer.text(", ").counted(stagedRouteCount(), "route");
    writer.text(", ").counted(stagedNhtbCount(), "next hop");
  }
  return writer;
}
