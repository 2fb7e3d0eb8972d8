/**
 * Every bound of the engine, in one place. A bound refuses with an ordinary
 * error long before the module's memory would end.
 */

/** VPNs that one configuration may name; MAX_CONFIG_BYTES holds some 30,000 of usual length. */
export const MAX_VPNS: i32 = 100_000;
/** Gateways (IKE connections) that the VPNs may name. */
export const MAX_GATEWAYS: i32 = MAX_VPNS;
/** IKE_SAs (Phase 1) that are kept from a listing. */
export const MAX_PHASE1: i32 = 2 * MAX_GATEWAYS;
/** CHILD_SAs (Phase 2) that are kept from a listing. */
export const MAX_PHASE2: i32 = 4 * MAX_VPNS;
/** CHILD_SAs of one VPN that are looked at; more than one is a duplicate or a rekey in progress. */
export const MAX_PHASE2_PER_VPN: i32 = 64;
/** Timers: one for each VPN, gateway and SA. */
export const MAX_TIMERS: i32 = MAX_VPNS + MAX_GATEWAYS + MAX_PHASE1 + MAX_PHASE2;

/** CHILD_SAs of a charon that is gone: what it takes to find them is kept (sa/orphan.ts). */
export const MAX_ORPHANS: i32 = 65_536;
/** Questions to the kernel about its SAs that may be open at the same time. */
export const MAX_SA_QUESTIONS: i32 = 64;

/** Bytes of a VPN's name (ScreenOS has 31). */
export const MAX_NAME_BYTES: i32 = 31;
/** Bytes of the name of a strongSwan connection or child. */
export const MAX_IKE_NAME_BYTES: i32 = 63;
/** Bytes of a network interface's name (IFNAMSIZ - 1). */
export const MAX_INTERFACE_BYTES: i32 = 15;
/** Bytes of a path in the configuration (sun_path's limit). */
export const MAX_PATH_BYTES: i32 = 107;
/** Destinations of one VPN. */
export const MAX_DESTINATIONS: i32 = 4;
/** Tunnel interfaces that one configuration may name, and the addresses of one. */
export const MAX_TUNNELS: i32 = 256;
export const MAX_TUNNEL_ADDRESSES: i32 = 4;
/** Static routes over them, and static entries of the next-hop tunnel binding table. */
export const MAX_ROUTES: i32 = 65_536;
export const MAX_NHTB: i32 = 16_384;
export const MAX_METRIC: i32 = i32.MAX_VALUE;
/** Networks in all lists of what peers are told and may announce. */
export const MAX_PREFIXES: i32 = 4_096;
/** Entries of that table, static and learned; networks that are learned. */
export const MAX_NEXT_HOPS: i32 = 2 * MAX_NHTB;
export const MAX_LEARNED: i32 = 16_384;
/** Routes that are kept in the kernel: each way of each of these, and those of probes. */
export const MAX_KERNEL_ROUTES: i32 = 4 * MAX_ROUTES;
/** An interface's MTU: what each host takes (RFC 791, 3.1), and what an IPv4 header can count. */
export const MIN_MTU: i32 = 576;
export const MAX_MTU: i32 = 65_535;
/** Traffic selectors kept for each side of a CHILD_SA; of more it is not known what they cover. */
export const MAX_SELECTORS: i32 = 8;
/** Virtual IPs kept for each side of an IKE_SA: one for each IP version. */
export const MAX_VIRTUAL_IPS: i32 = 2;
/** Bytes of an algorithm's name as `get sa` shows it. */
export const MAX_ALGORITHM_BYTES: i32 = 31;

