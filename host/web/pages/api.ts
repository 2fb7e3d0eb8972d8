/** Requests to rekeyd-web: the same answers as `rekeyctl --json` gives. */
import { Store } from "./logic/store.ts";

/** Whether there is a session: what needs one has been refused, or not; `ended`: there was one. */
export const session = new Store<"unknown" | "open" | "closed" | "ended">("unknown");
/** Why the address's token does not let in. */
export const token_problem = new Store("");

/** A refusal: of the engine, with the column of the wrong word, or of the way to it. */
export class Refusal extends Error {
  constructor(
    text: string,
    readonly status: number,
    readonly column?: number,
    readonly expected: Expected[] = [],
    /** Of `save`: somebody else has changed the file. */
    readonly conflict = false,
  ) {
    super(text);
  }
}

/** What may stand where a word is wrong. */
export interface Expected {
  word: string;
  text: string;
}

const TIMEOUT_MS = 15_000;
/** Of a question whether somebody is there, and of a goodbye. */
const LOOK_TIMEOUT_MS = 5_000;
const LOST = "rekeyd-web does not answer";

/** The answer to a line, which begins with `get` or `doctor`. */
export async function ask<T>(...words: string[]): Promise<T> {
  // An address has no such step, however it is written.
  if (words.some((word) => word === "." || word === "..")) return command(words.join(" "));
  const response = await send(`json/${words.map(encodeURIComponent).join("/")}`);
  return (await answerOf(response)) as T;
}

/** Has a line carried out that changes something. */
export async function command<T = unknown>(line: string): Promise<T> {
  const response = await send("command", { line });
  const { answer } = (await answerOf(response)) as { answer: T };
  return answer;
}

/** Whether the server answers, whatever it says. */
export async function isReachable(): Promise<boolean> {
  try {
    await send("json/get/vpnmonitor", undefined, LOOK_TIMEOUT_MS);
    return true;
  } catch {
    return false;
  }
}

export async function logIn(secret: string): Promise<void> {
  const response = await send("login", { secret });
  if (response.status === 401) throw new Refusal("That is not the token or password.", 401);
  if (!response.ok) await answerOf(response);
  session.set("open");
}

export async function logOut(): Promise<void> {
  const response = await send("logout", {}, LOOK_TIMEOUT_MS);
  if (!response.ok) await answerOf(response);
  session.set("closed");
}

async function send(
  path: string,
  body?: object,
  timeout_ms: number = TIMEOUT_MS,
): Promise<Response> {
  const signal = AbortSignal.timeout(timeout_ms);
  try {
    if (body === undefined) return await fetch(path, { signal });
    const headers = { "Content-Type": "application/json" };
    return await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
  } catch {
    throw new Refusal(LOST, 0);
  }
}

async function answerOf(response: Response): Promise<unknown> {
  if (response.status === 401) {
    session.set(session.value === "open" || session.value === "ended" ? "ended" : "closed");
    throw new Refusal("The session has ended.", 401);
  }
  let answer: unknown;
  try {
    answer = await response.json();
  } catch {
    answer = null;
  }
  if (response.ok) {
    // The answer to an earlier question does not take back a logout.
    if (session.value !== "closed") session.set("open");
    return answer;
  }
  const { error, column, expected, conflict } = (answer ?? {}) as Problem;
  const text = error ?? `rekeyd-web answers ${response.status}`;
  throw new Refusal(text, response.status, column, expected, conflict);
}

/** An error as JSON. */
interface Problem {
  error?: string;
  column?: number;
  expected?: Expected[];
  conflict?: boolean;
}

/** What went wrong, for people. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
