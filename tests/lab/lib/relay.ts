import * as net from "node:net";

/** Who hears what goes through a relay. */
export interface Listener {
  opened(): void;
  closed(): void;
  hear(by: "rekeyd" | "charon", bytes: Buffer): void;
}

/** Between rekeyd and charon: hands on what either says on the vici socket, and tells of it. */
export class Relay {
  /** Whether nobody gets through. */
  refuses = false;
  private readonly sockets = new Set<net.Socket>();
  private readonly server = net.createServer((near) => this.join(near));

  private constructor(
    private readonly vici_path: string,
    private readonly listener: Listener,
  ) {}

  /** Listens at `path` for what is meant for `vici_path`. */
  static async open(path: string, vici_path: string, listener: Listener): Promise<Relay> {
    const relay = new Relay(vici_path, listener);
    await new Promise<void>((resolve, reject) => {
      relay.server.once("error", reject).listen(path, resolve);
    });
    return relay;
  }

  private join(near: net.Socket): void {
    if (this.refuses) {
      near.destroy();
      return;
    }
    const far = net.connect(this.vici_path);
    let open = false;
    const end = (): void => {
      for (const socket of [near, far]) {
        socket.destroy();
        this.sockets.delete(socket);
      }
      if (open) this.listener.closed();
      open = false;
    };
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    near.pause();
    far.on("connect", () => {
      open = true;
      this.listener.opened();
      near.resume();
    });
    near.on("data", (bytes) => {
      this.listener.hear("rekeyd", bytes);
      far.write(bytes);
    });
    far.on("data", (bytes) => {
      this.listener.hear("charon", bytes);
      near.write(bytes);
    });
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
