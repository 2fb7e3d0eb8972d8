/** Debian's Chromium, driven by playwright-core over the protocol of its developer tools. */
import * as fs from "node:fs";
import * as path from "node:path";
import { chromium, type Browser as Connection, type BrowserContext } from "playwright-core";
import { startProgram, type Program } from "../../lab/lib/program.ts";
import type { State } from "../../lab/lib/state.ts";
import { waitFor, waitUntil } from "../../lab/lib/wait.ts";

const PROGRAM = "/usr/bin/chromium";
/** Generous: two loaded cores start a browser in seconds rather than in one. */
const START_MS = 60_000;
const END_MS = 10_000;
/** Of a click, a look for an element and the like, where the test names no other. */
const STEP_MS = 30_000;

/** A profile of its own, and nothing that asks anybody outside this machine. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-extensions",
  "--disable-sync",
  "--disable-features=OptimizationHints,MediaRouter,Translate",
  // A page that another window covers, or an old timer, is not to be put to sleep.
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--force-color-profile=srgb",
  "--hide-scrollbars",
  // Letters without coloured edges: smaller pictures.
  "--disable-lcd-text",
  "--remote-debugging-port=0",
];

export type Theme = "light" | "dark";

export interface View {
  theme: Theme;
  width: number;
  height: number;
}

/** One Chromium; its process and its profile belong to `state`, and go with it at the latest. */
export class Browser {
  private constructor(
    private readonly program: Program,
    private readonly connection: Connection,
  ) {}

  static async start(state: State): Promise<Browser> {
    const profile = path.join(state.folder, "chromium");
    fs.mkdirSync(profile, { mode: 0o700 });
    const log = `${profile}.log`;
    const command = [PROGRAM, ...FLAGS, `--user-data-dir=${profile}`, "about:blank"];
    const program = await startProgram(state, "chromium", command, { log });
    // Chromium writes down the port that it has taken, and the path of its protocol.
    const address = await waitUntil(
      "Chromium listens",
      START_MS,
      () => {
        const file = path.join(profile, "DevToolsActivePort");
        return fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n") : [];
      },
      ([, where]) => where !== undefined && where !== "",
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${fs.readFileSync(log, "utf8")}`);
    });
    const [port, where] = address;
    const connection = await chromium.connectOverCDP(`ws://127.0.0.1:${port}${where}`, {
      timeout: START_MS,
    });
    return new Browser(program, connection);
  }

  /** Cookies and storage of its own, as another person's browser has them. */
  async visitor({ theme, width, height }: View): Promise<BrowserContext> {
    const context = await this.connection.newContext({
      colorScheme: theme,
      viewport: { width, height },
      reducedMotion: "reduce",
      locale: "en-GB",
    });
    context.setDefaultTimeout(STEP_MS);
    return context;
  }

  /** Ends this very Chromium, by its process id if it does not go by itself. */
  async close(): Promise<void> {
    try {
      const session = await this.connection.newBrowserCDPSession();
      await session.send("Browser.close");
    } catch {
      // It has gone already, or is beyond listening.
    }
    await this.program.end("SIGTERM", END_MS).catch(() => this.program.end("SIGKILL"));
    // Its children are in its process group; they end with it, and write for a moment more.
    await waitFor("Chromium's children end", END_MS, () => !hasMembers(this.program.pid));
  }
}

/** Whether somebody in the process group runs; one that has only not been waited for does not. */
function hasMembers(group: number): boolean {
  const processes = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return processes.some((pid) => {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
      const [state, , member_of] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(member_of) === group && state !== "Z";
    } catch {
      return false; // it ended between the two looks
    }
  });
}
