import { test } from "node:test";
import { recoverDeadSa } from "./lib/recovery.ts";

test("one SA dead, from A to B, while IKE lives", () => recoverDeadSa("dead-sa-out", "spi_out"));
