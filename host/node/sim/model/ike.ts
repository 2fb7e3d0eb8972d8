/**
 * IKE_SAs and CHILD_SAs made of nothing, with peers whose faults a test chooses. What becomes of
 * them, and how long that takes, is what strongSwan was measured to do; tests/lab/model.test.ts
 * holds it to that.
 */
import { childrenOf, childSection, ikeSection, LIFETIME_S, REKEY_S } from "./charon_messages.ts";
import {
  beginRekey,
  isInUse,
  isReplaced,
  type Child,
  type ChildSa,
  type Collision,
  type Connection,
  type Generation,
  type IkeSa,
  type Task,
} from "./ike_sa.ts";
import { Sas } from "./sas.ts";

/** How long a forced removal takes (measured), and how long charon lists what it has deleted. */
const FORCED_MS = 33;
const DELETED_MS = 5_000;
/** charon.retransmit_timeout 4 s, _base 1.8, _tries 5: it gives up after 165 s. */
const RETRANSMISSIONS_MS = [0, 1, 2, 3, 4, 5].map((i) => Math.round(4000 * 1.8 ** i));

export abstract class Ike extends Sas {
  generation: Generation = 5;
  /** It tells of what goes wrong (strongSwan 6.0.3 and later). */
  alerts = false;
  /** It tells when it will rekey a CHILD_SA, and then does not. */
  forgets_to_rekey = false;
  /** How long it waits for an answer, try by try. */
  retransmissions_ms = RETRANSMISSIONS_MS;

  /** An operator removes every SA, or those of a connection. */
  removeAll(name?: string): void {
    for (const ike of [...this.ikes]) {
      if (name === undefined || ike.connection.name === name) this.removeIke(ike);
    }
  }

  /**
   * An SA comes about without the engine: by hand, by traffic, or because the peer wants it, whose
   * address the connection may leave open.
   */
  establish(name: string, initiator = true, remote?: string): ChildSa {
    const connection = this.connectionOf(name);
    if (!initiator) this.hearInitialContact(connection, remote ?? connection.remote);
    const ike = this.addIke(connection, initiator, remote);
    this.establishIke(ike);
    return this.bringUp(ike, childrenOf(connection)[0]!);
  }

  /** The peer initiates, and retransmits until it is heard. */
  peerInitiates(name: string, tries = 0): void {
    const lost = this.isLost(name);
    const wait_ms = lost ? this.retransmissions_ms[tries]! : this.peer(name).exchange_ms;
    this.clock.after(wait_ms, () => {
      if (!lost) this.establish(name, false);
      else if (tries + 1 < this.retransmissions_ms.length) this.peerInitiates(name, tries + 1);
    });
  }

  /** A peer that knows none of the IKE_SAs says so: they go. */
  private hearInitialContact({ name }: Connection, remote: string): void {
    const known = this.ikesOf(name).filter((ike) => ike.remote === remote);
    if (!this.peer(name).initial_contact || known.some(({ forgotten }) => !forgotten)) return;
    for (const ike of known) this.removeIke(ike);
  }

  /** The peer loads another configuration: IKE_SAs without a CHILD_SA are closed since 6.0. */
  peerReloads(name: string): void {
    if (this.peer(name).generation === 5) return;
    const childless = this.ikesOf(name).filter(({ children }) => children.length === 0);
    for (const ike of childless) {
      if (ike.state === "ESTABLISHED") this.peerSays(ike, 0.5, () => this.terminateIke(ike, false));
    }
  }

  /** The peer begins to negotiate, and comes to no end. */
  beginInVain(name: string, for_ms: number): void {
    const ike = this.addIke(this.connectionOf(name), false);
    this.clock.after(for_ms, () => this.removeIke(ike));
  }

  /** A further CHILD_SA on an IKE_SA; one that replaces another keeps its if_id. */
  addChild(ike: IkeSa, config: Child, old?: ChildSa): ChildSa {
    const child = this.newChild(ike, config, old);
    const { lifetime_s = LIFETIME_S, rekey_s = REKEY_S } = ike.connection;
    if (lifetime_s > 0) this.clock.after(lifetime_s * 1000, () => this.expire(child));
    if (rekey_s > 0) {
      this.clock.after(rekey_s * 1000, () => {
        if (!this.forgets_to_rekey) this.rekeyChild(child);
      });
    }
    return child;
  }

  /** A CHILD_SA comes about, and an event tells. */
  private bringUp(ike: IkeSa, config: Child): ChildSa {
    const child = this.addChild(ike, config);
    this.tell("child-updown", ike, { up: "yes" }, [child]);
    return child;
  }

