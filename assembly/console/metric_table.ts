/** What Prometheus is told: of the daemon, and of each VPN. docs/monitoring.md explains it. */
import { Writer } from "../bytes/writer";
import { engine_started_at_ms, loadedAt, refusedMistakes } from "../config/history";
import { VpnFlag } from "../config/model";
import { droppedEvents, lostEvents } from "../event/log";
import { isReady } from "../ike/vici/session";
import { availability } from "../monitor/samples";
import { isProtected } from "../monitor/protection";
import { gatewayAt } from "../sa/gateway";
import { phase1At } from "../sa/phase1";
import { phase2At } from "../sa/phase2";
import { Note, State, tunnelId, Vpn } from "../sa/vpn";
import { VERSION } from "../version";
import {
  also,
  alsoState,
  alsoText,
  bytesCounter,
  counter,
  endLabels,
  flag,
  gauge,
  info,
  labeled,
  labeledText,
  ratio,
  sample,
  seconds,
  stateset,
  whole,
} from "./metric_family";
import { averageDelay } from "./get_vpn";
import { secondsUntil } from "./sta";

/** The families of the daemon itself. */
export function daemonFamilies(): void {
  if (info("rekeyd_build", "Version of rekeyd.")) {
    version();
  }
  if (seconds("rekeyd_engine_start_time_seconds", "When the engine began.")) {
    time(engine_started_at_ms);
  }
  if (gauge("rekeyd_vici_connected", "Whether strongSwan can be asked.")) {
    flag(sample(), isReady());
  }
  if (gauge("rekeyd_configuration_refused", "Whether the file read last had mistakes.")) {
    flag(sample(), refusedMistakes() > 0);
  }
  if (seconds("rekeyd_configuration_load_time_seconds", "When the one in force was read.")) {
    time(loadedAt());
  }
  if (counter("rekeyd_events_lost", "Events never logged: too many at the same time.")) {
    whole(sample(), lostEvents());
  }
  if (counter("rekeyd_events_dropped", "Events that newer ones took the place of.")) {
    whole(sample(), droppedEvents());
  }
}

/** The families of the VPNs; samples are about this one. */
export function vpnFamilies(vpn: Vpn, index: i32): void {
  if (info("rekeyd_vpn", "What it is in strongSwan, and its SA's ID.")) {
    what(vpn, index);
  }
  if (stateset("rekeyd_vpn_state", "State of the VPN, as get vpn shows it.")) {
    stateOf(vpn);
  }
  if (gauge("rekeyd_vpn_up", "Whether the VPN is up: its echoes are answered.")) {
    flag(its(vpn), vpn.state == State.UP);
  }
  if (gauge("rekeyd_vpn_monitor", "Whether the VPN is to be monitored.")) {
    flag(its(vpn), vpn.config.has(VpnFlag.MONITOR));
  }
  if (gauge("rekeyd_vpn_rekey", "Whether it is to be made anew when it is down.")) {
    flag(its(vpn), vpn.config.has(VpnFlag.REKEY));
  }
  if (gauge("rekeyd_vpn_protected", "Whether nothing keeps it from being monitored.")) {
    flag(its(vpn), isProtected(vpn));
  }
  if (gauge("rekeyd_vpn_target_silent", "Whether traffic comes in, but never an answer.")) {
    flag(its(vpn), vpn.noted(Note.SILENT));
  }
  if (seconds("rekeyd_vpn_delay_last_seconds", "Round-trip time of the last answer.")) {
    delayLast(vpn);
  }
  if (seconds("rekeyd_vpn_delay_average_seconds", "Rolling average of them.")) {
    delayAverage(vpn);
  }
  if (ratio("rekeyd_vpn_availability_ratio", "Rounds answered of the last 30.")) {
    available(vpn);
  }
  if (counter("rekeyd_vpn_echoes_sent", "Echoes sent.")) {
    whole(its(vpn), vpn.echoes_sent);
  }
  if (counter("rekeyd_vpn_echoes_answered", "Echoes answered.")) {
    whole(its(vpn), vpn.echoes_answered);
  }
  if (counter("rekeyd_vpn_rounds_missed", "Rounds that too few targets answered.")) {
    whole(its(vpn), vpn.rounds_missed);
  }
  if (counter("rekeyd_vpn_downs", "How often the VPN went down.")) {
    whole(its(vpn), vpn.downs);
  }
  if (counter("rekeyd_vpn_negotiations", "Negotiations that strongSwan was asked for.")) {
    whole(its(vpn), vpn.negotiations);
  }
  if (counter("rekeyd_vpn_rekeys", "Successful renegotiations that rekeyd asked for.")) {
    whole(its(vpn), vpn.rekeys);
  }
  if (gauge("rekeyd_vpn_ike_sas", "IKE_SAs (Phase 1) with the gateway.")) {
    whole(its(vpn), ikeSas(vpn));
  }
  if (gauge("rekeyd_vpn_child_sas", "CHILD_SAs (Phase 2) of the VPN.")) {
    whole(its(vpn), childSas(vpn));
  }
  if (seconds("rekeyd_vpn_sa_lifetime_seconds", "What is left of the SA's lifetime.")) {
    lifetime(vpn);
  }
  if (counter("rekeyd_vpn_sa_packets", "Packets of the SA in use.")) {
    packets(vpn);
  }
  if (bytesCounter("rekeyd_vpn_sa_bytes", "Bytes of the SA in use.")) {
    bytes(vpn);
  }
}

