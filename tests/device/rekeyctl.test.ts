/** rekeyctl as it is used: with a command, with many, and at a prompt. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import type { Result } from "../lab/lib/command.ts";
import { attempt } from "../lab/lib/command.ts";
import { waitFor } from "../lab/lib/wait.ts";
import { withBench } from "./lib/bench.ts";
import { Screen } from "./lib/screen.ts";

const REKEYCTL = "build/rekeyctl";
const SCRIPT = `# what is there
get vpnmonitor

  # and a mistake
get vpn nobody
get sa
`;

interface Running {
  control: string;
  folder: string;
  /** Runs rekeyctl with this on its standard input. */
  ctl: (input: string, ...args: string[]) => Promise<Result>;
  stop: () => Promise<unknown>;
}

/** A running daemon with the VPNs `branch` and `bridge`. */
async function withDaemon(body: (running: Running) => Promise<void>): Promise<void> {
  await withBench(async ({ rekeyd, conf }) => {
    rekeyd.configure(conf("branch", "bridge"));
    await rekeyd.start();
    const control = rekeyd.control_path;
    const ctl = (input: string, ...args: string[]): Promise<Result> =>
      attempt(REKEYCTL, ["--control", control, ...args], input);
    const stop = (): Promise<unknown> => rekeyd.stop();
    await body({ control, folder: path.dirname(control), ctl, stop });
  });
}

/** A prompt, at a daemon that runs, and at home in its folder. */
async function withPrompt(
  body: (screen: Screen, running: Running) => Promise<void>,
  columns = 100,
): Promise<void> {
  await withDaemon((running) =>
    prompt(running, [`HOME=${running.folder}`], (screen) => body(screen, running), columns),
  );
}

/** A prompt with these variables. */
async function prompt(
  { control }: Running,
  variables: string[],
  body: (screen: Screen) => Promise<void>,
  columns = 100,
): Promise<void> {
  const command = ["env", ...variables, REKEYCTL, "--control", control];
  const screen = await Screen.open(command, columns);
  try {
    await screen.shows(/^rekeyd>$/m);
    await body(screen);
  } finally {
    await screen.close();
  }
}

