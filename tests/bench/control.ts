/** What echoes suffer from many clients at the control socket: how much later than due they go. */
import type { Figure } from "../../tools/bench.ts";
import { withCrowd, type Crowd } from "../device/lib/crowd.ts";
import { allUp, at, figures, measure, withEchoes } from "../lab/lib/echo_delay.ts";
import { waitFor } from "../lab/lib/wait.ts";

const CROWD: Crowd = { eager: 150, slow: 20, silent: 20, half: 10 };
const CLIENTS = Object.values(CROWD).reduce((sum, count) => sum + count);
/** VPNs that are shown and not monitored, so that answers are long. */
const SHOWN = 1_000;

/** Two runs of one daemon with real tunnels: alone, and with the crowd. */
export function bench(): Promise<Figure[]> {
  return withEchoes("bench-control", SHOWN, async (lab, rekeyd) => {
    await rekeyd.start();
    await allUp(rekeyd);
    const idle = await measure(lab, "idle");
    const begun = performance.now();
    const { crowded, tally, length_s } = await withCrowd(
      rekeyd.control_path,
      CROWD,
      async (clients) => {
        await waitFor("all are connected", 5000, () => clients.connected === CLIENTS);
        const crowded = await measure(lab, "crowded");
        return { crowded, tally: clients.tally, length_s: (performance.now() - begun) / 1000 };
      },
    );
    await allUp(rekeyd);
    const { answered, refused, dropped, bytes, waits_ms } = tally;
    waits_ms.sort((a, b) => a - b);
    return [
      ...figures("alone", idle),
      ...figures(`${CLIENTS} clients`, crowded),
      { what: "answers a second", value: answered / length_s, unit: "" },
      { what: "of them", value: bytes / 1e6 / length_s, unit: "MB/s" },
      { what: "refused", value: refused, unit: "" },
      { what: "dropped", value: dropped, unit: "" },
      { what: "median wait for an answer", value: at(waits_ms, 0.5), unit: "ms" },
      { what: "longest wait", value: at(waits_ms, 1), unit: "ms" },
    ];
  });
}
