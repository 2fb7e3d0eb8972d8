/** A page that lists the VPNs, and lets one be found among them; the columns are the caller's. */
import type { ComponentType, JSX } from "preact";
import { histories, vpns } from "../feed.ts";
import type { Sample } from "../logic/history.ts";
import type { Vpn } from "../logic/model.ts";
import { useFound } from "./find.tsx";
import { Heading } from "./heading.tsx";
import { useStore } from "./hooks.ts";

export interface RowProps {
  vpn: Vpn;
  samples: readonly Sample[];
}

interface Props {
  path: string;
  caption: string;
  /** Said where no VPN is configured. */
  none: string;
  order?: (told: readonly Vpn[]) => readonly Vpn[];
  /** The cells of the head. */
  head: JSX.Element;
  Row: ComponentType<RowProps>;
}

export function VpnPage({ path, caption, none, order, head, Row }: Props): JSX.Element {
  const told = useStore(vpns);
  const seen = useStore(histories);
  const all = told ?? [];
  const { found, find } = useFound(order === undefined ? all : order(all));
  return (
    <>
      <Heading path={path} />
      {told === null && <p class="wait">Waiting for rekeyd.</p>}
      {told?.length === 0 && <p class="wait">{none}</p>}
      {find}
      {found.length > 0 && (
        <table class="list">
          <caption class="hidden">{caption}</caption>
          <thead>
            <tr>{head}</tr>
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
