/** SAs and those who have them, as the model of charon keeps them. */

export interface Child {
  name: string;
  /** Networks, with commas between them. */
  local_ts: string;
  remote_ts: string;
  /** As list-conns has it; unless given: TUNNEL. */
  mode?: string;
  /** Of the XFRM interface that its packets pass; `unique`: one for each SA that is no rekey. */
  if_id?: number | "unique";
}

/** A connection; unless it names children, it has one with its own name. */
export interface Connection extends Child {
  local: string;
  remote: string;
  /** Of IKE; unless given: 2. */
  version?: 1 | 2;
  children?: Child[];
  /** Addresses that this end has given to the peer. */
  remote_vips?: string[];
  /** Of a CHILD_SA; 0: no limit. */
  lifetime_s?: number;
  /** When charon rekeys a CHILD_SA by itself, after this many seconds; 0: never. */
  rekey_s?: number;
  /** Likewise an IKE_SA. */
  ike_rekey_s?: number;
  /** When it authenticates an IKE_SA anew; 0: never. */
  reauth_s?: number;
  /** Seconds between its DPD messages, as it lists them; 0: off. */
  dpd_s?: number;
}

export interface IkeSa {
  id: number;
  connection: Connection;
  /** Its peer's address. */
  remote: string;
  state: "CONNECTING" | "ESTABLISHED" | "REKEYING" | "REKEYED" | "DELETING";
  initiator: boolean;
  /** Whether the peer has said anything on it. */
  answered: boolean;
  /**
   * Known to be behind NAT, so on port 4500 (RFC 7296, 2.23; RFC 3947, 4): by the peer's first
   * answer, of IKEv1 by its second, or from before.
   */
  floated: boolean;
  /** The peer has lost it: nothing on it is answered, and none of its CHILD_SAs works. */
  forgotten: boolean;
  established_s: number;
  /** The first is at work, the others wait for it: one exchange at a time. */
  tasks: Task[];
  children: ChildSa[];
}

/** What is to be negotiated on an IKE_SA. */
export interface Task {
  /** As charon names it. */
  name: string;
  /** When its turn has come; false: there is nothing to do any more. */
  begin?: () => boolean | void;
  /** What each answer of the peer's brings; false: it has refused, and that is the end. */
  answers: (() => boolean | void)[];
  /** Of a CHILD_CREATE: it can come with the IKE_SA. */
  child?: Child;
}

export interface ChildSa {
  id: number;
  config: Child;
  ike: IkeSa;
  state: "INSTALLED" | "REKEYING" | "REKEYED" | "DELETING" | "DELETED";
  spi_in: number;
  spi_out: number;
  packets_in: number;
  packets_out: number;
  /** What came in by packets that are longer than an echo, beyond its length. */
  long_bytes_in: number;
  installed_s: number;
  /** It carries nothing, although both ends have it. */
  dead: boolean;
  /** Its hard lifetime is over: the kernel has it no more. */
  expired: boolean;
  /** 0: it belongs to no XFRM interface. */
  if_id: number;
}

/**
 * Whether it is strongSwan up to 5.9, or 6: since then a peer's rekey is told when the old SA is in
 * use at neither end, and reauthentication makes before it breaks (docs/strongswan.md).
 */
export type Generation = 5 | 6;

/** What comes of two rekeys at once. */
export type Collision = "ours stays" | "theirs stays" | "only theirs";

/** The other end of a connection. */
export interface Peer {
  /** Nothing comes back from it. */
  silent: boolean;
  /** It answers IKE, and refuses what is asked. */
  refuses: boolean;
  /** Of the children it refuses these (TS_UNACCEPTABLE), and takes the others. */
  refused_children: Set<string>;
  /** How long an IKE exchange takes. */
  exchange_ms: number;
  /** As a strongSwan of its own. */
  generation: Generation;
  /** With its first IKE_SA after a restart it says that there are no others (RFC 7296, 2.4). */
  initial_contact: boolean;
}

/** Its rekey's turn has come; false: it is not there any more, or no longer the one in use. */
export function beginRekey(child: ChildSa): boolean {
  if (child.state !== "INSTALLED" || !child.ike.children.includes(child)) return false;
  child.state = "REKEYING";
  return true;
}

/** Whether it carries packets, as far as our end knows. */
export function isInUse(child: ChildSa): boolean {
  return !isReplaced(child) && !child.expired;
}

/** Another one carries what it did. */
export function isReplaced({ state }: ChildSa): boolean {
  return state === "REKEYED" || state === "DELETED";
}
