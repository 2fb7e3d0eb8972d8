import { test } from "node:test";
import { recoverDeadSa } from "./lib/recovery.ts";

const CONNECTIONS = [{ name: "s2s", children: [{ name: "net", family: 6 as const }] }];

test("an IPv6 tunnel between IPv4 gateways", () =>
  recoverDeadSa("ipv6-inner", "spi_out", { connections: CONNECTIONS }, 6));

test("an IPv6 tunnel between IPv6 gateways", () =>
  recoverDeadSa("ipv6-outer", "spi_out", { connections: CONNECTIONS, outer: 6 }, 6));
