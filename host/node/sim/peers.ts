/** The IKE daemon of a run, with charon's retransmissions, and its peers behind lossy paths. */
import {
  Charon,
  type ChildSa,
  type Child,
  type IkeSa,
  type Connection,
  type Surroundings,
} from "../../../tests/sim/lib/charon.ts";

/** charon.retransmit_timeout 4 s, _base 1.8, _tries 5: it gives up after 165 s. */
const RETRANSMISSIONS_MS = [0, 1, 2, 3, 4, 5].map((i) => Math.round(4000 * 1.8 ** i));

/** What the world wants to know of it. */
export interface Watcher extends Surroundings {
  /** Whether a packet to the peer, or its answer, is lost. */
  ikeLost(connection: string): boolean;
  /** CHILD_SAs came or went. */
  childrenChanged(connection: string, told: boolean): void;
  /** The hard lifetime ends in a moment. */
  expires(child: ChildSa): void;
}

export class Peers extends Charon {
  /** Children that come with an IKE_SA that is being negotiated. */
  private readonly awaited = new Map<IkeSa, Child[]>();

  constructor(
    connections: Connection[],
    private readonly watcher: Watcher,
  ) {
    super(connections, watcher);
  }

  /** Whether ESP packets are understood at the other end; the path is the world's. */
  override works({ dead, ike }: ChildSa): boolean {
    return !dead && !ike.forgotten;
  }

  /** Whether what was sent on it can still come back on it. */
  carries(sa: ChildSa): boolean {
    return this.works(sa) && this.ikes.includes(sa.ike) && sa.ike.children.includes(sa);
  }

  override addChild(ike: IkeSa, config: Child): ChildSa {
    const child = super.addChild(ike, config);
    const { lifetime_s = 0 } = ike.connection;
    if (lifetime_s > 0) {
      this.watcher.after(lifetime_s * 1000 - 1, () => {
        if (child.state === "INSTALLED" && child.ike.children.includes(child)) {
          this.watcher.expires(child);
        }
      });
    }
    this.watcher.childrenChanged(ike.connection.name, true);
    return child;
  }

  override tell(event: string, ike: IkeSa, message = {}): void {
    this.watcher.childrenChanged(ike.connection.name, !this.hangs);
    super.tell(event, ike, message);
  }

  override restart(): void {
    super.restart();
    this.awaited.clear();
    for (const { name } of this.connections) this.watcher.childrenChanged(name, true);
  }

  /** The CHILD_SAs of a connection vanish, and no event tells. */
  loseChildren(name: string): void {
    for (const ike of this.ikesOf(name)) ike.children = [];
    this.watcher.childrenChanged(name, false);
  }

  /** The first child comes with its IKE_SA (RFC 7296, 1.2). */
  protected override createChild(ike: IkeSa, config: Child): void {
    if (ike.state !== "CONNECTING") super.createChild(ike, config);
    else this.awaited.set(ike, [...(this.awaited.get(ike) ?? []), config]);
  }

  protected override establishIke(ike: IkeSa): void {
    super.establishIke(ike);
    const awaited = this.awaited.get(ike) ?? [];
    this.awaited.delete(ike);
    for (const config of awaited) this.addChild(ike, config);
    if (awaited.length > 0) this.tell("child-updown", ike, { up: "yes" });
  }

  override removeIke(ike: IkeSa): void {
    this.awaited.delete(ike);
    super.removeIke(ike);
  }

  /** How many negotiations on the IKE_SA are not finished. */
  unfinished(ike: IkeSa): number {
    const awaited = this.awaited.get(ike)?.length ?? 0;
    return awaited + ike.tasks.filter((task) => task === "CHILD_CREATE").length;
  }

  /** One request after the other, each retransmitted until it is answered or given up. */
  protected override exchange(ike: IkeSa, count: number, done: () => void): void {
    if (count === 0) done();
    else this.send(ike, 0, () => this.exchange(ike, count - 1, done));
  }

  private send(ike: IkeSa, tries: number, answered: () => void): void {
    const { name } = ike.connection;
    const peer = this.peer(name);
    const lost = ike.forgotten || this.watcher.ikeLost(name);
    const wait_ms = lost ? RETRANSMISSIONS_MS[tries]! : peer.exchange_ms;
    this.watcher.after(wait_ms, () => {
      if (!this.ikes.includes(ike)) return;
      if (!lost) answered();
      else if (tries + 1 < RETRANSMISSIONS_MS.length) this.send(ike, tries + 1, answered);
      else this.removeIke(ike);
    });
  }
}