describe("commands as arguments, from a file and from standard input", () => {
  test("a mistake is shown in its line, and ends with status 1", () =>
    withDaemon(async ({ ctl }) => {
      const wrong = await ctl("", "get", "sa", "all");
      assert.equal(wrong.code, 1);
      assert.equal(wrong.stdout, "");
      assert.match(wrong.stderr, /^get sa all\n {7}\^--- unknown word 'all'; here may stand:\n/);
      const right = await ctl("", "g", "vpnm");
      assert.equal(right.code, 0, right.stderr);
      assert.match(right.stdout, /^VPN monitor interval/);
      const help = await ctl("", "get", "vpn", "?");
      assert.match(help.stdout, /NAME +a VPN: branch, bridge\n/);
      const json = await ctl("", "--json", "get", "nothing");
      assert.equal((JSON.parse(json.stderr) as { column: number }).column, 5);
      assert.equal(json.code, 1);
    }));

  for (const from of ["a file", "standard input", "-"]) {
    test(`many lines from ${from}: a wrong one is named, and the others are carried out`, () =>
      withDaemon(async ({ ctl, folder }) => {
        const file = path.join(folder, "commands");
        fs.writeFileSync(file, SCRIPT);
        const args = { "a file": ["-f", file], "standard input": [], "-": ["-f", "-"] }[from]!;
        const name = from === "a file" ? file : "standard input";
        const { code, stdout, stderr } = await ctl(SCRIPT, ...args);
        assert.equal(code, 1);
        assert.match(stdout, /^VPN monitor interval[^]*\ntotal configured sa: 2\n/);
        assert.ok(
          stderr.startsWith(`${name}:5:\nget vpn nobody\n        ^--- there is no`),
          stderr,
        );
        assert.equal((await ctl("# nothing\n\n")).code, 0);
      }));
  }

  test("each line of JSON is a document", () =>
    withDaemon(async ({ ctl, folder }) => {
      const save = `record start\nget vpnmonitor\nrecord save ${path.join(folder, "a")}`;
      const lines = `get vpn\nget event last 1\r\nclear event\n${save}`;
      const { code, stdout } = await ctl(lines, "--json");
      assert.equal(code, 0);
      const documents = stdout
        .trimEnd()
        .split("\n")
        .map((line) => Object.keys(JSON.parse(line)));
      const [recorder, settings, saved] = documents.splice(3);
      assert.deepEqual(documents, [["vpns"], ["dropped", "events"], ["message"]]);
      assert.deepEqual([recorder, saved], [["recorder"], ["message"]]);
      assert.ok(settings!.includes("interval_ms"));
    }));

  test("with --json each error is a document, too, and names its line", () =>
    withDaemon(async ({ ctl, folder, stop }) => {
      const errors = async (input: string, ...args: string[]): Promise<object[]> => {
        const { stderr } = await ctl(input, "--json", ...args);
        return stderr
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as object);
      };
      const id = { word: "ID", text: "the SA's ID, as get sa shows it, such as 0x00000001" };
      const error = { error: "'zz' is no SA ID", column: 11, expected: [id] };
      assert.deepEqual(await errors("", "get", "sa", "id", "zz"), [error]);
      const file = path.join(folder, 'a "file"');
      const long = "x".repeat(2000);
      fs.writeFileSync(file, `get vpn\nget sa id zz\nsave\n${long}\n`);
      const [wrong, too_long] = await errors("", "-f", file);
      assert.deepEqual(wrong, { file, line: 2, ...error });
      const text = "a command has at most 1024 bytes";
      assert.deepEqual(too_long, { file, line: 4, error: text });
      const nothing = { error: "nothing has been recorded" };
      assert.deepEqual(await errors("", "record", "save", "/tmp"), [nothing]);
      await stop();
      const [away] = (await errors("get vpn\n")) as { error: string; line: number }[];
      assert.match(away!.error, /^no answer from rekeyd at .*: No such file/);
      assert.equal(away!.line, 1);
    }));

  test("any bytes may stand in a line, however long it is", () =>
    withDaemon(async ({ ctl }) => {
      const { code, stderr } = await ctl(`\0\x1b\xff\n${"x".repeat(200_000)}\nget sa\n`);
      assert.equal(code, 1);
      assert.match(stderr, /standard input:1:\n/);
      assert.match(stderr, /standard input:2:\na command has at most 1024 bytes\n$/);
    }));

  test("record save writes to the file that the line names, whatever stands in it", () =>
    withDaemon(async ({ ctl, folder }) => {
      const file = path.join(folder, "a file");
      const { code, stdout, stderr } = await ctl(`rec start\nget vpn\nrec save "${file}"\n`);
      assert.equal(code, 0, stderr);
      assert.ok(
        stdout.includes(`${file}: ${fs.statSync(file).size} bytes; npm run replay -- ${file}\n`),
      );
      fs.rmSync(file);
      assert.equal((await ctl("", "record", "save", file)).code, 0);
      assert.equal(fs.statSync(file).mode & 0o777, 0o600);
      const nowhere = await ctl("", "record", "save", path.join(file, "below"));
      assert.equal(nowhere.code, 1);
      assert.match(nowhere.stderr, /^rekeyctl: .*below: Not a directory/);
    }));

  test("without a daemon the rest is not tried; a file that is missing is a usage error", () =>
    withDaemon(async ({ ctl, stop }) => {
      assert.equal((await ctl("", "-f", "/nonexistent/file")).code, 2);
      await stop();
      const { code, stderr } = await ctl("get sa\nget sa\n");
      assert.equal(code, 3);
      assert.equal(stderr.match(/no answer from rekeyd/g)?.length, 1);
      assert.match(stderr, /; is it running\?$/m);
    }));
});

