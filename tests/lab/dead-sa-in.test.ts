import { test } from "node:test";
import { recoverDeadSa } from "./lib/recovery.ts";

test("one SA dead, from B to A, while IKE lives", () => recoverDeadSa("dead-sa-in", "spi_in"));