  removeChild(child: ChildSa): void {
    const { children } = child.ike;
    if (!children.includes(child)) return;
    const told = !isReplaced(child);
    child.state = "DELETED";
    children.splice(children.indexOf(child), 1);
    if (told) this.tell("child-updown", child.ike, {}, [child]);
  }

  /** The hard lifetime is over: one that was not replaced is made anew. */
  protected expire(child: ChildSa): void {
    if (isReplaced(child) || !child.ike.children.includes(child)) {
      this.removeChild(child);
      return;
    }
    child.expired = true;
    this.terminateChild(child);
    this.createChild(child.ike, child.config);
  }

  /** An IKE_SA goes, and what is on it. */
  removeIke(ike: IkeSa): void {
    if (!this.ikes.includes(ike)) return;
    this.ikes = this.ikes.filter((other) => other !== ike);
    // Of one that was never established, or has been replaced, no event tells.
    if (ike.state === "CONNECTING" || ike.state === "REKEYED") return;
    const children = ike.children.filter((child) => !isReplaced(child));
    this.tell("ike-updown", ike);
    for (const child of children) this.tell("child-updown", ike, {}, [child]);
  }

  protected connectIke(ike: IkeSa): void {
    const v1 = ike.connection.version === 1;
    const answered = (): void => {
      ike.answered = true;
      ike.floated ||= !v1;
    };
    const floated = (): void => void (ike.floated = true);
    const authenticated = (): void => {
      if (this.peer(ike.connection.name).refuses) this.refuseIke(ike);
      else this.establishIke(ike);
    };
    const answers = v1 ? [answered, floated, authenticated] : [answered, authenticated];
    this.start(ike, { name: "IKE_INIT", answers });
  }

  private refuseIke(ike: IkeSa): void {
    this.alert("local-auth-failed", ike);
    this.tell("ike-updown", ike);
    this.removeIke(ike);
  }

  protected createChild(ike: IkeSa, config: Child): void {
    const name = ike.connection.version === 1 ? "QUICK_MODE" : "CHILD_CREATE";
    this.start(ike, { name, child: config, answers: [() => this.childAnswered(config, ike)] });
  }

  private childAnswered(config: Child, ike: IkeSa): void {
    // An existing duplicate: the task fails.
    if (ike.children.some((sa) => sa.config === config && sa.state === "INSTALLED")) return;
    if (!this.refuses(ike, config)) {
      this.bringUp(ike, config);
      return;
    }
    this.alert("ts-mismatch", ike);
    this.alert("keep-on-child-sa-failure", ike);
  }

  private refuses({ connection }: IkeSa, { name }: Child): boolean {
    const { refuses, refused_children } = this.peer(connection.name);
    return refuses || refused_children.has(name);
  }

  /** Make before break, by us or by the peer. */
  rekeyChild(child: ChildSa, ours = true): void {
    if (ours) {
      this.start(child.ike, this.rekeyTask(child));
    } else if (child.state === "INSTALLED" && child.ike.children.includes(child)) {
      this.peerSays(child.ike, 1, this.replaceForPeer(child));
    }
  }

  /** The peer has another one; answers what its DELETE of the old one brings. */
  private replaceForPeer(old: ChildSa): () => void {
    if (this.generation === 5) {
      this.replaceChild(old, "REKEYED");
      return () => this.retire(old);
    }
    const fresh = this.addChild(old.ike, old.config, old);
    old.state = "REKEYED";
    return () => {
      if (!old.ike.children.includes(old)) return;
      this.retire(old);
      this.tellRekeyed(old, fresh);
    };
  }

  private rekeyTask(child: ChildSa): Task {
    const v1 = child.ike.connection.version === 1;
    const answered = (): boolean => {
      if (!child.ike.children.includes(child)) return false;
      // Selectors once agreed on are rekeyed, whatever the peer's configuration says by now.
      if (this.peer(child.ike.connection.name).refuses) {
        child.state = "INSTALLED";
        return false;
      }
      this.replaceChild(child, v1 || this.generation === 6 ? "REKEYING" : "REKEYED");
      child.state = v1 ? "REKEYED" : "DELETING";
      return true;
    };
    const begin = (): boolean => beginRekey(child);
    return v1
      ? { name: "QUICK_MODE", begin, answers: [answered] }
      : { name: "CHILD_REKEY", begin, answers: [answered, () => this.retire(child)] };
  }

