/** A rekeyd alone in a network namespace: no strongSwan, no network. */
import * as path from "node:path";
import type { Result } from "../../lab/lib/command.ts";
import { Namespace } from "../../lab/lib/namespace.ts";
import { Rekeyd, uciText } from "../../lab/lib/rekeyd.ts";
import { State } from "../../lab/lib/state.ts";

export interface Bench {
  namespace: Namespace;
  rekeyd: Rekeyd;
  /** A good configuration with VPNs of these names; there is no strongSwan. */
  conf: (...names: string[]) => string;
  /** Runs build/rekeyd to its end. */
  run: (...args: string[]) => Promise<Result>;
}

/** A network namespace with nothing in it, and a rekeyd that is not started yet. */
export async function withBench(
  body: (bench: Bench) => Promise<void>,
  daemon = "build/rekeyd",
): Promise<void> {
  const state = State.create("test", "device");
  try {
    const namespace = await Namespace.create(`rk${state.id}-d`, state);
    const folder = path.join(state.folder, "device");
    const rekeyd = new Rekeyd(namespace, folder, path.resolve(daemon));
    const conf = (...names: string[]): string =>
      uciText(
        { vici: path.join(folder, "no-vici") },
        names.map((name) => ({ name, options: { gateway: "s2s" } })),
      );
    rekeyd.configure(conf("branch"));
    const run = (...args: string[]): Promise<Result> => namespace.attempt("build/rekeyd", args);
    await body({ namespace, rekeyd, conf, run });
  } finally {
    await state.remove();
  }
}
