/**
 * What a static program is linked with where rustup has no target with musl, in one folder:
 * Debian's musl of the architecture, and what Debian's gcc brings to begin and to end a program.
 */
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { archives, downloadAlone } from "../image/apt.ts";
import { pipe, run } from "../image/command.ts";
import { whenChanged } from "../stamp.ts";
import type { Target } from "./targets.ts";

const FOLDER = "build/cross/musl";
const FROM_MUSL = ["crt1.o", "crti.o", "crtn.o", "libc.a"];
/** By the names under which Rust looks for them. */
const FROM_GCC = {
  "crtbegin.o": "crtbegin.o",
  "crtend.o": "crtend.o",
  "libgcc.a": "libgcc.a",
  "libgcc_eh.a": "libunwind.a",
};

/** The folder with all of it; it is made unless it is there. */
export function muslFolder({ debian, c_compiler }: Target): string {
  const folder = `${FOLDER}/${debian}`;
  const packages = `${folder}.archives`;
  downloadAlone(debian, ["musl-dev"], packages);
  whenChanged(folder, ["tools/cross/musl.ts", ...archives(packages)], [folder], () => {
    const unpacked = `${folder}.unpacked`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    mkdirSync(unpacked, { recursive: true });
    for (const path of archives(packages)) {
      pipe(["dpkg-deb", "--fsys-tarfile", path], ["tar", "-x", "-C", unpacked]);
    }
    const musl = join(unpacked, "usr/lib/arm-linux-musleabihf");
    for (const name of FROM_MUSL) copyFileSync(join(musl, name), join(folder, name));
    rmSync(unpacked, { recursive: true });
    const gcc = dirname(run(c_compiler, ["-print-libgcc-file-name"]).trim());
    for (const [from, to] of Object.entries(FROM_GCC)) {
      copyFileSync(join(gcc, from), join(folder, to));
    }
  });
  return resolve(folder);
}
