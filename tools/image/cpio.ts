/** Writes a folder as an initramfs: cpio's "newc" format, which the kernel reads. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

const BLOCK_BYTES = 4;

/** An archive of everything below `folder`, which depends on names, modes and contents alone. */
export function cpio(folder: string, epoch_s: number): Buffer {
  const names = (readdirSync(folder, { recursive: true }) as string[]).sort();
  const members = names.map((name, i) => member(folder, name, i + 1, epoch_s));
  return Buffer.concat([...members, record("TRAILER!!!", 0, 0, 0, Buffer.alloc(0))]);
}

function member(folder: string, name: string, inode: number, epoch_s: number): Buffer {
  const path = join(folder, name);
  const status = lstatSync(path);
  let content = Buffer.alloc(0);
  if (status.isSymbolicLink()) content = Buffer.from(readlinkSync(path));
  else if (status.isFile()) content = readFileSync(path);
  return record(name, inode, status.mode, epoch_s, content);
}

/** Header, name and content, each padded; owner and group are root, and no file has two names. */
function record(name: string, inode: number, mode: number, time_s: number, content: Buffer) {
  const name_bytes = Buffer.byteLength(name) + 1;
  const fields = [inode, mode, 0, 0, 1, time_s, content.length, 0, 0, 0, 0, name_bytes, 0];
  const hex = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  return Buffer.concat([padded(Buffer.from(`070701${hex}${name}\0`)), padded(content)]);
}

function padded(bytes: Buffer): Buffer {
  const missing_bytes = -bytes.length & (BLOCK_BYTES - 1);
  return Buffer.concat([bytes, Buffer.alloc(missing_bytes)]);
}
