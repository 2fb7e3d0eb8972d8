/**
 * Builds what is not built yet, or not from these sources: `npm run build [-- --fault]`.
 *
 *     assembly/          -> build/engine.wasm, .wat   asc
 *     compile-engine     -> (a tool)                  cargo
 *     build/engine.wasm  -> build/engine.TARGET.cwasm the tool: code for the machine, and .sha256
 *     host/device        -> build/rekeyd, rekeyctl    cargo; holds the artifact
 *     host/web/pages     -> build/web                 esbuild; and compressed
 *     docs/man           -> build/man                 with tables of docs/ and of the engine
 *     host/web/server    -> build/rekeyd-web          cargo; holds the pages
 *
 * With --fault also build/rekeyd-fault, whose engine can be made to trap: for tests alone.
 * tools/cross.ts builds the programs for other processors.
 */
import { execFileSync } from "node:child_process";
import { cargo, DEVICE, install, kB, SERVER, sizeBytes } from "./cargo.ts";
import { buildParts, compileEngine } from "./parts.ts";

const DAEMON = "host/device/target/release/rekeyd";
const WEB = "host/web/server/target/release/rekeyd-web";

buildParts();
compileEngine(hostTarget());

const daemon = [...DEVICE, "--release", "-p", "rekeyd"];
const first_time = "some 90 seconds";
if (process.argv.includes("--fault")) {
  const args = [...daemon, "--features", "fault"];
  cargo({ title: "build/rekeyd-fault", first_time, binary: DAEMON, args });
  install(DAEMON, "build/rekeyd-fault");
}
cargo({ title: "build/rekeyd", first_time, binary: DAEMON, args: daemon });
install(DAEMON, "build/rekeyd", "build/rekeyctl");

cargo({
  title: "build/rekeyd-web",
  first_time: "some 60 seconds",
  binary: WEB,
  args: [...SERVER, "--release"],
});
install(WEB, "build/rekeyd-web");

for (const program of ["build/rekeyd", "build/rekeyd-web"]) {
  console.log(`${program}: ${kB(sizeBytes(program))}`);
}

function hostTarget(): string {
  const host = /^host: (.*)$/m.exec(execFileSync("rustc", ["-vV"], { encoding: "utf8" }))?.[1];
  if (host === undefined) throw new Error("rustc -vV names no host");
  return host;
}
