import { test } from "node:test";
import { recoverOutage } from "./lib/recovery.ts";

const UNPLUGGED_MS = 15_000;

test("the uplink's cable is pulled, and its routes with it, for 15 s", () =>
  recoverOutage(
    "uplink-unplugged",
    UNPLUGGED_MS,
    (lab) => lab.a.uplinkDown(),
    (lab) => lab.a.uplinkUp(),
  ));