/** Begins the VPN's sample; its value follows. */
function its(vpn: Vpn): Writer {
  labeled("vpn", vpn.config.name);
  return endLabels();
}

function thousandths(w: Writer, value: i64): void {
  w.seconds(value).u8(0x0a);
}

function millionths(w: Writer, value: i64): void {
  w.decimal(value / 1_000_000)
    .u8(0x2e)
    .padded(value % 1_000_000, 6)
    .u8(0x0a);
}

/** Nothing where there was none yet, likewise below. */
function time(since_1970_ms: i64): void {
  if (since_1970_ms > 0) thousandths(sample(), since_1970_ms);
}

function delayLast(vpn: Vpn): void {
  if (vpn.delay_last_ms >= 0) thousandths(its(vpn), vpn.delay_last_ms);
}

function delayAverage(vpn: Vpn): void {
  if (vpn.delay_avg_16 >= 0) millionths(its(vpn), averageDelay(vpn));
}

function available(vpn: Vpn): void {
  const percent = availability(vpn);
  if (percent >= 0) thousandths(its(vpn), 10 * percent);
}

function version(): void {
  labeledText("version", VERSION);
  whole(endLabels(), 1);
}

function what(vpn: Vpn, index: i32): void {
  labeled("vpn", vpn.config.name);
  also("gateway", vpn.config.gateway);
  also("child", vpn.config.child).text(',id="').hex(tunnelId(index)).u8(0x22);
  whole(endLabels(), 1);
}

/** A sample for each state, of which one is 1. */
function stateOf(vpn: Vpn): void {
  isState(vpn, State.INACTIVE, "inactive");
  isState(vpn, State.READY, "ready");
  isState(vpn, State.UP, "up");
  isState(vpn, State.DOWN, "down");
}

function isState(vpn: Vpn, state: State, word: string): void {
  labeled("vpn", vpn.config.name);
  alsoState(word);
  flag(endLabels(), vpn.state == state);
}

function ikeSas(vpn: Vpn): i32 {
  let count = 0;
  for (let i = gatewayAt(vpn.gateway).first_phase1; i >= 0; i = phase1At(i).next) count++;
  return count;
}

function childSas(vpn: Vpn): i32 {
  let count = 0;
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) count++;
  return count;
}

function lifetime(vpn: Vpn): void {
  if (vpn.current < 0) return;
  const expires_at_ms = phase2At(vpn.current).expires_at_ms;
  if (expires_at_ms != 0) whole(its(vpn), secondsUntil(expires_at_ms));
}

function packets(vpn: Vpn): void {
  if (vpn.current < 0) return;
  const sa = phase2At(vpn.current);
  directed(vpn, "in", sa.packets_in);
  directed(vpn, "out", sa.packets_out);
}

function bytes(vpn: Vpn): void {
  if (vpn.current < 0) return;
  const sa = phase2At(vpn.current);
  directed(vpn, "in", sa.bytes_in);
  directed(vpn, "out", sa.bytes_out);
}

function directed(vpn: Vpn, direction: string, value: i64): void {
  labeled("vpn", vpn.config.name);
  alsoText("direction", direction);
  whole(endLabels(), value);
}
