/** VPNs > Monitor Status: what is wrong stands at the top. */
import type { JSX } from "preact";
import { histories, vpns } from "../feed.ts";
import { inOrder } from "../logic/order.ts";
import type { Sample } from "../logic/history.ts";
import type { Vpn } from "../logic/model.ts";
import { linkTo } from "../logic/route.ts";
import { Delay } from "../parts/delay.tsx";
import { useFound } from "../parts/find.tsx";
import { Heading } from "../parts/heading.tsx";
import { useStore } from "../parts/hooks.ts";
import { Rounds } from "../parts/rounds.tsx";
import { StateMark } from "../parts/state.tsx";

export function StatusList(): JSX.Element {
  const told = useStore(vpns);
  const seen = useStore(histories);
  const { found, find } = useFound(inOrder(told ?? []));
  return (
    <>
      <Heading path="VPNs > Monitor Status" />
      {told === null && <p class="wait">Waiting for rekeyd.</p>}
      {told?.length === 0 && <p class="wait">No VPN is configured.</p>}
      {find}
      {found.length > 0 && (
        <table class="list">
          <caption class="hidden">VPNs, those that are down first</caption>
          <thead>
            <tr>
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
