/** VPNs > AutoKey IKE: what is configured, with state and delay as pictures. */
import type { JSX } from "preact";
import { histories, vpns } from "../feed.ts";
import type { Sample } from "../logic/history.ts";
import type { Vpn } from "../logic/model.ts";
import { linkTo } from "../logic/route.ts";
import { Delay } from "../parts/delay.tsx";
import { useFound } from "../parts/find.tsx";
import { Heading } from "../parts/heading.tsx";
import { useStore } from "../parts/hooks.ts";
import { Rounds } from "../parts/rounds.tsx";
import { StateMark } from "../parts/state.tsx";

export function VpnList(): JSX.Element {
  const told = useStore(vpns);
  const seen = useStore(histories);
  const { found, find } = useFound(told ?? []);
  return (
    <>
      <Heading path="VPNs > AutoKey IKE" />
      {told === null && <p class="wait">Waiting for rekeyd.</p>}
      {told?.length === 0 && (
        <p class="wait">No VPN is configured. In a terminal: rekeyctl set vpn NAME gateway GW</p>
      )}
      {find}
      {found.length > 0 && (
        <table class="list">
          <caption class="hidden">VPNs</caption>
          <thead>
            <tr>
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
            </tr>
          </thead>
          <tbody>
            {found.map((vpn) => (
              <Row key={vpn.name} vpn={vpn} samples={seen.get(vpn.name) ?? []} />
            ))}
          </tbody>
        </table>
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
