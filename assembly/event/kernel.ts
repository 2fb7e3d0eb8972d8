/** Events about SAs as the kernel has them. Fields are those of text.ts. */
import { writeAddress } from "../bytes/address";
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

/** 00536: an SA that no charon knows any more was removed from the kernel. */
export function orphanRemoved(vpn: usize, peer: usize, spi_in: u32, spi_out: u32): void {
  const w = orphan(Severity.INFORMATION, vpn, peer, "Removed the SA of VPN ", spi_in, spi_out);
  w.text(", which a strongSwan that was killed had left in the kernel.");
  endEvent();
}

/** 00536: the kernel refused to remove it. */
export function orphanKept(vpn: usize, peer: usize, spi_in: u32, spi_out: u32, errno: i32): void {
  const w = orphan(Severity.WARNING, vpn, peer, "Cannot remove the SA of VPN ", spi_in, spi_out);
  w.text(", which a strongSwan that was killed has left in the kernel: error ").decimal(errno);
  w.u8(0x2e);
  endEvent();
}

function orphan(
  severity: Severity,
  vpn: usize,
  peer: usize,
  what: string,
  spi_in: u32,
  spi_out: u32,
): Writer {
  const w = beginEvent(severity, Id.IKE, vpn).text("IKE ");
  writeAddress(w, peer).text(" Phase 2: ").text(what).name(vpn);
  return w.text(" with SPI ").hex(spi_in).text(" in, ").hex(spi_out).text(" out");
}

/** 00767: such SAs cannot be looked for. */
export function orphansUnseen(errno: i32): void {
  beginEvent(Severity.NOTIFICATION, Id.SYSTEM, 0)
    .text("SAs that a strongSwan which was killed leaves in the kernel are not looked for: error ")
    .decimal(errno)
    .text(" of its IPsec (NETLINK_XFRM).");
  endEvent();
}

function ifIdOf(w: Writer, wanted: u32): Writer {
  if (wanted == 0) return w.text(" tells VPNs apart by if_id");
  return w.text(" has if_id ").decimal(wanted);
}
