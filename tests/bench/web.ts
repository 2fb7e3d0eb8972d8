/** What echoes suffer from many clients of the WebUI: how much later than due they leave. */
import type { Figure } from "../../tools/bench.ts";
import { allUp, at, figures, LENGTH_S, measure, withEchoes } from "../lab/lib/echo_delay.ts";
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
    const { crowded, tally } = await withWebCrowd(web.origin, web.token, CROWD, async (clients) => {
      await waitFor("all streams tell", 30_000, () => clients.told === CROWD.streams);
      return { crowded: await measure(lab, "crowded"), tally: clients.tally };
    });
    await allUp(rekeyd);
    const { answered, refused, dropped, events, bytes, waits_ms } = tally;
    waits_ms.sort((a, b) => a - b);
    return [
      ...figures("alone", idle),
      ...figures(`${CLIENTS} clients`, crowded),
      { what: "answers a second", value: answered / LENGTH_S, unit: "" },
      { what: "events a second", value: events / LENGTH_S, unit: "" },
      { what: "of both", value: bytes / 1e6 / LENGTH_S, unit: "MB/s" },
      { what: "refused", value: refused, unit: "" },
      { what: "dropped", value: dropped, unit: "" },
      { what: "median wait for an answer", value: at(waits_ms, 0.5), unit: "ms" },
      { what: "longest wait", value: at(waits_ms, 1), unit: "ms" },
    ];
  });
}
