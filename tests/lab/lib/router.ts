import { host, lan, LANS, MONITOR, type Family, type Side } from "./addresses.ts";
import type { Namespace } from "./namespace.ts";

/*
 * Faults on the way between the gateways. With `encap = yes` ESP and IKE share UDP port 4500;
 * its first four bytes (64 bits into the transport header) are the SPI, or 0 before IKE
 * (RFC 3948, 2.1 and 2.2).
 */
const ESP = "udp dport 4500 @th,64,32 != 0";
const IKE = ["udp dport 500", "udp dport 4500 @th,64,32 0"];

const SIDES: Side[] = ["a", "b"];
const FAMILIES: Family[] = [4, 6];

/** What has a LAN's address as its source here left its gateway without IPsec. */
function clearRules(): string[] {
  const rules: string[] = [];
  for (const side of SIDES) {
    for (const family of FAMILIES) {
      const source = `${family === 4 ? "ip" : "ip6"} saddr`;
      for (let net = 0; net < LANS; net++) {
        rules.push(`${source} ${lan(side, net, family)} counter name all_${side}`);
        rules.push(`${source} ${host(side, MONITOR, net, family)} counter name monitor_${side}`);
      }
    }
  }
  return rules;
}

/** The router between the gateways: sees all that leaves them, and breaks what it is told to. */
export class Router {
  private readonly rules = new Set<string>();

  constructor(readonly namespace: Namespace) {}

  async prepare(): Promise<void> {
    await this.namespace.nft(`table inet lab_clear {
      ${SIDES.map((side) => `counter all_${side} { } ; counter monitor_${side} { }`).join("; ")}
      chain clear { type filter hook prerouting priority -300; ${clearRules().join("; ")}; }
    }
    table inet lab_fault {
      chain fault { type filter hook forward priority 0; }
    }`);
  }

  private async apply(): Promise<void> {
    const rules = [...this.rules].map(
      (rule) => `add rule inet lab_fault fault ${rule} counter drop`,
    );
    await this.namespace.nft(["flush chain inet lab_fault fault", ...rules].join("\n"));
  }

  private async add(...rules: string[]): Promise<void> {
    for (const rule of rules) this.rules.add(rule);
    await this.apply();
  }

  /** Makes exactly one SA dead in one direction: `spi` as strongSwan lists it, 8 hex digits. */
  async dropSpi(...spis: string[]): Promise<void> {
    await this.add(...spis.map((spi) => `udp dport 4500 @th,64,32 0x${spi}`));
  }

  /** No ESP passes; IKE lives. */
  dropEsp(): Promise<void> {
    return this.add(ESP);
  }

  /** No IKE passes; ESP lives. */
  dropIke(): Promise<void> {
    return this.add(...IKE);
  }

  /** The same as lines for a shell: nothing passes, and all does again. */
  lines(): string[] {
    const nft = `ip netns exec ${this.namespace.name} nft`;
    return [
      `${nft} add rule inet lab_fault fault counter drop  # cuts the way`,
      `${nft} flush chain inet lab_fault fault  # heals it`,
    ];
  }

  /** Nothing passes in either direction. */
  cut(): Promise<void> {
    return this.add("meta nfproto { ipv4, ipv6 }");
  }

  /** Drops what nft's expression matches, e.g. one direction by its source address. */
  drop(match: string): Promise<void> {
    return this.add(match);
  }

  /** All faults end. */
  async heal(): Promise<void> {
    this.rules.clear();
    await this.apply();
  }

  /**
   * Packets that left a side's gateway in the clear: with a LAN's address as source, or only
   * those of the monitor.
   */
  async clear(side: Side, from: "all" | "monitor" = "all"): Promise<number> {
    return this.namespace.count(`${from}_${side}`, "lab_clear");
  }
}
