/** What is wrong with all VPNs at once. */
import { refusedLine, refusedMistakes } from "../../config/history";
import { running } from "../../config/model";
import { writeSocketReason } from "../../event/text";
import { isReady } from "../../ike/vici/session";
import { lostErrno } from "../../monitor/conversation";
import { DROPS, dropName, dropsRisen, kernelHasIpsec } from "../../monitor/facts";
import { Note, vpnAt, vpnCount } from "../../sa/vpn";
import { begin, end, Finding } from "./finding";

/** Looks at strongSwan, the kernel and the configuration. */
export function checkMachine(): void {
  if (!isReady()) {
    const w = begin(Finding.VICI_AWAY).text("strongSwan is not connected at ").name(running.vici);
    writeSocketReason(w.text(" ("), lostErrno()).text("): nothing is known of its SAs");
    end(0);
  }
  // With SAs there something does IPsec, be it not the kernel.
  if (!kernelHasIpsec() && !anySa()) {
    begin(Finding.NO_IPSEC).text("the kernel has no IPsec (xfrm), and there is no SA");
    end(0);
  }
  checkDrops();
  if (refusedMistakes() > 0) {
    const w = begin(Finding.REFUSED_CONFIG).text("the last reload was refused: ");
    w.bytes(refusedLine().start, refusedLine().length);
    end(0);
  }
}

function anySa(): bool {
  for (let i = 0; i < vpnCount(); i++) {
    if (vpnAt(i).noted(Note.USED) && vpnAt(i).current >= 0) return true;
  }
  return false;
}

function checkDrops(): void {
  for (let i = 0; i < DROPS; i++) {
    const count = dropsRisen(i);
    if (count == 0) continue;
    begin(Finding.KERNEL_DROPS)
      .text("the kernel has dropped ")
      .counted(count, "packet")
      .text(" of IPsec while the doctor looked (")
      .text(dropName(i))
      .u8(0x29);
    end(0);
  }
}
