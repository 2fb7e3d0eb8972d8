/**
 * Models that are a little wrong: each must be told from strongSwan by the scenario that is named,
 * or the comparison would be worth nothing.
 */
import type { Section } from "../../host/node/sim/model/vici.ts";
import type { Child, ChildSa, Generation, IkeSa } from "../../host/node/sim/model/charon.ts";
import { failure, success } from "../../host/node/sim/model/charon_messages.ts";
import type { Change } from "./model_stage.ts";

/** What of the model a mutant puts something else in place of. */
interface Inside {
  generation: Generation;
  say(event: string, message: Section): void;
  initiate(ike: string, child: string): Buffer[];
  listSa(ike: IkeSa): Section;
  ikes: IkeSa[];
  bringUp(ike: IkeSa, config: Child): ChildSa;
  collide(child: ChildSa): void;
  rekeyChild(child: ChildSa): void;
  removeIke(ike: IkeSa): void;
  expire(child: ChildSa): void;
  retire(child: ChildSa): void;
  peer(name: string): { initial_contact: boolean };
  rekeyIke(ike: IkeSa, ours: boolean): void;
}

export interface Mutant {
  name: string;
  scenario: string;
  change: Change;
}

function mutant(name: string, scenario: string, change: (model: Inside) => void): Mutant {
  return { name, scenario, change: (peers) => change(peers as unknown as Inside) };
}

/** Events that are not said. */
function withoutEvent(event: string, when: (message: Section) => boolean = () => true) {
  return (model: Inside): void => {
    const say = model.say.bind(model);
    model.say = (name, message) => {
      if (name !== event || !when(message)) say(name, message);
    };
  };
}

/** Lists in which an IKE_SA looks otherwise. */
function lists(change: (sa: Section, children: Section[]) => void) {
  return (model: Inside): void => {
    const listSa = model.listSa.bind(model);
    model.listSa = (ike) => {
      const message = listSa(ike);
      const sa = message[ike.connection.name] as Section;
      change(sa, Object.values((sa["child-sas"] ?? {}) as Section) as Section[]);
      return message;
    };
  };
}

const is_up = ({ up }: Section): boolean => up === "yes";
const is_down = ({ up }: Section): boolean => up !== "yes";

export const MUTANTS: Mutant[] = [
  mutant("does not say that an IKE_SA is up", "cold", withoutEvent("ike-updown", is_up)),
  mutant("does not say that a CHILD_SA is up", "cold", withoutEvent("child-updown", is_up)),
  mutant(
    "does not say that a CHILD_SA went",
    "terminated-child",
    withoutEvent("child-updown", is_down),
  ),
  mutant("does not say that a CHILD_SA was rekeyed", "dead-sa", withoutEvent("child-rekey")),
  mutant("does not say that an IKE_SA was rekeyed", "rekeyed-ike", withoutEvent("ike-rekey")),
  mutant("does not say that a peer refused", "refused-key", withoutEvent("ike-updown", is_down)),
  mutant("says yes to a child that it does not know", "unloaded", (model) => {
    const initiate = model.initiate.bind(model);
    model.initiate = (ike, child) => {
      initiate(ike, child);
      return [success()];
    };
  }),
  mutant("says no to an initiate that it carries out", "cold", (model) => {
    const initiate = model.initiate.bind(model);
    model.initiate = (ike, child) => {
      initiate(ike, child);
      return [failure("busy")];
    };
  }),
  mutant("forgets at once what was rekeyed", "rekeyed-child", (model) => {
    model.retire = (child) => {
      child.state = "DELETED";
      child.ike.children = child.ike.children.filter((other) => other !== child);
    };
  }),
  mutant("does not hear INITIAL_CONTACT", "peer-initiates", (model) => {
    model.peer("s2s").initial_contact = false;
  }),
  mutant("does not make anew what expired", "hard-expiry", (model) => {
    model.expire = (child) => {
      child.state = "DELETED";
      child.ike.children = [];
      model.say("child-updown", model.listSa(child.ike));
    };
  }),
  mutant("rekeys an IKE_SA in the old role", "rekeyed-ike", (model) => {
    const rekeyIke = model.rekeyIke.bind(model);
    model.rekeyIke = (ike) => rekeyIke(ike, true);
  }),
  mutant("keeps both SAs when both ends rekey", "collision", (model) => {
    const bringUp = (child: ChildSa): void => void model.bringUp(child.ike, child.config);
    model.collide = bringUp;
    model.rekeyChild = bringUp;
  }),
  mutant("tells of a rekey as another strongSwan does", "rekeyed-child", (model) => {
    model.generation = model.generation === 5 ? 6 : 5;
  }),
  mutant("breaks where the other makes", "reauthenticated", (model) => {
    model.generation = model.generation === 5 ? 6 : 5;
  }),
  mutant("gives up without a word", "given-up", (model) => {
    model.removeIke = (ike) => model.ikes.splice(model.ikes.indexOf(ike), 1);
  }),
  mutant(
    "lists a silent peer as one that answered",
    "unreachable",
    lists((sa) => {
      sa["responder-spi"] = "fedcba9876543210";
    }),
  ),
  mutant(
    "lists no tasks",
    "unreachable",
    lists((sa) => {
      delete sa["tasks-active"];
      delete sa["tasks-queued"];
    }),
  ),
  mutant(
    "lists REKEYING as INSTALLED",
    "peer-restart",
    lists((_, children) => {
      for (const child of children) if (child["state"] === "REKEYING") child["state"] = "INSTALLED";
    }),
  ),
  mutant(
    "lists no rekey-time",
    "soft-expiry",
    lists((_, children) => {
      for (const child of children) delete child["rekey-time"];
    }),
  ),
  mutant(
    "lists no packets",
    "cold",
    lists((_, children) => {
      for (const child of children) child["packets-in"] = "0";
    }),
  ),
  mutant(
    "lists other selectors",
    "cold",
    lists((_, children) => {
      for (const child of children) child["remote-ts"] = ["10.0.0.0/8"];
    }),
  ),
];
