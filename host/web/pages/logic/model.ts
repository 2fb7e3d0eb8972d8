/** What the engine's JSON holds, as far as the pages show it (docs/commands.md, JSON). */

export type State = "inactive" | "ready" | "up" | "down";

export interface Target {
  address: string;
  answered: boolean;
}

export interface ChildSa {
  id: number;
  current: boolean;
  state: string;
  spi_in: string;
  spi_out: string;
  algorithm: string;
  lifetime_s: number | null;
  rekey_s: number | null;
  installed_s: number;
  packets_in: number;
  packets_out: number;
  bytes_in: number;
  bytes_out: number;
  local_ts: string[];
  remote_ts: string[];
}

export interface IkeSa {
  id: number;
  state: string;
  version: number;
  algorithm: string;
  local: string | null;
  remote: string | null;
  remote_port: number;
  established_s: number | null;
  rekey_s: number | null;
  reauth_s: number | null;
}

export interface LogEvent {
  id: number;
  severity: string;
  time: string;
  vpn: string | null;
  text: string;
}

/** As `get interface` tells. */
export interface Interface {
  name: string;
  up: boolean;
  addresses: string[];
}

/** What `doctor` has found. */
export interface Finding {
  id: string;
  severity: "fatal" | "warning" | "note";
  vpn: string | null;
  text: string;
  advice: string;
}

export interface Vpn {
  name: string;
  gateway: string;
  child: string;
  id: string;
  /** The tunnel interface that it is bound to, and what it offers there. */
  interface: string | null;
  interface_state: "ready" | "up" | "down" | null;
  if_id: number | null;
  peer: string | null;
  monitor: boolean;
  rekey: boolean;
  optimized: boolean;
  sta: string;
  state: State;
  source: string | null;
  targets: Target[];
  interval_ms: number;
  threshold: number;
  recover: number;
  quorum: number | "all";
  size: number;
  delay_last_ms: number | null;
  delay_avg_ms: number | null;
  availability_percent: number | null;
  /** The last 30, the newest at the end: `1` answered, `0` missed. */
  rounds: string;
  echoes_sent: number;
  echoes_answered: number;
  misses: number;
  rekeys: number;
  negotiation: string;
  next: string;
  next_ms: number | null;
  ike: { known: boolean; version: number; dpd: boolean; dpd_delay_s: number; sas: IkeSa[] };
  listed_s: number | null;
  sas: ChildSa[];
}
