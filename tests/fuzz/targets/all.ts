/** The fuzzers there are. A new one is a file beside this, and a line here. */
import type { Target } from "../lib/target.ts";
import { abi_target } from "./abi.ts";
import { announcement_target } from "./announcement.ts";
import { command_target } from "./command.ts";
import { icmp_target } from "./icmp.ts";
import { netlink_target } from "./netlink.ts";
import { recording_target } from "./recording.ts";
import { routes_target } from "./routes.ts";
import { uci_target } from "./uci.ts";
import { vici_target } from "./vici.ts";
import { xfrm_target } from "./xfrm.ts";

export const TARGETS: Target[] = [
  icmp_target,
  announcement_target,
  vici_target,
  uci_target,
  command_target,
  netlink_target,
  routes_target,
  xfrm_target,
  recording_target,
  abi_target,
];
