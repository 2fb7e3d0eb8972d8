import { attempt, run } from "../../lab/lib/command.ts";
import { waitUntil } from "../../lab/lib/wait.ts";

const WAIT_MS = 10_000;
let screens = 0;

/** A terminal that a program runs in: keys go in, and what a person would see is read back. */
export class Screen {
  private constructor(private readonly server: string) {}

  /** Runs the program in a terminal of its own, whose screen stays when the program has ended. */
  static async open(command: string[], columns = 100, rows = 40): Promise<Screen> {
    const screen = new Screen(`rekeyd-test-${process.pid}-${screens++}`);
    const size = ["-x", `${columns}`, "-y", `${rows}`];
    // The shell waits for a line, so that the program does not end before the screen is to stay.
    const shell = ["sh", "-c", 'read -r start; exec "$@"', "sh", ...command];
    // Nor does it find, or leave, anything at the home of whoever runs the test.
    const env = ["env", "-u", "HOME", "-u", "XDG_STATE_HOME"];
    await screen.tmux("-f", "/dev/null", "new-session", "-d", ...size, ...env, ...shell);
    await screen.tmux("set-option", "-g", "remain-on-exit", "on");
    await screen.press("Enter");
    return screen;
  }

  /** Types the characters as they are. */
  async type(text: string): Promise<void> {
    await this.tmux("send-keys", "-l", "--", text);
  }

  /** Presses keys by tmux's names: `Enter`, `Up`, `C-a`. */
  async press(...keys: string[]): Promise<void> {
    await this.tmux("send-keys", ...keys);
  }

  /** The lines that are on the screen, the empty ones at its end left out. */
  async text(): Promise<string> {
    return (await this.tmux("capture-pane", "-p")).trimEnd();
  }

  /** The same with what sets colours. */
  async colors(): Promise<string> {
    return this.tmux("capture-pane", "-p", "-e");
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`);
  }

  /** Process id of the program. */
  async pid(): Promise<number> {
    return Number(await this.tmux("display-message", "-p", "#{pane_pid}"));
  }

  /** Waits until the screen shows it. */
  async shows(pattern: RegExp, within_ms = WAIT_MS): Promise<string> {
    return waitUntil(
      `the screen shows ${pattern}`,
      within_ms,
      () => this.text(),
      (text) => pattern.test(text),
    );
  }

  /** Where the cursor is, from 0. */
  async cursor(): Promise<number> {
    return Number(await this.tmux("display-message", "-p", "#{cursor_x}"));
  }

  /** The exit status, once the program has ended. */
  async ends(): Promise<number> {
    const text = await waitUntil(
      "the program ends",
      WAIT_MS,
      () => this.status(),
      (said) => said[0] === "1",
    );
    return Number(text.split(" ")[1]);
  }

  /** Whether the program has ended. */
  async isOver(): Promise<boolean> {
    return (await this.status())[0] === "1";
  }

  private status(): Promise<string> {
    return this.tmux("display-message", "-p", "#{pane_dead} #{pane_dead_status}");
  }

  async close(): Promise<void> {
    await attempt("tmux", ["-L", this.server, "kill-server"]);
  }

  private tmux(...args: string[]): Promise<string> {
    return run("tmux", ["-u", "-L", this.server, ...args]);
  }
}
