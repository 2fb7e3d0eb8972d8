/** Events about SAs as the kernel has them. Fields are those of text.ts. */
import { Writer } from "../bytes/writer";
import { beginEvent, endEvent } from "./log";
import { Severity } from "./severity";
import { Id } from "./text";

/**
 * 00536: packets that go into the tunnel interface come into no SA of the VPN. `wanted` is the
 * interface's if_id; 0: each VPN on it has one of its own.
 */
export function ifIdDiffers(
  vpn: usize,
  child: usize,
  tunnel: usize,
  wanted: u32,
  if_id_in: u32,
  if_id_out: u32,
): void {
  const w = beginEvent(Severity.ERROR, Id.IKE, vpn).text("VPN monitoring for VPN ").name(vpn);
  ifIdOf(w.text(" cannot ping: ").name(tunnel), wanted).text(", but its SA has if_id_in ");
  w.decimal(if_id_in).text(" and if_id_out ").decimal(if_id_out);
  w.text(". Set if_id_in and if_id_out of child '").name(child).text("' to ");
  if (wanted != 0) w.decimal(wanted);
  else w.text("a number of its own");
  w.text(" in swanctl.conf.");
  endEvent();
}

function ifIdOf(w: Writer, wanted: u32): Writer {
  if (wanted == 0) return w.text(" tells VPNs apart by if_id");
  return w.text(" has if_id ").decimal(wanted);
}
