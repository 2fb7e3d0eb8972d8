/** Completion in the shells: Tab in a real one, at a real daemon. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { withBench } from "./lib/bench.ts";
import { optionsOf } from "./lib/options.ts";
import { Screen } from "./lib/screen.ts";

const BUILD = path.resolve("build");
const COMPLETION = path.resolve("host/completion");

/** Names that begin as a person can type them, with all that a name may have in it. */
const ODD = [..."$`;&|<>()[]{}*?!#~%^@:=+,./-"].map((mark, i) => `n${i + 10}${mark}x`);
const NAMES = ["branch", "bridge", "-dash", "why?", ...ODD];

interface Shell {
  screen: Screen;
  choice: string;
  /** How a command begins. */
  ctl: string;
  folder: string;
  stop: () => Promise<void>;
  /** Stops the daemon's process, or lets it go on. */
  hang: (signal: "SIGSTOP" | "SIGCONT") => void;
}

const ROWS = 120;
const COLUMNS = 150;

interface Installed {
  /** Its variables, and how it is called. */
  env: string[];
  command: string[];
  /** What shows the choice where there is one. */
  choice: string;
}

/** Shells that find their completions as when these are installed. */
const SHELLS: Record<string, (folder: string) => Installed> = {
  bash: (folder) => {
    fs.symlinkSync(path.join(COMPLETION, "bash"), path.join(folder, "completions"));
    const rc = path.join(folder, "bashrc");
    const lines = [
      "PS1='$ '",
      `PATH=${BUILD}:$PATH`,
      ". /usr/share/bash-completion/bash_completion",
    ];
    fs.writeFileSync(rc, lines.join("\n"));
    const env = [`BASH_COMPLETION_USER_DIR=${folder}`, "HISTFILE="];
    return { env, command: ["bash", "--noprofile", "--rcfile", rc, "-i"], choice: "\t\t" };
  },
  zsh: (folder) => {
    const lines = [
      "PS1='$ '",
      `path=(${BUILD} $path)`,
      `fpath=(${path.join(COMPLETION, "zsh")} $fpath)`,
      "unsetopt prompt_sp",
      "autoload -U compinit",
      "compinit -D -u",
    ];
    fs.writeFileSync(path.join(folder, ".zshrc"), lines.join("\n"));
    return { env: [`ZDOTDIR=${folder}`], command: ["zsh", "-d", "-i"], choice: "\t" };
  },
};

async function withShell(name: string, body: (shell: Shell) => Promise<void>): Promise<void> {
  await withBench(async ({ namespace, rekeyd, conf }) => {
    await namespace.batch(["link add br-lan type veth peer name wan"]);
    rekeyd.configure(conf(...NAMES));
    await rekeyd.start();
    const folder = path.dirname(rekeyd.control_path);
    const { env, command, choice } = SHELLS[name]!(folder);
    const screen = await Screen.open(["env", "-C", folder, ...env, ...command], COLUMNS, ROWS);
    try {
      await screen.shows(/^\$$/m);
      await body({
        screen,
        choice,
        ctl: `rekeyctl --control ${rekeyd.control_path}`,
        folder,
        stop: async () => void (await rekeyd.stop()),
        hang: (signal) => void process.kill(rekeyd.pid, signal),
      });
    } finally {
      await screen.close();
    }
  });
}

/** Types it on an empty screen. */
async function typed(screen: Screen, text: string): Promise<void> {
  await screen.press("C-e", "C-u", "C-l");
  await screen.shows(/^\$$/);
  await screen.type(text);
}

/** Regular expression for the text as it is. */
const literally = (text: string): string => text.replace(/[^\w\s]/g, "\\$&");