  /**
   * Both ends rekey it at once (RFC 7296, 2.8.1). Their new one is there first; of ours and theirs
   * one is too many, and goes again, unless one of the requests was refused. The peer's DELETE
   * takes so many exchanges.
   */
  collide(child: ChildSa, outcome: Collision, delete_exchanges = 0.5): void {
    const { ike } = child;
    const peerDeletes = (sa: ChildSa): void =>
      this.peerSays(ike, delete_exchanges, () => this.retire(sa));
    let theirs = child;
    let loser = child;
    const heard = (): boolean => {
      if (!child.ike.children.includes(child)) return false;
      const deleted = this.replaceForPeer(child);
      theirs = ike.children.at(-1)!;
      if (outcome !== "ours stays") this.peerSays(ike, delete_exchanges, deleted);
      return true;
    };
    const answered = (): boolean => {
      if (outcome === "only theirs") return false;
      if (outcome === "ours stays") {
        this.replaceChild(child, "REKEYED");
        theirs.state = "REKEYED";
        peerDeletes(theirs);
      } else {
        loser = this.addChild(ike, child.config, child);
      }
      loser.state = "DELETING";
      return true;
    };
    const answers = [heard, answered, () => this.retire(loser)];
    this.start(ike, { name: "CHILD_REKEY", begin: () => beginRekey(child), answers });
  }

  /** The new one is there; an event tells of both. */
  private replaceChild(old: ChildSa, state: "REKEYING" | "REKEYED"): ChildSa {
    old.state = state;
    const fresh = this.addChild(old.ike, old.config, old);
    this.tellRekeyed(old, fresh);
    return fresh;
  }

  private tellRekeyed(old: ChildSa, fresh: ChildSa): void {
    const { ike, config } = old;
    const both = { old: childSection(old, this.now_s), new: childSection(fresh, this.now_s) };
    const children = { "child-sas": { [config.name]: both } };
    this.say("child-rekey", {
      [ike.connection.name]: { ...ikeSection(ike, this.now_s), ...children },
    });
  }

  /** What has been replaced is listed for a while. */
  private retire(child: ChildSa): void {
    child.state = "DELETED";
    this.clock.after(DELETED_MS, () => this.removeChild(child));
  }

  rekeyIke(old: IkeSa, ours = true): void {
    if (!ours) {
      if (old.state !== "ESTABLISHED") return;
      if (this.generation === 6) old.state = "REKEYING";
      this.replaceIke(old, false);
      old.state = "REKEYED";
      const { exchange_ms } = this.peer(old.connection.name);
      this.clock.after(exchange_ms, () => this.removeIke(old));
      return;
    }
    const begin = (): boolean => {
      if (old.state !== "ESTABLISHED") return false;
      old.state = "REKEYING";
      return true;
    };
    const answered = (): void => {
      this.replaceIke(old, true);
      old.state = "DELETING";
    };
    const deleted = (): void => {
      old.state = "REKEYED";
      this.removeIke(old);
    };
    this.start(old, { name: "IKE_REKEY", begin, answers: [answered, deleted] });
  }

  /** The new IKE_SA takes over the CHILD_SAs, and what waits to be negotiated. */
  private replaceIke(old: IkeSa, initiator: boolean): void {
    const fresh = this.addIke(old.connection, initiator, old.remote);
    this.becomeEstablished(fresh);
    fresh.children = old.children;
    for (const child of fresh.children) child.ike = fresh;
    old.children = [];
    const both = { old: ikeSection(old, this.now_s), new: ikeSection(fresh, this.now_s) };
    this.say("ike-rekey", { [old.connection.name]: both });
    for (const task of old.tasks.splice(1)) this.start(fresh, task);
  }

  /** By force: the peer is not waited for. */
  protected force(ike: IkeSa): void {
    const v1 = ike.connection.version === 1;
    this.clock.after(FORCED_MS, () => {
      if (v1) for (const child of [...ike.children]) this.removeChild(child);
      if (ike.state === "ESTABLISHED" && (v1 || ike.tasks.length === 0)) ike.state = "DELETING";
      this.removeIke(ike);
    });
  }

  /** By a DELETE, ours or the peer's. */
  terminateChild(child: ChildSa, ours = true): void {
    if (!ours) {
      this.removeChild(child);
      return;
    }
    const begin = (): boolean => {
      if (isReplaced(child) || !child.ike.children.includes(child)) return false;
      child.state = "DELETING";
      return true;
    };
    const answers = [() => this.removeChild(child)];
    this.start(child.ike, { name: "CHILD_DELETE", begin, answers });
  }

  terminateIke(ike: IkeSa, ours = true): void {
    const begin = (): void => void (ike.state = "DELETING");
    if (ours) {
      this.start(ike, { name: "IKE_DELETE", begin, answers: [() => this.removeIke(ike)] });
    } else {
      begin();
      this.removeIke(ike);
    }
  }

