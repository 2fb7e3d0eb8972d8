/** `save`: the file is the old one or the new one, whatever happens. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { run } from "../lab/lib/command.ts";
import type { Rekeyd } from "../lab/lib/rekeyd.ts";
import { waitFor } from "../lab/lib/wait.ts";
import { withBench } from "./lib/bench.ts";

const COMMENTED = `\
# Branches of the north.
config vpnmonitor 'global'   # for all
\toption vici '/nowhere'

config vpn branch    # the first
\toption gateway "s2s"
    option threshold 3   # Anna wants it so
\t# option size '1000'

config vpn 'other'
\toption gateway 'other'
`;
const SAVED = COMMENTED.replace("threshold 3", "threshold 7");
const NOBODY = 65534;

/** Does one command, which must succeed. */
async function command(rekeyd: Rekeyd, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await rekeyd.rekeyctl(...words);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What a command is refused with. */
async function refusal(rekeyd: Rekeyd, ...words: string[]): Promise<string> {
  const { code, stderr } = await rekeyd.rekeyctl(...words);
  assert.equal(code, 1);
  return stderr;
}

const textOf = (file: string): string => fs.readFileSync(file, "utf8");
const newFile = (file: string): string =>
  path.join(path.dirname(file), `.${path.basename(file)}.rekeyd-new`);

/** Runs strace on the daemon while something happens; answers what it has seen. */
async function traced(rekeyd: Rekeyd, args: string[], body: () => Promise<void>): Promise<string> {
  const file = rekeyd.config_path;
  const paths = [path.dirname(file), file, newFile(file)].flatMap((each) => ["-P", each]);
  const strace = spawn("strace", ["-p", `${rekeyd.pid}`, ...paths, ...args]);
  let said = "";
  strace.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(strace, "close");
  await waitFor("strace is there", 5000, () => said.includes(" attached"));
  await body();
  strace.kill("SIGINT");
  await ended;
  return said;
}

describe("save", () => {
  test("changes the line alone, keeps mode and owner, and a restart brings it back", () =>
    withBench(async ({ rekeyd }) => {
      rekeyd.configure(COMMENTED);
      fs.chmodSync(rekeyd.config_path, 0o640);
      await rekeyd.start();
      await command(rekeyd, "set", "vpn", "branch", "threshold", "7");
      assert.equal(textOf(rekeyd.config_path), COMMENTED, "a command changes no file");
      assert.match(await command(rekeyd, "get", "config"), /^# Not saved: save writes it to \//m);
      assert.match(await command(rekeyd, "save"), /^saved to .*rekeyd\.conf\n$/);
      assert.equal(textOf(rekeyd.config_path), SAVED);
      const { mode, uid, gid } = fs.statSync(rekeyd.config_path);
      assert.deepEqual([mode & 0o7777, uid, gid], [0o640, 0, 0]);
      const shown = await command(rekeyd, "get", "config");
      const vpns = await rekeyd.vpns();
      await rekeyd.stop();
      await rekeyd.start();
      assert.equal(await command(rekeyd, "get", "config"), shown);
      assert.deepEqual(await rekeyd.vpns(), vpns);
      assert.equal(
        fs.readdirSync(path.dirname(rekeyd.config_path)).filter((name) => name.includes("-new"))
          .length,
        0,
      );
    }));

  test("leaves alone what somebody else has written, unless it is forced", () =>
    withBench(async ({ rekeyd }) => {
      rekeyd.configure(COMMENTED);
      await rekeyd.start();
      await command(rekeyd, "set", "vpn", "branch", "threshold", "7");
      const theirs = COMMENTED.replace("north", "south");
      rekeyd.configure(theirs);
      assert.match(await refusal(rekeyd, "save"), /somebody else has changed the file/);
      assert.equal(textOf(rekeyd.config_path), theirs);
      await command(rekeyd, "save", "force");
      assert.equal(textOf(rekeyd.config_path), SAVED);
      await command(rekeyd, "unset", "vpn", "other");
      rekeyd.reload(theirs);
      await waitFor("the file holds", 2000, () =>
        /were not saved, and are gone/.test(rekeyd.log()),
      );
      assert.equal((await rekeyd.vpns()).length, 2);
      fs.rmSync(rekeyd.config_path);
      await command(rekeyd, "set", "vpn", "branch", "threshold", "7");
      assert.match(await refusal(rekeyd, "save"), /somebody else has changed the file/);
      await command(rekeyd, "save", "force");
      assert.equal(textOf(rekeyd.config_path), SAVED.replace("north", "south"));
    }));

  test("survives a trap of the engine, unsaved", () =>
    withBench(async ({ rekeyd }) => {
      rekeyd.configure(COMMENTED);
      await rekeyd.start();
      await command(rekeyd, "set", "vpn", "branch", "threshold", "7");
      await refusal(rekeyd, "fault");
      await waitFor(
        "a fresh engine",
        5000,
        async () => (await rekeyd.rekeyctl("get", "vpn")).code === 0,
      );
      assert.match(await command(rekeyd, "get", "config"), /threshold 7 [^]*# Not saved/);
      await command(rekeyd, "save");
      assert.equal(textOf(rekeyd.config_path), SAVED);
    }, "build/rekeyd-fault"));

  test("says so when the disk is full, or read-only, or not for it to write", () =>
    withBench(async ({ rekeyd }) => {
      const disk = path.join(path.dirname(rekeyd.config_path), "disk");
      fs.mkdirSync(disk);
      await run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
      try {
        const file = path.join(disk, "target.conf");
        fs.writeFileSync(file, COMMENTED);
        fs.rmSync(rekeyd.config_path);
        fs.symlinkSync(file, rekeyd.config_path);
        await rekeyd.start();
        await command(rekeyd, "set", "vpn", "branch", "threshold", "7");
        const refuses = async (says: RegExp): Promise<void> => {
          assert.match(await refusal(rekeyd, "save"), says);
          assert.equal(textOf(file), COMMENTED);
          assert.ok(!fs.existsSync(newFile(file)));
        };
        const filler = path.join(disk, "filler");
        assert.throws(() => fs.writeFileSync(filler, Buffer.alloc(1 << 20)), /ENOSPC/);
        await refuses(/No space left on device/);
        fs.rmSync(filler);
        await run("mount", ["-o", "remount,ro", disk]);
        await refuses(/Read-only file system/);
        await run("mount", ["-o", "remount,rw", disk]);
        // The daemon is root without root's capabilities.
        fs.chownSync(disk, NOBODY, NOBODY);
        fs.chmodSync(disk, 0o755);
        await refuses(/may not write to its folder/);
        fs.chmodSync(disk, 0o777);
        fs.chownSync(file, NOBODY, NOBODY);
        await refuses(/owner or mode cannot be kept/);
        fs.chownSync(file, 0, 0);
        await command(rekeyd, "save");
        assert.equal(textOf(file), SAVED);
        assert.ok(fs.lstatSync(rekeyd.config_path).isSymbolicLink(), "the link stays");
      } finally {
        await rekeyd.kill();
        await run("umount", [disk]);
      }
    }));
});

/** System calls of a save that reach the file, its successor or their folder. */
function callsOf(trace: string): string[] {
  return [...trace.matchAll(/^(\w+)\(/gm)].map(([, name = ""]) => name);
}

/** `name` and how many of that name came up to then. */
function numbered(calls: string[]): [name: string, nth: number][] {
  return calls.map((name, i) => [
    name,
    calls.slice(0, i + 1).filter((each) => each === name).length,
  ]);
}

describe("a power cut", () => {
  test("at any moment of a save leaves the old file or the new one", () =>
    withBench(async ({ rekeyd }) => {
      const begin = async (): Promise<void> => {
        rekeyd.configure(COMMENTED);
        await rekeyd.start();
        await command(rekeyd, "set", "vpn", "branch", "threshold", "7");
      };
      await begin();
      const trace = await traced(rekeyd, [], async () => void (await command(rekeyd, "save")));
      const calls = callsOf(trace);
      // On the disk before it has its name, and the name on the disk before the answer.
      const order = /O_EXCL.*\n[^]*fchmod[^]*write\([^]*fsync\([^]*rename\w*\([^]*fsync\(/;
      assert.match(trace, order);
      assert.ok(calls.length >= 10, trace);
      let [old, saved] = [0, 0];
      for (const [name, nth] of numbered(calls)) {
        await rekeyd.kill();
        await begin();
        const inject = ["-e", `inject=${name}:signal=KILL:when=${nth}`];
        await traced(rekeyd, inject, async () => {
          assert.notEqual((await rekeyd.rekeyctl("save")).code, 0, `${name} ${nth}`);
        });
        const text = textOf(rekeyd.config_path);
        if (text === COMMENTED) old++;
        else if (text === SAVED) saved++;
        else assert.fail(`${name} ${nth} left:\n${text}`);
        // What it has left behind is in nobody's way.
        await rekeyd.kill();
        await rekeyd.start();
        await command(rekeyd, "set", "vpn", "branch", "threshold", "8");
        await command(rekeyd, "save");
        assert.equal(textOf(rekeyd.config_path), SAVED.replace("7", "8"));
        assert.ok(!fs.existsSync(newFile(rekeyd.config_path)));
      }
      assert.ok(old >= 8 && saved >= 1, `${old} old, ${saved} new`);
    }));

  test("and an error of any call is told, and leaves no rest", () =>
    withBench(async ({ rekeyd }) => {
      rekeyd.configure(COMMENTED);
      await rekeyd.start();
      await command(rekeyd, "set", "vpn", "branch", "threshold", "7");
      const trace = await traced(rekeyd, [], async () => void (await command(rekeyd, "save")));
      await command(rekeyd, "set", "vpn", "branch", "threshold", "8");
      const faulty = /^(open|openat|read|fchmod|write|fsync|rename\w*)$/;
      const calls = numbered(callsOf(trace)).filter(([name]) => faulty.test(name));
      // That the folder could not be synced comes when the new file is there.
      calls.pop();
      for (const [name, nth] of calls) {
        const inject = ["-e", `inject=${name}:error=EIO:when=${nth}`];
        await traced(rekeyd, inject, async () => {
          assert.match(await refusal(rekeyd, "save"), /^not saved: .*Input\/output/, name);
        });
        assert.equal(textOf(rekeyd.config_path), SAVED, name);
        assert.ok(!fs.existsSync(newFile(rekeyd.config_path)), name);
      }
      assert.ok(calls.length >= 8, trace);
      await command(rekeyd, "save");
      assert.equal(textOf(rekeyd.config_path), SAVED.replace("7", "8"));
    }));
});
