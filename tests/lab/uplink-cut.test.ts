import { test } from "node:test";
import { recoverOutage } from "./lib/recovery.ts";

const CUT_MS = 30_000;

test("the way between the gateways is cut for 30 s", () =>
  recoverOutage(
    "uplink-cut",
    CUT_MS,
    (lab) => lab.router.cut(),
    (lab) => lab.router.heal(),
  ));
