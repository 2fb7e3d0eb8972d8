/** What a person sees of a real tunnel's fault and recovery on the live screen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Screen } from "../device/lib/screen.ts";
import { withLab } from "./lib/lab.ts";
import { startMonitored } from "./lib/recovery.ts";

const REKEYCTL = "build/rekeyctl";
const HOUR = { life_time: "1h", rekey_time: "54m" };
const WAIT_MS = 20_000;

const GREEN = /\x1b\[[\d;]*32mup/;
const RED = /\x1b\[[\d;]*31mdown/;

test("a tunnel that is cut turns red on the live screen, and green again when it is back", () =>
  withLab(
    "watch",
    { connections: [{ name: "s2s", children: [{ name: "net", both: HOUR }] }] },
    async (lab) => {
      const { rekeyd } = await startMonitored(lab);
      const command = ["env", "-u", "NO_COLOR", "LC_ALL=C.UTF-8", REKEYCTL];
      const screen = await Screen.open([...command, "--control", rekeyd.control_path, "watch"], 80);
      try {
        await screen.shows(
          /^branch +up +\d+ms +[▁▃▅▇]+ +\d+% [█░]{4} \d\dm echo in 1 s, rekey in \d\dm$/m,
        );
        assert.match(await screen.colors(), GREEN);

        await lab.router.cut();
        await screen.shows(/^branch +down .*[▁▃▅] .* (rekeying|removing|initiating)/m, WAIT_MS);
        assert.match(await screen.colors(), RED);
        const down = await screen.shows(
          /^Events\n[^]*VPN 'branch' from 198\.51\.100\.1 is down\.$/m,
        );
        assert.match(down, /^1 VPN: 1 down /);

        await lab.router.heal();
        const up = await screen.shows(/^branch +up .*[▁▃▅▇] +\d\d% [█░]{4} \d\dm echo/m, WAIT_MS);
        assert.match(up, /^1 VPN: 1 up /);
        assert.match(up, /is down\.\n[^]*VPN 'branch' from 198\.51\.100\.1 is up\.$/m);
        assert.match(await screen.colors(), GREEN);
      } finally {
        await screen.close();
      }
    },
  ));
