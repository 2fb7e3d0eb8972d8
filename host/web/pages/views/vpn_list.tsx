/** VPNs > AutoKey IKE: what is configured, with state and delay as pictures. */
import type { JSX } from "preact";
import type { Vpn } from "../logic/model.ts";
import { linkTo } from "../logic/route.ts";
import { Delay } from "../parts/delay.tsx";
import { Rounds } from "../parts/rounds.tsx";
import { StateMark } from "../parts/state.tsx";
import { VpnPage, type RowProps } from "../parts/vpn_page.tsx";

const HEAD = (
  <>
    <th scope="col">Name</th>
    <th scope="col" class="wide">
      Gateway
    </th>
    <th scope="col" class="wide">
      Monitor
    </th>
    <th scope="col">State</th>
    <th scope="col">Delay</th>
    <th scope="col" class="wide">
      Last 30 rounds
    </th>
    <th scope="col">
      <span class="hidden">Configure</span>
    </th>
  </>
);

export function VpnList(): JSX.Element {
  return (
    <VpnPage
      path="VPNs > AutoKey IKE"
      caption="VPNs"
      none="No VPN is configured. In a terminal: rekeyctl set vpn NAME gateway GW"
      head={HEAD}
      Row={Row}
    />
  );
}

function Row({ vpn, samples }: RowProps): JSX.Element {
  return (
    <tr>
      <th scope="row">
        <a href={linkTo("status", vpn.name)}>{vpn.name}</a>
      </th>
      <td class="wide">
        {vpn.gateway}
        <span class="more">{vpn.peer}</span>
      </td>
      <td class="wide">{monitorText(vpn)}</td>
      <td>
        <StateMark state={vpn.state} />
      </td>
      <td>
        <Delay vpn={vpn} samples={samples} />
      </td>
      <td class="wide">{vpn.monitor && <Rounds rounds={vpn.rounds} />}</td>
      <td class="act">
        <a class="button" href={linkTo("vpns", vpn.name)} aria-label={`Edit ${vpn.name}`}>
          Edit
        </a>
      </td>
    </tr>
  );
}

function monitorText({ monitor, optimized, rekey }: Vpn): string {
  if (!monitor) return "off";
  return ["on", optimized && "optimized", rekey && "rekey"].filter(Boolean).join(", ");
}
