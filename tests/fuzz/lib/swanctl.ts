/**
 * strongSwan's own reader of vici messages (libvici, in `swanctl --raw`), fed by a server of ours:
 * what it makes of the bytes that a charon said.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export type Value = string | string[] | Section;
export interface Section {
  [key: string]: Value;
}

const REGISTER = 3;
const UNREGISTER = 4;
const CONFIRM = Buffer.from([0, 0, 0, 1, 5]);
/** That it hangs: on a busy machine it takes seconds to load its plugins. */
const LIMIT_MS = 120_000;

/** What `swanctl --list-sas` is told by a charon, or by `answer`: the sections of each event. */
export async function listSas(from: string | Buffer): Promise<Section[]> {
  if (typeof from === "string") return ask(from);
  const folder = mkdtempSync(join(tmpdir(), "rekeyd-vici-"));
  const path = join(folder, "vici");
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    serve(socket, from);
  });
  try {
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return await ask(path);
  } finally {
    server.close();
    for (const socket of sockets) socket.destroy();
    rmSync(folder, { recursive: true });
  }
}

/** Confirms what is registered, and answers all else by `answer`. */
function serve(socket: Socket, answer: Buffer): void {
  let rest = Buffer.alloc(0);
  socket.on("data", (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length > 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const is_event = rest[4] === REGISTER || rest[4] === UNREGISTER;
      rest = rest.subarray(4 + rest.readUInt32BE(0));
      socket.write(is_event ? CONFIRM : answer);
    }
  });
  socket.on("error", () => {});
}

async function ask(path: string): Promise<Section[]> {
  const args = ["--list-sas", "--raw", "--uri", `unix://${path}`];
  const { stdout } = await promisify(execFile)("swanctl", args, { timeout: LIMIT_MS });
  const lines = stdout.split("\n").filter((line) => line.startsWith("list-sa event "));
  return lines.map((line) => parse(line.slice("list-sa event ".length)));
}

/** libvici's text: `{name {key=value list=[a b]}}`. No value of a fixture holds a bracket alone. */
function parse(text: string): Section {
  let at = 1;
  const section = (): Section => {
    const found: Section = {};
    while (text[at] !== "}") {
      if (text[at] === " ") {
        at++;
        continue;
      }
      const [all, key, sign] = /^([^\s={]+)(=\[| \{|=)/.exec(text.slice(at))!;
      at += all.length;
      found[key!] = sign === " {" ? section() : sign === "=" ? word() : list();
    }
    at++;
    return found;
  };
  const word = (): string => {
    const [all] = /^.*?(?=\}| [^\s={]+(?:=| \{))/.exec(text.slice(at))!;
    at += all.length;
    return all;
  };
  const list = (): string[] => {
    const items: string[] = [];
    for (;;) {
      const [all, item, end] = /^((?:[^\s[\]]|\[[^\]]*\])*)([ \]])/.exec(text.slice(at))!;
      at += all.length;
      if (item !== "") items.push(item!);
      if (end === "]") return items;
    }
  };
  return section();
}
