/** Commands that have something done to a VPN's SAs: `exec vpn`, `clear sa`. */
import { Writer } from "../bytes/writer";
import { Answer, removeSas, renewNow } from "../monitor/operator";
import { vpnAt } from "../sa/vpn";
import { idGiven, vpnGiven, vpnOfIdGiven } from "./parameter";
import { beginError, beginMessage, endError, endMessage } from "./reply";

/** `exec vpn NAME rekey` */
export function execRekey(): void {
  const index = vpnGiven();
  const begun = "a new SA is being negotiated; get event tells what becomes of it";
  tell(index, renewNow(index), begun, "there is no SA, and without rekey none is made");
}

/** `clear sa id ID` */
export function clearSa(): void {
  const index = vpnOfIdGiven();
  const begun = "its SA is being removed; get event tells what becomes of it";
  if (index >= 0) return tell(index, removeSas(index), begun, "there is no SA");
  beginError().text("there is no VPN with SA ID 0x").hex(idGiven()).text("; get sa shows all");
  endError();
}

function tell(index: i32, answer: Answer, begun: string, none: string): void {
  const good = answer == Answer.BEGUN || answer == Answer.UNDER_WAY;
  const w: Writer = good ? beginMessage() : beginError();
  w.text("VPN ").name(vpnAt(index).config.name).text(": ");
  switch (<i32>answer) {
    case Answer.BEGUN:
      w.text(begun);
      break;
    case Answer.UNDER_WAY:
      w.text("a new SA is being negotiated already");
      break;
    case Answer.NO_SA:
      w.text(none);
      break;
    case Answer.UNKNOWN:
      w.text("strongSwan does not know its connection or child");
      break;
    default:
      w.text("strongSwan cannot be asked now; get vpnmonitor shows whether it is connected");
  }
  if (good) endMessage();
  else endError();
}
