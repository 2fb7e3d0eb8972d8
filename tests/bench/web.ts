/** What echoes suffer from many clients of the WebUI: how much later than due they leave. */
import * as os from "node:os";
import type { Figure } from "../../tools/bench.ts";
import { allUp, at, figures, measure, withEchoes } from "../lab/lib/echo_delay.ts";
import { waitFor } from "../lab/lib/wait.ts";
import { RekeydWeb } from "../lab/lib/web.ts";
import { withWebCrowd, type Crowd } from "../web/lib/crowd.ts";

const CROWD: Crowd = { streams: 150, eager: 50 };
const CLIENTS = CROWD.streams + CROWD.eager;
/** VPNs that are shown and not monitored, as on the gateway of a large office. */
const SHOWN = 100;

/** Two runs of one daemon with real tunnels: alone, and with the crowd at its rekeyd-web. */
export function bench(): Promise<Figure[]> {
  return withEchoes("bench-web", SHOWN, async (lab, rekeyd) => {
    const web = RekeydWeb.beside(rekeyd, lab.state);
    await rekeyd.start();
    await web.start();
    await allUp(rekeyd);
    const idle = await measure(lab, "idle");
    // Who asks stands for other machines: the gateway's programs have the processor before.
    os.setPriority(os.constants.priority.PRIORITY_LOW);
    const begun = performance.now();
    const { crowded, tally, length_s } = await withWebCrowd(
      web.origin,
      web.token,
      CROWD,
      async (clients) => {
        await waitFor("all streams tell", 30_000, () => clients.told === CROWD.streams);
        const crowded = await measure(lab, "crowded");
        return { crowded, tally: clients.tally, length_s: (performance.now() - begun) / 1000 };
      },
    );
    os.setPriority(os.constants.priority.PRIORITY_NORMAL);
    await allUp(rekeyd);
    const { answered, refused, dropped, events, bytes, waits_ms } = tally;
    waits_ms.sort((a, b) => a - b);
    return [
      ...figures("alone", idle),
      ...figures(`${CLIENTS} clients`, crowded),
      { what: "answers a second", value: answered / length_s, unit: "" },
      { what: "events a second", value: events / length_s, unit: "" },
      { what: "of both", value: bytes / 1e6 / length_s, unit: "MB/s" },
      { what: "refused", value: refused, unit: "" },
      { what: "dropped", value: dropped, unit: "" },
      { what: "median wait for an answer", value: at(waits_ms, 0.5), unit: "ms" },
      { what: "longest wait", value: at(waits_ms, 1), unit: "ms" },
    ];
  });
}