describe("the prompt", () => {
  test("runs commands, shows mistakes, ends with exit", () =>
    withPrompt(async (screen) => {
      await screen.type("get vpnm");
      await screen.press("Enter");
      await screen.shows(/^rekeyd> get vpnm\nVPN monitor interval[^]*\nrekeyd>$/m);
      await screen.type("get vpn nobody");
      await screen.press("Enter");
      await screen.shows(/^get vpn nobody\n {8}\^--- there is no VPN 'nobody'[^]*\nrekeyd>$/m);
      await screen.type("exit");
      await screen.press("Enter");
      assert.equal(await screen.ends(), 0);
    }));

  test("? helps at once, and the line stays", () =>
    withPrompt(async (screen) => {
      await screen.type("get sa ?");
      await screen.shows(/^rekeyd> get sa\n {2}active\n[^]*<return> [^]*\nrekeyd> get sa$/m);
      assert.equal(await screen.cursor(), "rekeyd> get sa ".length);
      await screen.type("inactive");
      await screen.press("Enter");
      await screen.shows(/^total configured sa: 2$/m);
      await screen.type('get vpn "a?');
      await screen.shows(/^rekeyd> get vpn "a\?$/m);
    }));

  test("Tab completes words and names, and shows the choice where there is one", () =>
    withPrompt(async (screen) => {
      await screen.type("ge\tv\t");
      await screen.shows(/^rekeyd> get vpn$/m);
      await screen.type("\t");
      await screen.shows(/^ {2}vpnmonitor +settings[^]*\nrekeyd> get vpn$/m);
      await screen.type(" b\t");
      await screen.shows(/^rekeyd> get vpn br$/m);
      await screen.type("i\t");
      await screen.shows(/^rekeyd> get vpn bridge$/m);
      await screen.press("Enter");
      await screen.shows(/^VPN bridge: /m);
      await screen.type('get vpn "bra\t');
      await screen.shows(/^rekeyd> get vpn "branch"$/m);
      await screen.press("Enter");
      await screen.shows(/^VPN branch: /m);
    }));

  test("keys edit the line, and recall earlier ones", () =>
    withPrompt(async (screen) => {
      await screen.type("gt sa");
      await screen.press("Home", "Right");
      await screen.type("e");
      await screen.shows(/^rekeyd> get sa$/m);
      assert.equal(await screen.cursor(), "rekeyd> ge".length);
      await screen.press("Enter");
      await screen.shows(/^total configured/m);
      await screen.press("C-l");
      await screen.shows(/^rekeyd>$/);
      await screen.press("Up");
      await screen.shows(/^rekeyd> get sa$/);
      await screen.press("C-w");
      await screen.type("nothing");
      await screen.press("C-c");
      await screen.shows(/^rekeyd> get nothing\nrekeyd>$/);
      await screen.press("C-d");
      assert.equal(await screen.ends(), 0);
    }));

  test("a line that is longer than the screen scrolls", () =>
    withPrompt(async (screen) => {
      await screen.type("get event level critical vpn branch");
      await screen.shows(/^rekeyd> .*critical vpn branch$/m);
      assert.doesNotMatch(await screen.text(), /get event/);
      await screen.press("C-a");
      await screen.shows(/^rekeyd> get event level/m);
      await screen.press("Enter");
      await screen.shows(/^rekeyd>$/m);
    }, 36));

  test("what is wider than the screen goes on below at a word, and a mistake stays in sight", () =>
    withPrompt(async (screen) => {
      await screen.type("get vpnm?");
      await screen.shows(
        /^ {2}vpnmonitor +settings for all VPNs, the\n {14}configuration, counts$/m,
      );
      await screen.press("C-c");
      await screen.type("get event last 1\n");
      await screen.shows(/^\[Root\]system-[^]*\n {2}\S.*\)\nrekeyd>$/m);
      await screen.press("C-l");
      await screen.type("show vpn\n");
      const text = await screen.shows(/^show vpn\n\^--- unknown word 'show'; [^]*\nrekeyd>$/m);
      assert.match(text, / get clear exec [^]*\n +[a-z ]+ record\nrekeyd>$/);
    }, 50));

  for (const [how, then, said] of [
    ["says at its end that changes are not saved", "exit\n", true],
    ["ends without a word when they are", "save\nexit\n", false],
  ] as const) {
    test(how, () =>
      withPrompt(async (screen, { folder }) => {
        await screen.type(`set vpn branch threshold 7\n${then}`);
        assert.equal(await screen.ends(), 0);
        const notice = new RegExp(`^not saved: save writes the changes to ${folder}`, "m");
        assert.equal(notice.test(await screen.text()), said, await screen.text());
      }, 200),
    );
  }

  test("lines that are pasted are all carried out", () =>
    withPrompt(async (screen) => {
      await screen.type("get vpn branch\n# a remark\nget sa\nexit\n");
      assert.equal(await screen.ends(), 0);
      await screen.shows(/^VPN branch: [^]*^total configured sa: 2$/m);
    }));

  test("goes on when the daemon has gone", () =>
    withPrompt(async (screen, { stop }) => {
      await stop();
      await screen.type("get sa\n");
      await screen.shows(/^rekeyctl: no answer from rekeyd at [^]*\nrekeyd>$/m);
      await screen.type("get ?");
      await screen.shows(/^no answer from rekeyd: /m);
      await screen.type("vpnm\t");
      await screen.shows(/^rekeyd> get vpnmonitor$/m);
      await screen.press("C-u", "C-d");
      assert.equal(await screen.ends(), 0);
    }));
});

