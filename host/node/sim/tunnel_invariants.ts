/** What must hold of tunnel interfaces and the routes over them: invariants.ts. */
import type { Invariant } from "./invariants.ts";

/** Requests to the kernel in a minute: for each VPN, and in all. */
const MAX_REQUESTS_PER_MINUTE = { vpn: 200, all: 400 };

export const TUNNEL_INVARIANTS: Invariant[] = [
  {
    name: "routes-follow",
    says:
      "The routes of a VPN that is up are in the kernel, and lead into its own SA; those of one " +
      "that is down, with rekey, are withdrawn, or have the worse metric.",
    sweep: ({ tunnels }, truth) => tunnels.wrongRoute(truth),
  },
  {
    name: "withdrawn-for-a-reason",
    says:
      "No route is withdrawn unless its VPN was said to be down, or it is not wanted any more: " +
      "not at a start, nor after a trap.",
    withdrawn: (judge, truth, route) =>
      judge.tunnels.reasonFor(route, truth) === undefined ? "its route was withdrawn" : undefined,
  },
  {
    name: "others-untouched",
    says: "Interfaces, addresses, routes and rules of others are left as they are.",
    harmed: (_, what) => what,
  },
  {
    name: "own-sa",
    says: "No echo leaves by another VPN's SA, once it can be known whose if_id is whose.",
    echo: ({ tunnels }, truth, { sa }) => tunnels.strayEcho(truth, sa),
  },
  {
    name: "echo-finds-sa",
    says: "The echoes of a VPN that has an SA find it through its tunnel interface.",
    echo: ({ tunnels }, truth, { sa }) =>
      truth.branch.bound === undefined ? undefined : tunnels.wrongWay(truth, sa !== undefined),
  },
  {
    name: "dormant-when-down",
    says: "An interface is dormant when all VPNs on it are down, and runs when one is up.",
    sweepAll: (judge) => judge.tunnels.wrongState((tunnel) => judge.truthsOn(tunnel)),
  },
  {
    name: "nothing-left-over",
    says: "After settling the kernel has no route or rule of ours that nobody wants.",
    settledAll: (judge) => judge.tunnels.leftOver(judge.truths.values()),
  },
  {
    name: "few-requests",
    says: "The kernel is asked at a bounded rate.",
    sweepAll: ({ tunnels, world }) => {
      const count = tunnels.requestsPerMinute();
      const { vpn, all } = MAX_REQUESTS_PER_MINUTE;
      return count > all + vpn * world.branches.length
        ? `${count} requests in a minute`
        : undefined;
    },
  },
];
