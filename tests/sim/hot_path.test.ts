/** The module's imports, and three proofs that its hot path takes no memory. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import { Wat } from "./lib/wat.ts";
import { branches, monitored, World } from "./lib/world.ts";

/** The last three are what a recorder calls. */
const HOT = ["tick", "replies", "unsent", "conceal", "reveal", "wipe"];
/** What the instrumented runtime reports of memory (AssemblyScript, rt/rtrace.ts). */
const COUNTED = ["onalloc", "onresize", "onmove", "onfree"];
const MANY = 100_000;
const VPNS = 200;

/** A world in which every VPN has been up for a while. */
function settled(engine: Engine): World {
  const connections = branches(VPNS);
  const world = new World(engine, connections);
  world.configure(monitored(connections, "option rekey '1'", "option interval '1'"));
  world.run(20_000);
  assert.equal(world.log.filter((line) => line.includes("is up.")).length, VPNS);
  return world;
}

/** Runs until as many ticks and replies as are asked for have been. */
function runMany(world: World): void {
  const { ticks, replies } = world.counts;
  while (world.counts.ticks - ticks < MANY || world.counts.replies - replies < MANY) {
    world.run(10_000);
  }
}

test("the module imports what is allowed, and nothing else", () => {
  const module = new WebAssembly.Module(readFileSync("build/engine.wasm"));
  const imports = WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`);
  assert.deepEqual(imports, ["host.trap"]);
});

describe("the hot path takes no memory:", () => {
  for (const name of HOT) {
    test(`nothing that could is reachable from ${name}`, () => {
      const wat = new Wat(readFileSync("build/engine.wat", "utf8"));
      const runtime =
        /^\$~lib\/rt\/|^\$~lib\/memory\/heap|^memory\.grow$|_indirect$|__stack_pointer/;
      assert.deepEqual(wat.reached(name, runtime), []);
      // The search sees what is there: a configuration does take memory.
      assert.notEqual(wat.reached("configure", runtime).length, 0);
    });
  }

  test(`linear memory has its size after ${MANY} ticks and replies`, () => {
    const engine = new Engine();
    const world = settled(engine);
    const pages = engine.pages();
    runMany(world);
    assert.equal(engine.pages(), pages);
  });

  describe("counted by the runtime", () => {
    const path = "build/engine-rtrace.wasm";
    before(() => {
      execFileSync("node_modules/.bin/asc", ["--target", "rtrace"]);
    });

    test(`nothing is allocated, moved or freed in ${MANY} ticks and replies`, () => {
      let counted = 0;
      const hook = (name: string) => (pointer: number) => {
        if (COUNTED.includes(name)) counted++;
        return pointer;
      };
      const module = new WebAssembly.Module(readFileSync(path));
      const names = WebAssembly.Module.imports(module)
        .filter((wanted) => wanted.module === "rtrace")
        .map(({ name }) => name);
      const rtrace = Object.fromEntries(names.map((name) => [name, hook(name)]));
      const world = settled(new Engine(path, { rtrace }));
      assert.notEqual(counted, 0, "the start was not counted");
      counted = 0;
      runMany(world);
      assert.equal(counted, 0);
    });
  });
});