/** One input: a configuration, a command, a read from the vici socket or from netlink. */
export const INPUT_BYTES: i32 = 4 << 20;
/** A configuration file. */
export const MAX_CONFIG_BYTES: i32 = INPUT_BYTES - 4096;
/** Errors that one configuration reports; the rest is counted. */
export const MAX_CONFIG_ERRORS: i32 = 50;
/** A command on the control socket. */
export const MAX_COMMAND_BYTES: i32 = 1024;
/** Commands that the grammar has. */
export const MAX_COMMANDS: i32 = 64;
/** A frame of the live screen: a larger window shows more of nothing. */
export const MAX_FRAME_COLUMNS: i32 = 512;
export const MAX_FRAME_ROWS: i32 = 256;
/** The answer to a command. */
export const MAX_REPLY_BYTES: i32 = 4 << 20;
/** What `metrics` answers at once; the rest of a longer document is asked for part by part. */
export const METRICS_PART_BYTES: i32 = 64 << 10;
/** Numbers of an SNMP object identifier (RFC 2578, 3.5). */
export const MAX_OID_NUMBERS: i32 = 128;
/** One vici packet (strongSwan's own limit). */
export const MAX_VICI_BYTES: i32 = 512 << 10;
/** One vici request of ours. */
export const MAX_VICI_REQUEST_BYTES: i32 = 512;
/** Sections and lists that may stand inside each other in a vici message. */
export const MAX_VICI_DEPTH: i32 = 16;
/** Requests that wait for their turn on the vici connection. */
export const MAX_VICI_QUEUE: i32 = 256;
/** A vici request without an answer for so long: charon hangs, or the stream is out of step. */
export const VICI_TIMEOUT_MS: i64 = 10_000;
/** Pause before the vici socket is tried again. */
export const VICI_RETRY_MS: i64 = 1_000;
/** No time that charon tells is further away: 100 years. */
export const MAX_VICI_TIME_S: i64 = 100 * 366 * 86_400;

/** Monotonic time: 146 million years. */
export const MAX_NOW_MS: i64 = (<i64>1) << 62;

/** ICMP echo, header included, as `option size` sets it. */
export const MIN_ECHO_BYTES: i32 = 64;
export const MAX_ECHO_BYTES: i32 = 1350;
/** Tunnel addresses and networks that a peer is told in one announcement (docs/nhtb.md). */
export const MAX_ANNOUNCED_ADDRESSES: i32 = 4;
export const MAX_ANNOUNCED_NETWORKS: i32 = 64;
/** Announcements in a row, each after twice the time, to a peer that does not answer. */
export const MAX_ANNOUNCEMENTS: i32 = 10;
/** Echoes in one batch, each way. */
export const BATCH: i32 = 64;

export const MIN_INTERVAL_MS: i32 = 20;
export const MAX_INTERVAL_MS: i32 = 3_600_000;
export const DEFAULT_INTERVAL_MS: i32 = 10_000;
export const MIN_THRESHOLD: i32 = 1;
export const MAX_THRESHOLD: i32 = 65_536;
export const DEFAULT_THRESHOLD: i32 = 10;
export const MAX_RECOVER: i32 = 64;
/** Seconds (ScreenOS's largest, and its default for Phase 1). */
export const MAX_PHASE1_LIFETIME_S: i32 = 268_435_455;
export const DEFAULT_PHASE1_LIFETIME_S: i32 = 28_800;
/** Samples behind `availability_percent` (NETSCREEN-VPN-MON-MIB nsVpnMonAvail). */
export const SAMPLES: i32 = 30;

/** Events kept for `get event`. */
export const MAX_EVENTS: i32 = 1024;
/** Bytes of one event's text. */
export const MAX_EVENT_BYTES: i32 = 400;
/** Actions that one call may leave for the host. */
export const MAX_ACTIONS: i32 = 1536;
/** Of these, what lines of the event log leave to everything else. */
export const RESERVED_ACTIONS: i32 = 64;

/** What the events of one call take as JSON and as fields of the journal. */
export const MAX_EVENT_FORMS_BYTES: i32 = 256 << 10;

/** Hooks that run at the same time, for all VPNs. */
export const MAX_HOOKS: i32 = 8;
/** A hook's path, variables and the rest, as one message. */
export const MAX_HOOK_BYTES: i32 = 2048;
export const MAX_HOOK_TIMEOUT_S: i32 = 3_600;
export const DEFAULT_HOOK_TIMEOUT_S: i32 = 30;

/** Network interfaces and addresses of this machine that are known by name. */
export const MAX_INTERFACES: i32 = 1024;
export const MAX_ADDRESSES: i32 = 4096;

/** Routes that an examination asks the kernel for, and rules of policy routing that it keeps. */
export const MAX_LOOKUPS: i32 = 128;
export const MAX_RULES: i32 = 256;
/** Different marks of such rules that it asks with. */
export const MAX_MARKS: i32 = 8;
/** Peers that it pings in the clear. */
export const MAX_CLEAR_ECHOES: i32 = 16;
/** How long it waits for answers, of whomever. */
export const EXAM_MS: i64 = 1_000;
/** Examinations that wait for the one under way: each client is answered within 5 s. */
export const MAX_EXAMS_WAITING: i32 = 3;
/** Lines of facts from the host that are read. */
export const MAX_FACT_LINES: i32 = 256;

/** Gateways that may negotiate at the same time (against a stampede after an outage). */
export const MAX_NEGOTIATIONS: i32 = 16;
