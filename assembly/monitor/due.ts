/** A timer of the wheel is due: whose is it, and what is it for? */
import { NEVER, now_ms } from "../clock";
import { stepDue } from "../ike/negotiation";
import { gatewayAt, reschedule } from "../sa/gateway";
import { vpnAt } from "../sa/vpn";
import { announcementDue } from "./announce";
import { listGateway } from "./conversation";
import { Event } from "./decision";
import { happen } from "./effect";
import { planRenewals, renewPhase1, softLifetimeEnded } from "./lifetime";
import { isGateway, isNeighbour, ownerIndex } from "./owner";
import { roundDue } from "./round";

/** Does what the timer was set for. */
export function timerDue(owner: u32): void {
  const index = ownerIndex(owner);
  if (isGateway(owner)) gatewayDue(index);
  else if (isNeighbour(owner)) announcementDue(index);
  else roundDue(index);
}

function gatewayDue(index: i32): void {
  const gateway = gatewayAt(index);
  if (gateway.soft_at_ms <= now_ms) renew(index);
  if (gateway.settle_at_ms <= now_ms) {
    // A duplicate is deleted by what a fresh listing shows, not by what was seen before the wait.
    gateway.settle_at_ms = NEVER;
    listGateway(index);
  }
  if (gateway.list_at_ms <= now_ms) listGateway(index);
  if (gateway.deadline_ms <= now_ms) stepDue(index);
  reschedule(index);
}

function renew(index: i32): void {
  renewPhase1(index);
  for (let i = gatewayAt(index).first_vpn; i >= 0; i = vpnAt(i).next_of_gateway) {
    if (softLifetimeEnded(vpnAt(i))) happen(i, Event.SOFT_LIFETIME);
  }
  planRenewals(index);
}
