/** VPNs > AutoKey IKE. */
import type { JSX } from "preact";
import { histories, vpns } from "../feed.ts";
import type { Sample } from "../logic/history.ts";
import type { Vpn } from "../logic/model.ts";
import { linkTo } from "../logic/route.ts";
import { delayText } from "../logic/time.ts";
import { Heading } from "../parts/heading.tsx";
import { useStore } from "../parts/hooks.ts";
import { Sparkline } from "../parts/sparkline.tsx";
import { StateMark } from "../parts/state.tsx";

export function VpnList(): JSX.Element {
  const told = useStore(vpns);
  const seen = useStore(histories);
  return (
    <>
      <Heading path={["VPNs", "AutoKey IKE"]} />
      {told === null && <p class="wait">Waiting for rekeyd.</p>}
      {told !== null && told.length === 0 && <p>No VPN is configured.</p>}
      {told !== null && told.length > 0 && (
        <div class="cards">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Gateway</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Delay
                </th>
                <th scope="col">Availability</th>
                <th scope="col">Monitor</th>
                <th scope="col">Configure</th>
              </tr>
            </thead>
            <tbody>
              {told.map((vpn) => (
                <Row key={vpn.name} vpn={vpn} samples={seen.get(vpn.name) ?? []} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ vpn, samples }: { vpn: Vpn; samples: readonly Sample[] }): JSX.Element {
  return (
    <tr>
      <th scope="row">
        <a href={linkTo("status", vpn.name)}>{vpn.name}</a>
      </th>
      <td>{vpn.gateway}</td>
      <td>
        <StateMark state={vpn.state} />
      </td>
      <td class="number">
        {vpn.delay_last_ms === null ? "-" : `${delayText(vpn.delay_last_ms)} ms`}
        <Sparkline samples={samples} />
      </td>
      <td>{vpn.availability_percent === null ? "-" : `${vpn.availability_percent}%`}</td>
      <td>{vpn.monitor ? "on" : "off"}</td>
      <td>
        <a href={linkTo("vpns", vpn.name)} aria-label={`Edit ${vpn.name}`}>
          Edit
        </a>
      </td>
    </tr>
  );
}
