/**
 * The kernel's SAs, as its socket for IPsec tells of them (linux/xfrm.h): those of charon, and
 * those that a charon which was killed has left.
 */
import { addressBytes } from "./address.ts";
import type { ChildSa, IkeSa } from "./ike_sa.ts";
import {
  acknowledgement,
  AF_INET,
  AF_INET6,
  attribute,
  Errno,
  message,
  requestsIn,
  u32,
  type Request,
} from "./rtnetlink.ts";

/** nlmsg_type, for this socket. */
const XfrmType = { DELSA: 0x11, NEWAE: 0x1e, GETAE: 0x1f } as const;
const ESP = 50;
const ID_BYTES = 24;
const EVENT_BYTES = 48;
const LIFETIME_BYTES = 32;
const XFRMA_LTIME_VAL = 9;
const XFRMA_IF_ID = 31;

/** Who has CHILD_SAs, and had them. */
interface Owner {
  ikes: IkeSa[];
  left: ChildSa[];
}

interface Found {
  child: ChildSa;
  inbound: boolean;
}

export class Xfrm {
  /** SPIs of SAs that were removed through the socket. */
  readonly removed = new Set<number>();
  /** Of these, the ones that charon had: nobody may do that. */
  readonly harmed: ChildSa[] = [];
  /** SAs that it was asked for. */
  asked = 0;
  /** What it refuses requests with, as in errno(3); 0: it takes them. */
  errno = 0;
  /** It answers nothing. */
  is_silent = false;

  /** `boot_s`: seconds since 1970 when the monotonic clock was 0. */
  constructor(
    private readonly owner: Owner,
    private readonly boot_s: number,
  ) {}

  /** SAs that a charon has left, and nobody has removed. */
  get left(): ChildSa[] {
    return this.owner.left.filter(
      ({ spi_in, spi_out }) => !this.removed.has(spi_in) || !this.removed.has(spi_out),
    );
  }

  /** What it answers to requests that came together. */
  answer(bytes: Buffer): Buffer {
    if (this.is_silent) return Buffer.alloc(0);
    return Buffer.concat(requestsIn(bytes).map((request) => this.answerOne(request)));
  }

  private answerOne(request: Request): Buffer {
    if (request.type === XfrmType.GETAE) this.asked++;
    const found = this.find(request.body);
    if (this.errno !== 0) return acknowledgement(request, this.errno);
    if (found === undefined) return acknowledgement(request, Errno.ESRCH);
    if (request.type === XfrmType.GETAE) return this.tell(request, found);
    if (request.type !== XfrmType.DELSA) return acknowledgement(request, Errno.EINVAL);
    const { child, inbound } = found;
    if (child.ike.children.includes(child) && this.owner.ikes.includes(child.ike)) {
      this.harmed.push(child);
    }
    this.removed.add(inbound ? child.spi_in : child.spi_out);
    return acknowledgement(request, 0);
  }

  private find(body: Buffer): Found | undefined {
    const spi = body.readUInt32BE(16);
    const children = [...this.owner.ikes.flatMap(({ children }) => children), ...this.owner.left];
    for (const child of children) {
      for (const inbound of [true, false]) {
        const wanted = identity(child, inbound);
        if (spi === wanted.readUInt32BE(16) && !this.removed.has(spi)) {
          if (wanted.equals(body.subarray(0, ID_BYTES))) return { child, inbound };
        }
      }
    }
    return undefined;
  }

  private tell(request: Request, { child, inbound }: Found): Buffer {
    const event = Buffer.alloc(EVENT_BYTES);
    identity(child, inbound).copy(event);
    const { connection, remote } = child.ike;
    addressBytes(inbound ? remote : connection.local).copy(event, ID_BYTES);
    const lifetime = Buffer.alloc(LIFETIME_BYTES);
    lifetime.writeBigUInt64LE(BigInt(inbound ? child.packets_in : child.packets_out), 8);
    lifetime.writeBigUInt64LE(BigInt(this.boot_s + child.installed_s), 16);
    const if_id = child.if_id === 0 ? [] : [attribute(XFRMA_IF_ID, u32(child.if_id))];
    const body = Buffer.concat([event, attribute(XFRMA_LTIME_VAL, lifetime), ...if_id]);
    return message(XfrmType.NEWAE, body, request.seq);
  }
}

/** An xfrm_usersa_id. */
function identity({ ike, spi_in, spi_out }: ChildSa, inbound: boolean): Buffer {
  const id = Buffer.alloc(ID_BYTES);
  const destination = addressBytes(inbound ? ike.connection.local : ike.remote);
  destination.copy(id);
  id.writeUInt32BE(inbound ? spi_in : spi_out, 16);
  id.writeUInt16LE(destination.length === 4 ? AF_INET : AF_INET6, 20);
  id.writeUInt8(ESP, 22);
  return id;
}
