/** The machine that the router's image runs on: QEMU's "virt", by emulation alone. */
import { KIND } from "./machine.ts";
import { INITRAMFS, KERNEL, ROUTER } from "./paths.ts";

export const QEMU = KIND.qemu;

export interface Machine {
  /** A squashfs that lies above the router's root. */
  layer?: string;
  memory_mb?: number;
  /** More of the kernel's parameters. */
  append?: string;
  /** More of QEMU's arguments: devices. */
  more?: string[];
}

/**
 * The arguments of QEMU; its standard input and output are the console. There is no network card:
 * what the router sends stays in it.
 */
export function qemuArguments({
  layer,
  memory_mb = 512,
  append = "",
  more = [],
}: Machine = {}): string[] {
  const disks = [ROUTER, ...(layer === undefined ? [] : [layer])].flatMap((path) => [
    "-drive",
    `file=${path.replaceAll(",", ",,")},format=raw,if=virtio,readonly=on`,
  ]);
  return [
    ...[...KIND.options, "-accel", "tcg,thread=multi"],
    ...["-m", String(memory_mb)],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot"],
    ...["-kernel", KERNEL, "-initrd", INITRAMFS],
    // cryptomgr would test each cipher at its first use: some seconds under emulation.
    ...["-append", `console=ttyAMA0 panic=-1 quiet cryptomgr.notests=1 ${append}`.trim()],
    ...disks,
    ...more,
  ];
}
