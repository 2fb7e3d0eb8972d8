import { test } from "node:test";
import { recoverDeadSa } from "./lib/recovery.ts";

test("one SA dead, and the peer starts a new one itself for each that is closed", () =>
  recoverDeadSa("peer-close-action", "spi_out", {
    connections: [{ name: "s2s", children: [{ name: "net", b: { close_action: "start" } }] }],
  }));
