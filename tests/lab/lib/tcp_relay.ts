import * as net from "node:net";

/** Between a browser and rekeyd-web: a way that can be cut. */
export class TcpRelay {
  private is_cut = false;
  private is_swallowing = false;
  private readonly sockets = new Set<net.Socket>();
  private readonly server = net.createServer((near) => this.join(near));

  private constructor(private readonly port_behind: number) {}

  /** Listens on a free port of 127.0.0.1 for what is meant for another port there. */
  static async open(port_behind: number): Promise<TcpRelay> {
    const relay = new TcpRelay(port_behind);
    await new Promise<void>((resolve, reject) => {
      relay.server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return relay;
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  private join(near: net.Socket): void {
    if (this.is_cut) {
      near.destroy();
      return;
    }
    if (this.is_swallowing) {
      this.sockets.add(near);
      near.on("error", () => {}).on("close", () => this.sockets.delete(near));
      return;
    }
    const far = net.connect(this.port_behind, "127.0.0.1");
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      this.sockets.add(from);
      from.pipe(to);
      from.on("error", () => {});
      from.on("close", () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
  }

  /** All connections end, and no other comes about. */
  cut(): void {
    this.is_cut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  /** Nothing comes through any more, and nobody is told: as where a line is pulled. */
  swallow(): void {
    this.is_swallowing = true;
    for (const socket of this.sockets) socket.pause();
  }

  heal(): void {
    this.is_cut = false;
    this.is_swallowing = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}