for (const name of Object.keys(SHELLS)) {
  // They wait more than they work.
  describe(`in ${name}`, { concurrency: 4 }, () => {
    test("Tab completes what the daemon knows: commands, names, interfaces", () =>
      withShell(name, async ({ screen, ctl, choice }) => {
        await typed(screen, `${ctl} ge\tv\t`);
        await screen.shows(/ get vpn$/m);
        await screen.type("m\t\n");
        await screen.shows(/ get vpnmonitor ?\nVPN monitor interval/);
        await typed(screen, `${ctl} get vpn br${choice}`);
        await screen.shows(/^branch +bridge/m);
        await screen.type("a\t\n");
        await screen.shows(/^VPN branch: /m);
        await typed(screen, `${ctl} --json set vpn branch mon\tsource-in\tbr\t`);
        await screen.shows(/ --json set vpn branch monitor source-interface br-lan$/m);
      }));

    test("what it makes of a name is that name, in quotes or without", () =>
      withShell(name, async ({ screen, ctl }) => {
        const get = `${ctl} get vpn`;
        for (const odd of ODD) {
          const begin = odd.slice(0, 3);
          // What needs no quotes is typed, too: readline goes on behind some of them.
          const more = /[%^@:=+,./-]/.test(odd) ? odd.slice(0, 4) : begin;
          const ways = [`${get} "${begin}\t`, `${get} '${begin}\t`, `${get} ${more}\t`];
          await typed(screen, `clear;${ways.join(";")}\n`);
          const shown = `^VPN ${literally(odd)}: `;
          await screen.shows(new RegExp(`(?:${shown}[^]*){3}^\\$$`, "m"));
        }
        for (const [begin, odd] of [
          ["why", "why?"],
          ['\\"-d', "-dash"],
        ]) {
          await typed(screen, `${get} ${begin!}\t\n`);
          await screen.shows(new RegExp(`^VPN ${literally(odd!)}: `, "m"));
        }
      }));

    test("files and options are completed by the shell", () =>
      withShell(name, async ({ screen, ctl, folder }) => {
        fs.writeFileSync(path.join(folder, "half a file"), "get sa\n");
        await typed(screen, `${ctl} -f ha\t\n`);
        await screen.shows(/^total configured sa: /m);
        await typed(screen, `${ctl} rec sta\t\n`);
        await screen.shows(/ rec start ?\n.*\n\$$/m);
        await typed(screen, `${ctl} record save ha\t\n`);
        await screen.shows(/^half a file: \d+ bytes; /m);
        await typed(screen, "rekeyctl --contr\t");
        await screen.shows(/^\$ rekeyctl --control[= ]?$/m);
        await typed(screen, "rekeyd ch\t--c\trekeyd.co\t");
        await screen.shows(/^\$ rekeyd check --config[= ]rekeyd\.con/m);
        await typed(screen, "rekeyd run --hook-user nob\t");
        await screen.shows(/^\$ rekeyd run --hook-user nobody$/m);
        await typed(screen, "rekeyd run --log jo\t--log json:ha\t");
        await screen.shows(/^\$ rekeyd run --log journald --log json:half\\ a\\ file$/m);
      }));

    for (const program of ["rekeyctl", "rekeyd", "rekeyd-web"] as const) {
      test(`all options of ${program} are proposed, and no others`, () =>
        withShell(name, async ({ screen, choice }) => {
          const proposed = new Set<string>();
          // What rekeyd takes hangs on its command.
          const more = program === "rekeyd" ? [`${program} run --`] : [];
          for (const line of [`${program} --`, ...more]) {
            await typed(screen, line + choice);
            const shown = await screen.shows(/^--[a-z]+[^]*--[a-z]+/m);
            const options = shown.slice(shown.indexOf("\n")).match(/(?<!\S)--[a-z-]{2,}/g);
            options!.forEach((option) => proposed.add(option));
          }
          const long = optionsOf(program).filter((option) => option.startsWith("--"));
          assert.deepEqual([...proposed].sort(), long.sort());
        }));
    }

    test("no daemon: the commands' words; one that hangs: nothing, and the line stays", () =>
      withShell(name, async ({ screen, ctl, stop, hang }) => {
        hang("SIGSTOP");
        await typed(screen, `${ctl} get vpn br\t\t.`);
        assert.match(await screen.shows(/br\.$/m), /^\$ rekeyctl --control \S+ get vpn br\.$/);
        hang("SIGCONT");
        await stop();
        await typed(screen, `${ctl} ge\tvpn br\t\t.`);
        assert.match(await screen.shows(/br\.$/m), /^\$ rekeyctl --control \S+ get vpn br\.$/);
      }));
  });
}
