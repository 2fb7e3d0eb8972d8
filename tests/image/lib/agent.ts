/** The host's end of one agent's port; what is said on it stands in guest/agent. */
import * as net from "node:net";

export interface Answer {
  status: number;
  out: Buffer;
  err: Buffer;
}

/** How long the bytes of an answer may take once it has begun. */
const ANSWER_MS = 20_000;
/** The answer to one command. */
const MAX_ANSWER = 64 << 20;

export class AgentPort {
  readonly listening: Promise<void>;
  private readonly server: net.Server;
  private socket: net.Socket | null = null;
  private unread: Buffer[] = [];
  private size = 0;
  /** Called when there is more to read. */
  private more = (): void => {};

  private constructor(path: string) {
    this.server = net.createServer((socket) => {
      this.server.close();
      this.socket = socket;
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        this.unread.push(chunk);
        this.size += chunk.length;
        this.more();
      });
    });
    this.listening = new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(path, () => resolve());
    });
  }

  static listen(path: string): AgentPort {
    return new AgentPort(path);
  }

  close(): void {
    this.server.close();
    this.socket?.destroy();
  }

  /** The agent's first word. */
  async ready(within_ms: number): Promise<void> {
    const word = await this.line(within_ms);
    if (word !== "ready") throw new Error(`an agent began with '${word}'`);
  }

  /** Has a script run; throws when it takes longer, and then the port is of no use any more. */
  async request(script: string, within_ms: number): Promise<Answer> {
    const bytes = Buffer.from(script.endsWith("\n") ? script : `${script}\n`);
    this.socket?.write(Buffer.concat([Buffer.from(`${bytes.length}\n`), bytes]));
    const head = (await this.line(within_ms)).split(" ").map(Number);
    const [status = NaN, out = NaN, err = NaN] = head;
    if (![status, out, err].every(Number.isSafeInteger) || out + err > MAX_ANSWER) {
      throw new Error(`an agent answered '${head.join(" ")}'`);
    }
    return { status, out: await this.bytes(out), err: await this.bytes(err) };
  }

  private async line(within_ms: number): Promise<string> {
    await this.until(within_ms, "a line", () => this.unread.some((chunk) => chunk.includes(10)));
    const all = Buffer.concat(this.unread);
    const end = all.indexOf(10);
    this.unread = [all.subarray(end + 1)];
    this.size = all.length - end - 1;
    return all.subarray(0, end).toString();
  }

  private async bytes(count: number): Promise<Buffer> {
    await this.until(ANSWER_MS, `${count} bytes`, () => this.size >= count);
    const all = Buffer.concat(this.unread);
    this.unread = [all.subarray(count)];
    this.size = all.length - count;
    return all.subarray(0, count);
  }

  private until(within_ms: number, what: string, enough: () => boolean): Promise<void> {
    if (enough()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const finish = (end: () => void): void => {
        clearTimeout(limit);
        this.more = () => {};
        this.socket?.off("close", gone);
        end();
      };
      const limit = setTimeout(
        () => finish(() => reject(new Error(`the guest's agent: no ${what} in ${within_ms} ms`))),
        within_ms,
      );
      const gone = (): void => finish(() => reject(new Error("the guest's agent is gone")));
      this.socket?.once("close", gone);
      this.more = () => {
        if (enough()) finish(resolve);
      };
    });
  }
}
