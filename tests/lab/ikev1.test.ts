import { test } from "node:test";
import { recoverDeadSa } from "./lib/recovery.ts";

test("IKEv1: one SA dead while Phase 1 lives", () =>
  recoverDeadSa("ikev1", "spi_out", { connections: [{ name: "s2s", version: 1 }] }));
