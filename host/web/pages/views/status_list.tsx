/** VPNs > Monitor Status: what is wrong stands at the top. */
import type { JSX } from "preact";
import { inOrder } from "../logic/order.ts";
import type { Vpn } from "../logic/model.ts";
import { linkTo } from "../logic/route.ts";
import { Delay } from "../parts/delay.tsx";
import { Rounds } from "../parts/rounds.tsx";
import { StateMark } from "../parts/state.tsx";
import { VpnPage, type RowProps } from "../parts/vpn_page.tsx";

const HEAD = (
  <>
    <th scope="col">Name</th>
    <th scope="col">State</th>
    <th scope="col" class="wide">
      Sta
    </th>
    <th scope="col">Delay</th>
    <th scope="col" class="wide">
      Availability
    </th>
    <th scope="col" class="wide">
      Next
    </th>
  </>
);

export function StatusList(): JSX.Element {
  return (
    <VpnPage
      path="VPNs > Monitor Status"
      caption="VPNs, those that are down first"
      none="No VPN is configured."
      order={inOrder}
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
      <td>
        <StateMark state={vpn.state} />
      </td>
      <td class="wide code">{vpn.sta}</td>
      <td>
        <Delay vpn={vpn} samples={samples} />
      </td>
      <td class="wide">
        <span class="availability">
          <Rounds rounds={vpn.rounds} />
          <span class="figure">{percentText(vpn)}</span>
        </span>
      </td>
      <td class="wide next">{vpn.next}</td>
    </tr>
  );
}

function percentText({ availability_percent }: Vpn): string {
  return availability_percent === null ? "-" : `${availability_percent}%`;
}
