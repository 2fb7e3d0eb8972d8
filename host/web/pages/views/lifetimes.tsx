/** Both phases' SAs: how long they still live, and what they have carried. */
import type { JSX } from "preact";
import type { ChildSa, IkeSa, Vpn } from "../logic/model.ts";
import { bytesText, shareLeft, spanText } from "../logic/time.ts";
import { Bar } from "../parts/bar.tsx";

export function Lifetimes({ vpn }: { vpn: Vpn }): JSX.Element {
  const { ike, sas, listed_s } = vpn;
  return (
    <section class="panel lifetimes" aria-labelledby="lifetimes">
      <h2 id="lifetimes">Security associations</h2>
      <h3>Phase 1</h3>
      {ike.sas.length === 0 && <p class="none">none</p>}
      {ike.sas.map((sa) => (
        <Phase1 key={sa.id} sa={sa} />
      ))}
      <h3>Phase 2</h3>
      {sas.length === 0 && <p class="none">none</p>}
      {sas.map((sa) => (
        <Phase2 key={sa.id} sa={sa} />
      ))}
      {listed_s !== null && sas.length > 0 && (
        <p class="hint">Packets and bytes as strongSwan told them {spanText(listed_s)} ago.</p>
      )}
    </section>
  );
}

function Phase1({ sa }: { sa: IkeSa }): JSX.Element {
  const { established_s, rekey_s, reauth_s } = sa;
  return (
    <div class="sa">
      <p>
        {sa.state}, IKEv{sa.version}, {sa.algorithm}
        <span class="more code">
          {sa.local} - {sa.remote}[{sa.remote_port}]
        </span>
      </p>
      <Left label="Rekey" left_s={rekey_s} since_s={established_s} otherwise="not planned" />
      {reauth_s !== null && (
        <Left label="Reauthentication" left_s={reauth_s} since_s={established_s} otherwise="" />
      )}
    </div>
  );
}

function Phase2({ sa }: { sa: ChildSa }): JSX.Element {
  return (
    <div class="sa">
      <p>
        {sa.state}, {sa.algorithm}
        {!sa.current && ", not in use"}
        <span class="more code">
          SPI {sa.spi_in} in, {sa.spi_out} out
        </span>
        <span class="more code">
          {sa.local_ts.join(" ")} === {sa.remote_ts.join(" ")}
        </span>
      </p>
      {sa.current && <Phase2Times sa={sa} />}
      <table class="traffic">
        <caption class="hidden">Traffic</caption>
        <tbody>
          <Traffic name="In" packets={sa.packets_in} bytes={sa.bytes_in} />
          <Traffic name="Out" packets={sa.packets_out} bytes={sa.bytes_out} />
        </tbody>
      </table>
    </div>
  );
}

function Phase2Times({ sa: { lifetime_s, rekey_s, installed_s } }: { sa: ChildSa }): JSX.Element {
  return (
    <>
      <Left label="Lifetime" left_s={lifetime_s} since_s={installed_s} otherwise="unlimited" />
      <Left label="Rekey" left_s={rekey_s} since_s={installed_s} otherwise="not planned" />
    </>
  );
}

interface LeftGiven {
  label: string;
  left_s: number | null;
  since_s: number | null;
  otherwise: string;
}

function Left({ label, left_s, since_s, otherwise }: LeftGiven): JSX.Element {
  const text = left_s === null ? otherwise : `in ${spanText(left_s)}`;
  return <Bar label={label} text={text} share={shareLeft(left_s, since_s)} />;
}

interface TrafficGiven {
  name: string;
  packets: number;
  bytes: number;
}

function Traffic({ name, packets, bytes }: TrafficGiven): JSX.Element {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="figure">{packets} packets</td>
      <td class="figure">{bytesText(bytes)}</td>
    </tr>
  );
}
