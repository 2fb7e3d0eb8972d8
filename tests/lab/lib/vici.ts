/** A small vici client for the lab. */
import * as net from "node:net";
import { decode, encode, Packet, type Section } from "../../../host/node/sim/model/vici.ts";

/** One connection, made for one conversation and closed after it. */
class Connection {
  private buffer = Buffer.alloc(0);
  private waiting: { resolve: (packet: Buffer) => void; reject: (e: Error) => void } | null = null;
  private readonly packets: Buffer[] = [];
  private failure: Error | null = null;

  private constructor(private readonly socket: net.Socket) {
    socket.on("data", (bytes) => {
      this.buffer = Buffer.concat([this.buffer, bytes]);
      while (this.buffer.length >= 4) {
        const end = 4 + this.buffer.readUInt32BE(0);
        if (this.buffer.length < end) break;
        this.packets.push(this.buffer.subarray(4, end));
        this.buffer = this.buffer.subarray(end);
      }
      this.deliver();
    });
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => this.fail(new Error("vici: the connection was closed")));
  }

  static open(path: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(path, () => {
        socket.off("error", reject);
        resolve(new Connection(socket));
      });
      socket.once("error", reject);
    });
  }

  private deliver(): void {
    if (this.waiting === null) return;
    const packet = this.packets.shift();
    if (packet === undefined && this.failure === null) return;
    const { resolve, reject } = this.waiting;
    this.waiting = null;
    if (packet !== undefined) resolve(packet);
    else reject(this.failure!);
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.deliver();
  }

  send(type: Packet, name: string, message: Section = {}): void {
    const named = Buffer.from([type, name.length, ...Buffer.from(name)]);
    const body = Buffer.concat([named, encode(message)]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    this.socket.write(Buffer.concat([length, body]));
  }

  receive(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.deliver();
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

function readEvent(packet: Buffer): { name: string; message: Section } {
  const length = packet.readUInt8(1);
  return {
    name: packet.toString("utf8", 2, 2 + length),
    message: decode(packet.subarray(2 + length)),
  };
}

/** One command; `stream` names the event in which its results come, as for list-sas. */
export async function viciCommand(
  path: string,
  command: string,
  message: Section = {},
  stream?: string,
): Promise<{ response: Section; items: Section[] }> {
  const connection = await Connection.open(path);
  try {
    const items: Section[] = [];
    if (stream !== undefined) {
      connection.send(Packet.EVENT_REGISTER, stream);
      const answer = await connection.receive();
      if (answer[0] !== Packet.EVENT_CONFIRM) throw new Error(`vici: no event ${stream}`);
    }
    connection.send(Packet.CMD_REQUEST, command, message);
    for (;;) {
      const packet = await connection.receive();
      if (packet[0] === Packet.EVENT) items.push(readEvent(packet).message);
      else if (packet[0] === Packet.CMD_RESPONSE) {
        return { response: decode(packet.subarray(1)), items };
      } else throw new Error(`vici: charon does not know ${command}`);
    }
  } finally {
    connection.close();
  }
}

/** Calls `listener` for each of the named events until the returned function is called. */
export async function viciListen(
  path: string,
  events: string[],
  listener: (name: string, message: Section) => void,
): Promise<() => void> {
  const connection = await Connection.open(path);
  for (const event of events) {
    connection.send(Packet.EVENT_REGISTER, event);
    const answer = await connection.receive();
    if (answer[0] !== Packet.EVENT_CONFIRM) throw new Error(`vici: no event ${event}`);
  }
  void (async () => {
    for (;;) {
      const { name, message } = readEvent(await connection.receive());
      listener(name, message);
    }
  })().catch(() => {});
  return () => connection.close();
}