describe("the prompt's history", () => {
  /** Types the lines, and ends the prompt. */
  const typing =
    (...lines: string[]) =>
    async (screen: Screen): Promise<void> => {
      for (const line of lines) await screen.type(`${line}\n`);
      // Ctrl-D is no end while a command runs: the kernel makes another character of it.
      const leave = (): Promise<boolean> => screen.press("C-d").then(() => screen.isOver());
      await waitFor("the prompt ends", 10_000, leave, 200);
      assert.equal(await screen.ends(), 0);
    };

  test("is that of the sessions before, for its owner alone", () =>
    withDaemon(async (running) => {
      const home = [`HOME=${running.folder}`];
      await prompt(running, home, typing("get vpn branch", "get nothing", "get nothing", ""));
      const file = path.join(running.folder, ".rekeyctl_history");
      assert.equal(fs.readFileSync(file, "utf8"), "get vpn branch\nget nothing\n");
      assert.equal(fs.statSync(file).mode & 0o777, 0o600);
      await prompt(running, home, async (screen) => {
        await screen.press("Up", "Up");
        await screen.shows(/^rekeyd> get vpn branch$/m);
        // Another session beside it, which has the file first.
        await prompt(running, home, typing("get vpn bridge"));
        await typing("")(screen);
      });
      const lines = ["get vpn branch", "get nothing", "get vpn bridge", "get vpn branch", ""];
      assert.equal(fs.readFileSync(file, "utf8"), lines.join("\n"));
    }));

  test("is where XDG_STATE_HOME says, whatever that folder lacks", () =>
    withDaemon(async (running) => {
      const state = path.join(running.folder, "local", "state");
      await prompt(running, [`XDG_STATE_HOME=${state}`, "HOME=/"], typing("get sa"));
      assert.equal(fs.readFileSync(path.join(state, "rekeyctl", "history"), "utf8"), "get sa\n");
    }));

  test("makes no home for one who has none", () =>
    withDaemon(async (running) => {
      const home = path.join(running.folder, "nonexistent");
      await prompt(running, [`HOME=${home}`], typing("get sa"));
      assert.ok(!fs.existsSync(home));
    }));

  for (const home of [[], ["HOME="], ["HOME=here"], ["HOME=/proc"], ["HOME=/dev/null"]]) {
    test(`is of one session where there is no place for it: ${home[0] ?? "no HOME"}`, () =>
      withDaemon((running) =>
        prompt(running, home, async (screen) => {
          await screen.type("get sa\n");
          await screen.shows(/^total configured sa: 2$/m);
          await screen.press("Up");
          await screen.shows(/^rekeyd> get sa\n[^]*^rekeyd> get sa$/m);
          await screen.press("C-u");
          await typing("")(screen);
        }),
      ));
  }
});
