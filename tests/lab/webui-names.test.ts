/** Names that mean something to an address, to HTML or to a command line are names all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { vpnSpec } from "./lib/lab.ts";
import { DESK, visit, withWebui } from "./lib/webui.ts";

const NAMES = ["<img/src=x>", "a/b", "50%25", "%", "#token=x", "?", "..", "&amp;", "-x", "monitor"];

test("each VPN is shown and set under its own name", () =>
  withWebui("webui-names", {}, (stage) =>
    visit(stage, stage.web.address, DESK, async (visitor) => {
      const { rekeyd, lab } = stage;
      const { page } = visitor;
      const vpns = NAMES.map((name, i) => vpnSpec({ child: `c${i}`, rekey: 0 }, name));
      rekeyd.reload(lab.a.rekeydConf(vpns));
      const main = page.getByRole("main");
      const heading = page.getByRole("heading", { level: 1 });
      for (const name of NAMES) {
        await page.getByRole("navigation").getByRole("link", { name: "AutoKey IKE" }).click();
        await main.getByRole("link", { name: `Edit ${name}`, exact: true }).click();
        await heading.filter({ hasText: "Edit" }).waitFor();
        assert.equal((await heading.innerText()).split("\n").at(-1), name);
        await page.getByRole("checkbox", { name: "VPN Monitor", exact: true }).click();
        await page.getByRole("button", { name: "Apply" }).click();
        await page.getByText("Applied: it is in force.").waitFor();
        assert.equal((await rekeyd.vpn(name)).monitor, false, name);
        await main.getByRole("link", { name: "Monitor Status" }).click();
        await heading.filter({ hasText: "Monitor Status" }).waitFor();
        assert.equal((await heading.innerText()).split("\n").at(-1), name);
        await page.reload();
        await main.getByText("not monitored").or(main.getByText("off")).first().waitFor();
        assert.equal((await heading.innerText()).split("\n").at(-1), name);
      }
    }),
  ));
