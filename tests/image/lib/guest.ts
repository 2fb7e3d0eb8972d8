/**
 * The emulated router as the tests see it: QEMU boots the image with the tests' layer above it, and
 * one shell agent for each of its virtio-serial ports carries out commands.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { QEMU, qemuArguments } from "../../../tools/image/qemu.ts";
import { kernelParameters, makeLayer } from "./layer.ts";
import { AgentPort, type Answer } from "./agent.ts";

/**
 * How many commands may run side by side in the guest. QEMU introduces each port by three messages
 * into a queue of 32, and says nothing of those that find it full.
 */
const PORTS = 8;
const BOOT_MS = 120_000;
const COMMAND_MS = 60_000;
const MAX_SHOWN = 1000;
const MAX_PUT = 64 << 20;
const FAILED = "build/failed";
/** A whole test: beyond this the guest ends, whatever it does. */
const LIFE_MS = 600_000;

export interface GuestOptions {
  /** A folder that is laid over the router's root: more programs. */
  layer?: string;
}

export class Guest {
  private readonly idle: AgentPort[] = [];
  private readonly waiting: ((port: AgentPort) => void)[] = [];
  private ended = "";

  private constructor(
    readonly name: string,
    private readonly folder: string,
    private readonly qemu: ChildProcess,
    private readonly ports: AgentPort[],
  ) {
    const life = setTimeout(() => this.qemu.kill("SIGKILL"), LIFE_MS);
    life.unref();
    qemu.once("exit", (code, signal) => {
      clearTimeout(life);
      this.ended = `QEMU ended (${signal ?? `status ${code}`})`;
    });
  }

  /** Boots; answers once all agents are ready. */
  static async boot(name: string, options: GuestOptions = {}): Promise<Guest> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rekeyd-guest-"));
    const numbers = [...Array(PORTS).keys()];
    const ports = numbers.map((number) => AgentPort.listen(path.join(folder, `agent.${number}`)));
    await Promise.all(ports.map((port) => port.listening));
    const layer = path.join(folder, "layer.img");
    makeLayer(layer, options.layer);
    const more = [
      ...["-serial", `file:${path.join(folder, "console.log")}`],
      ...["-device", `virtio-serial-pci,max_ports=${PORTS + 1}`],
    ];
    for (const number of numbers) {
      more.push(
        ...["-chardev", `socket,id=agent${number},path=${path.join(folder, `agent.${number}`)}`],
        ...["-device", `virtserialport,chardev=agent${number},name=agent.${number}`],
      );
    }
    const log = fs.openSync(path.join(folder, "qemu.log"), "w");
    const qemu = spawn(QEMU, qemuArguments({ layer, append: kernelParameters(PORTS), more }), {
      stdio: ["ignore", log, log],
    });
    fs.closeSync(log);
    const guest = new Guest(name, folder, qemu, ports);
    guests.add(guest);
    const gone = new Promise<never>((_, reject) => {
      qemu.once("error", reject);
      qemu.once("exit", () => reject(new Error(guest.ended)));
    });
    gone.catch(() => {});
    try {
      for (const port of ports) {
        await Promise.race([port.ready(BOOT_MS), gone]);
        guest.idle.push(port);
      }
      return guest;
    } catch (error) {
      const kept = guest.keep();
      await guest.end();
      throw new Error(`${(error as Error).message}; its console: ${kept}`);
    }
  }

  /** Runs a shell script; its exit status may be anything. What it leaves running is silent. */
  async attempt(script: string, within_ms = COMMAND_MS): Promise<Answer> {
    if (this.ended !== "") throw new Error(this.ended);
    const port = this.idle.pop() ?? (await new Promise<AgentPort>((got) => this.waiting.push(got)));
    const answer = await port.request(script, within_ms).catch((error: Error) => {
      throw new Error(`${error.message}, asked to\n${script.slice(0, MAX_SHOWN)}`);
    });
    const next = this.waiting.shift();
    if (next !== undefined) next(port);
    else this.idle.push(port);
    return answer;
  }

  /** Runs a shell script that must succeed, and answers its standard output. */
  async run(script: string, within_ms = COMMAND_MS): Promise<string> {
    const { status, out, err } = await this.attempt(script, within_ms);
    if (status !== 0) {
      const said = `${err.toString()}${out.toString()}`.trim().slice(-MAX_SHOWN);
      throw new Error(`in the guest, status ${status} of\n${script.slice(0, MAX_SHOWN)}\n${said}`);
    }
    return out.toString();
  }

  /** Writes files, and the folders they are in, at once: each process is dear in there. */
  async put(files: Record<string, string | Buffer>): Promise<void> {
    const tree = fs.mkdtempSync(path.join(this.folder, "put-"));
    // It becomes the guest's root, which not only root looks into.
    fs.chmodSync(tree, 0o755);
    for (const [file, content] of Object.entries(files)) {
      const to = path.join(tree, file);
      fs.mkdirSync(path.dirname(to), { recursive: true });
      fs.writeFileSync(to, content);
    }
    const tar = execFileSync("tar", ["-C", tree, "-czf", "-", "."], { maxBuffer: MAX_PUT });
    const text = tar.toString("base64").replaceAll(/.{76}/g, "$&\n");
    await this.run(`base64 -d <<'END' | tar -C / -xzf -\n${text}\nEND\n`);
  }

  /** Reads a file. */
  async get(file: string): Promise<Buffer> {
    const { status, out, err } = await this.attempt(`cat '${file}'`);
    if (status !== 0) throw new Error(err.toString().trim());
    return out;
  }

  /** Copies the console, and whatever files the guest still hands over, for a look at a failure. */
  keep(): string {
    const kept = path.join(FAILED, `image-${this.name}`);
    fs.mkdirSync(kept, { recursive: true });
    for (const file of ["console.log", "qemu.log"]) {
      const from = path.join(this.folder, file);
      if (fs.existsSync(from)) fs.copyFileSync(from, path.join(kept, file));
    }
    return kept;
  }

  /** Pulls the plug. */
  async end(): Promise<void> {
    guests.delete(this);
    if (this.ended === "" && this.qemu.pid !== undefined) {
      const exit = new Promise((resolve) => this.qemu.once("exit", resolve));
      this.qemu.kill("SIGKILL");
      await exit;
    }
    for (const port of this.ports) port.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

const guests = new Set<Guest>();

let leaving = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (leaving) return;
    leaving = true;
    void Promise.all([...guests].map((guest) => guest.end())).finally(() => process.exit(130));
  });
}
