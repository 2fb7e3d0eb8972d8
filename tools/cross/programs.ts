/** rekeyd and rekeyd-web for another processor than this machine's: static, with musl. */
import { mkdirSync } from "node:fs";
import { cargo, DEVICE, install, kB, SERVER, sizeBytes } from "../cargo.ts";
import { compileEngine, engineFor, PACKED_PAGES } from "../parts.ts";
import { crossFolder, type Target } from "./targets.ts";
import { cargoEnvironment, cargoOptions } from "./toolchain.ts";

/** A folder of cargo's own: cargo locks it, and other tests build and run meanwhile. */
const CARGO_OUT = "build/cross/cargo";

/** Builds both; the parts that all targets share must be there. */
export function buildPrograms(target: Target): void {
  const { triple, engine } = target;
  const folder = crossFolder(triple);
  compileEngine(triple, engine);
  mkdirSync(folder, { recursive: true });
  const env = cargoEnvironment(target);
  const options = [...cargoOptions(target), "--target-dir", CARGO_OUT];
  for (const [program, crate, seconds] of [
    ["rekeyd", DEVICE, 90],
    ["rekeyd-web", SERVER, 60],
  ] as const) {
    const title = `${folder}/${program}`;
    const binary = `${CARGO_OUT}/${triple}/release/${program}`;
    const args = [...crate, "-p", program, ...options];
    cargo({ title, first_time: `some ${seconds} seconds`, binary, args, env });
    install(binary, title);
  }
}

/** What each part of the programs has, and how that is against the budget. */
export function sizes({ triple, budget_bytes }: Target): string {
  const folder = crossFolder(triple);
  const daemon = sizeBytes(`${folder}/rekeyd`);
  const engine = sizeBytes(engineFor(triple));
  const web = sizeBytes(`${folder}/rekeyd-web`);
  const pages = sizeBytes(...PACKED_PAGES);
  const left = budget_bytes - daemon;
  const verdict = left < 0 ? `${kB(-left)} TOO MANY` : `${kB(left)} left`;
  return [
    triple,
    `  rekeyd      ${kB(daemon)}: engine ${kB(engine)}, the rest ${kB(daemon - engine)};` +
      ` of ${kB(budget_bytes)} ${verdict}`,
    `  rekeyd-web  ${kB(web)}: pages ${kB(pages)}, the rest ${kB(web - pages)}`,
  ].join("\n");
}
