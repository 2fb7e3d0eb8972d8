/** Of very many VPNs the page shows some: those whose names have what is looked for. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Vpn } from "../logic/model.ts";

const MAX_ROWS = 200;
/** Fewer are seen at once. */
const MANY = 12;

export function useFound(vpns: readonly Vpn[]): { found: Vpn[]; find: JSX.Element | null } {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const fitting = vpns.filter(
    ({ name, gateway }) =>
      name.toLowerCase().includes(wanted) || gateway.toLowerCase().includes(wanted),
  );
  const found = fitting.slice(0, MAX_ROWS);
  if (vpns.length <= MANY) return { found: [...vpns], find: null };
  const find = (
    <div class="filter" role="search">
      <label>
        Find
        <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <span role="status">
        {found.length} of {vpns.length} VPNs
      </span>
    </div>
  );
  return { found, find };
}
