/** The IKE daemon of a run, and its peers behind lossy paths. */
import {
  Charon,
  type ChildSa,
  type Child,
  type IkeSa,
  type Connection,
  type Surroundings,
} from "./model/charon.ts";
import type { Section } from "./model/vici.ts";

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

  override addChild(ike: IkeSa, config: Child, old?: ChildSa): ChildSa {
    const child = super.addChild(ike, config, old);
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

  protected override expire(child: ChildSa): void {
    super.expire(child);
    this.watcher.childrenChanged(child.ike.connection.name, false);
  }

  override removeIke(ike: IkeSa): void {
    const untold = ike.state === "CONNECTING" || ike.state === "REKEYED";
    super.removeIke(ike);
    if (untold) this.watcher.childrenChanged(ike.connection.name, false);
  }

  protected override say(event: string, message: Section): void {
    for (const { name } of this.connections) {
      if (name in message) this.watcher.childrenChanged(name, !this.hangs);
    }
    super.say(event, message);
  }

  override restart(): void {
    super.restart();
    for (const { name } of this.connections) this.watcher.childrenChanged(name, true);
  }

  /** The CHILD_SAs of a connection vanish, and no event tells. */
  loseChildren(name: string): void {
    for (const ike of this.ikesOf(name)) ike.children = [];
    this.watcher.childrenChanged(name, false);
  }

  /** How many negotiations on the IKE_SA are not finished. */
  unfinished(ike: IkeSa): number {
    return ike.tasks.filter((task) => task.name === "CHILD_CREATE").length;
  }

  protected override isLost(connection: string): boolean {
    return this.watcher.ikeLost(connection);
  }
}