  private reauthenticate(ike: IkeSa): void {
    if (!this.ikes.includes(ike) || ike.state !== "ESTABLISHED") return;
    const configs = ike.children.filter(isInUse).map(({ config }) => config);
    const begin = (): IkeSa => {
      const fresh = this.addIke(ike.connection, true, ike.remote);
      fresh.floated = true;
      this.connectIke(fresh);
      for (const config of configs) this.createChild(fresh, config);
      return fresh;
    };
    if (this.generation === 6) this.makeBeforeBreak(ike, begin());
    else this.breakBeforeMake(ike, begin);
  }

  private breakBeforeMake(ike: IkeSa, begin_anew: () => void): void {
    const deleted = (): void => {
      this.removeIke(ike);
      begin_anew();
    };
    const begin = (): void => void (ike.state = "DELETING");
    this.start(ike, { name: "IKE_REAUTH", begin, answers: [deleted] });
  }

  /** The old one goes when all CHILD_SAs are on the new one. */
  private makeBeforeBreak(ike: IkeSa, fresh: IkeSa): void {
    const begin = (): boolean => {
      if (this.ikes.includes(ike)) this.terminateIke(ike);
      return false;
    };
    this.start(fresh, { name: "IKE_REAUTH_COMPLETE", begin, answers: [] });
  }

  /** Puts a task behind those that the IKE_SA has. */
  private start(ike: IkeSa, task: Task): void {
    ike.tasks.push(task);
    if (ike.tasks.length === 1) this.work(ike);
  }

  private work(ike: IkeSa): void {
    const [task] = ike.tasks;
    if (task === undefined) return;
    if (task.begin?.() === false) this.finish(ike, task);
    else this.proceed(ike, task, 0);
  }

  private proceed(ike: IkeSa, task: Task, index: number): void {
    const answer = task.answers[index];
    if (answer === undefined) {
      this.finish(ike, task);
      return;
    }
    this.exchange(ike, 0, () => {
      if (answer() === false) this.finish(ike, task);
      else this.proceed(ike, task, index + 1);
    });
  }

  private finish(ike: IkeSa, task: Task): void {
    ike.tasks = ike.tasks.filter((other) => other !== task);
    this.work(ike);
  }

  /** A request, retransmitted until it is answered or given up. */
  private exchange(ike: IkeSa, tries: number, answered: () => void): void {
    const { name } = ike.connection;
    const lost = ike.forgotten || this.isLost(name);
    const wait_ms = lost ? this.retransmissions_ms[tries]! : this.peer(name).exchange_ms;
    this.clock.after(wait_ms, () => {
      if (!this.ikes.includes(ike)) return;
      if (!lost) {
        answered();
      } else if (tries + 1 < this.retransmissions_ms.length) {
        this.alert("retransmit-send", ike);
        this.exchange(ike, tries + 1, answered);
      } else {
        this.alert("retransmit-send-timeout", ike);
        this.removeIke(ike);
      }
    });
  }

  /** What the peer says after so many exchanges, and again until it is heard. */
  private peerSays(ike: IkeSa, exchanges: number, what: () => void, tries = 0): void {
    const { name } = ike.connection;
    const wait_ms =
      tries === 0
        ? Math.round(exchanges * this.peer(name).exchange_ms)
        : this.retransmissions_ms[tries - 1]!;
    this.clock.after(wait_ms, () => {
      if (!this.isLost(name)) what();
      else if (tries < this.retransmissions_ms.length) this.peerSays(ike, 0, what, tries + 1);
      else ike.forgotten = true;
    });
  }

  /** What goes wrong on an IKE_SA. */
  private alert(type: string, ike: IkeSa): void {
    if (!this.alerts) return;
    const section = { [ike.connection.name]: ikeSection(ike, this.now_s) };
    this.say("alert", { type, "ike-sa": section });
  }

  /** The first CHILD_SA comes with it (RFC 7296, 1.2). */
  private establishIke(ike: IkeSa): void {
    this.becomeEstablished(ike);
    this.tell("ike-updown", ike, { up: "yes" });
    const [, next] = ike.tasks;
    if (next?.child === undefined || ike.connection.version === 1) return;
    this.childAnswered(next.child, ike);
    ike.tasks.splice(1, 1);
  }

  private becomeEstablished(ike: IkeSa): void {
    ike.state = "ESTABLISHED";
    ike.answered = ike.floated = true;
    ike.established_s = this.now_s;
    const { ike_rekey_s = 0, reauth_s = 0 } = ike.connection;
    if (ike_rekey_s > 0) this.clock.after(ike_rekey_s * 1000, () => this.rekeyIke(ike));
    if (reauth_s > 0) this.clock.after(reauth_s * 1000, () => this.reauthenticate(ike));
  }
}
