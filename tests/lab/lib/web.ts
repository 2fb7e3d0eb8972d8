import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { startProgram, type Program } from "./program.ts";
import type { Rekeyd } from "./rekeyd.ts";
import type { State } from "./state.ts";
import { waitUntil } from "./wait.ts";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const PROGRAM = path.join(ROOT, "build/rekeyd-web");
const START_MS = 10_000;

/** Who rekeyd-web becomes: the group may use the control socket. */
const USER = "nobody";
const GROUP = "nogroup";

/** The line that is printed when the pages are there. */
const PRINTED = /^(http:\/\/([^:/]+):(\d+)\/#token=(\S+))$/m;

/** One rekeyd-web on loopback, beside one rekeyd. */
export class RekeydWeb {
  private program: Program | null = null;
  private port = 0;
  private log_path: string;
  /** As it was printed; with the token that lets in. */
  address = "";
  token = "";

  private constructor(
    private readonly state: State,
    private readonly control_path: string,
    /** More options for `rekeyd-web`. */
    private readonly options: string[],
  ) {
    this.log_path = path.join(state.folder, "web.log");
  }

  /**
   * For a rekeyd that is not started yet: its control socket will be where the group reaches it.
   * The network does not matter, the socket is a file.
   */
  static beside(rekeyd: Rekeyd, state: State, ...options: string[]): RekeydWeb {
    const folder = path.join(state.folder, "control");
    fs.mkdirSync(folder, { recursive: true });
    rekeyd.control_path = path.join(folder, "rekeyd.sock");
    rekeyd.options.push("--control-group", GROUP);
    return new RekeydWeb(state, rekeyd.control_path, options);
  }

  get pid(): number {
    return this.program?.pid ?? -1;
  }

  /** Without the token. */
  get origin(): string {
    return new URL(this.address).origin;
  }

  /** Starts it on a free port, which it keeps when it is started again. */
  async start(): Promise<void> {
    fs.rmSync(this.log_path, { force: true });
    const command = [PROGRAM, "--listen", `127.0.0.1:${this.port}`, "--user", USER];
    command.push("--control", this.control_path, ...this.options);
    this.program = await startProgram(this.state, "rekeyd-web", command, { log: this.log_path });
    const said = await waitUntil(
      "rekeyd-web prints its address",
      START_MS,
      () => PRINTED.exec(fs.readFileSync(this.log_path, "utf8")),
      (found) => found !== null || !this.program!.isAlive(),
    );
    if (said === null) throw new Error(`rekeyd-web: ${fs.readFileSync(this.log_path, "utf8")}`);
    const [, address = "", , port, token = ""] = said;
    this.address = address;
    this.port = Number(port);
    this.token = token;
  }

  async kill(): Promise<void> {
    await this.program?.end("SIGKILL");
    this.program = null;
  }
}
