/** What Juniper's article shows, done on the pages, with whatever hands a person has. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import type { Locator, Page } from "playwright-core";
import type { View } from "../../web/lib/browser.ts";
import type { Camera } from "../../web/lib/camera.ts";
import type { Hands } from "../../web/lib/hands.ts";
import type { Visitor } from "../../web/lib/visitor.ts";
import { host, TARGETS } from "./addresses.ts";
import { VPN } from "./recovery.ts";
import { waitFor, waitUntil } from "./wait.ts";
import { visit, withWebui, type Stage } from "./webui.ts";

/** Of one step, on two loaded cores. */
const STEP_MS = 30_000;
const TARGET = host("b", TARGETS[0]);

/** So many echoes make plots worth a picture. */
const PLOTTED = 70;

interface Scene extends Stage {
  visitor: Visitor;
  page: Page;
  hands: Hands;
  camera: Camera | null;
}

/** The whole story in a lab of its own: the VPN is not monitored when it begins. */
export function tellStory(
  name: string,
  view: View,
  handsOf: (page: Page) => Hands,
  camera: Camera | null = null,
): Promise<void> {
  return withWebui(name, { monitor: 0, rekey: 0, source_ip: [], destination_ip: [] }, (stage) =>
    visit(stage, stage.web.origin, view, async (visitor) => {
      const { page } = visitor;
      const scene: Scene = { ...stage, visitor, page, hands: handsOf(page), camera };
      await logIn(scene);
      await monitorWithRekey(scene);
      await save(scene);
      await watchOutage(scene);
      await renew(scene);
      await readLog(scene);
      await logOut(scene);
    }),
  );
}

const heading = (page: Page, name: string | RegExp): Locator =>
  page.getByRole("heading", { level: 1, name });
const link = (page: Page, name: string): Locator => page.getByRole("link", { name, exact: true });
const inMenu = (page: Page, name: string): Locator =>
  page.getByRole("navigation").getByRole("link", { name, exact: true });
const button = (page: Page, name: string): Locator =>
  page.getByRole("button", { name, exact: true });
const checkbox = (page: Page, name: string): Locator =>
  page.getByRole("checkbox", { name, exact: true });

/** A wrong token is refused and said to be wrong; then the right one. */
async function logIn({ page, hands, visitor, web }: Scene): Promise<void> {
  const secret = page.getByLabel("Token or password");
  await hands.write(secret, "not this one");
  await hands.press(button(page, "Log in"));
  await page.getByRole("alert").filter({ hasText: "not the token" }).waitFor();
  await visitor.assertAccessible("login, refused");
  await hands.write(secret, web.token);
  await hands.press(button(page, "Log in"));
  await heading(page, /AutoKey IKE/).waitFor();
  await page.getByRole("row", { name: VPN }).waitFor();
  await visitor.assertAccessible("AutoKey IKE");
}

/** Edit: Rekey needs VPN Monitor; a wrong address is named at its field; Apply is in force. */
async function monitorWithRekey({ page, hands, visitor, rekeyd, camera }: Scene): Promise<void> {
  await hands.press(link(page, `Edit ${VPN}`));
  const rekey = checkbox(page, "Rekey");
  await rekey.waitFor();
  assert.ok(await rekey.isDisabled(), "Rekey cannot be used alone");
  assert.match(await described(rekey), /need VPN Monitor/);
  await visitor.assertAccessible("Edit, not monitored");
  await hands.tick(checkbox(page, "VPN Monitor"));
  await hands.tick(rekey);
  await hands.choose(page.getByLabel("Source Interface"), /^lo /);
  const destination = page.getByLabel("Destination IP");
  await hands.write(destination, "10.2.0.300");
  await hands.press(button(page, "Apply"));
  await waitFor("the field is marked", STEP_MS, async () => {
    return (await destination.getAttribute("aria-invalid")) === "true";
  });
  assert.match(await described(destination), /10\.2\.0\.300/);
  assert.ok(await destination.evaluate((element) => element === document.activeElement));
  await visitor.assertAccessible("Edit, refused");
  assert.equal((await rekeyd.vpn(VPN)).monitor, false, "nothing has changed");

  await hands.write(destination, TARGET);
  await hands.press(button(page, "Apply"));
  await rekeyd.waitState(VPN, ["up"], STEP_MS);
  const { text, saved } = await configOf(rekeyd);
  assert.match(text, /option rekey '1'/);
  assert.match(text, new RegExp(`destination_ip '${TARGET}'`));
  assert.match(text, /option source_interface 'lo'/);
  assert.equal(saved, false);
  await page.getByText("Unsaved changes").waitFor();
  await visitor.assertAccessible("Edit, applied");
  await camera?.(visitor, "edit", 720);
}

async function save({ page, hands, rekeyd }: Scene): Promise<void> {
  const before = fs.readFileSync(rekeyd.config_path, "utf8");
  assert.doesNotMatch(before, /option rekey '1'/, "Apply has left the file alone");
  await hands.press(button(page, "Save"));
  await waitUntil(
    "the file holds what is in force",
    STEP_MS,
    () => fs.readFileSync(rekeyd.config_path, "utf8"),
    (text) => text.includes("option rekey '1'"),
  );
  assert.equal((await configOf(rekeyd)).saved, true);
  await page.getByText(`Saved to ${rekeyd.config_path}`).waitFor();
  await page.getByText("Unsaved changes").waitFor({ state: "hidden" });
}

/** Monitor Status is red while nothing passes, and green again afterwards, by itself. */
async function watchOutage(scene: Scene): Promise<void> {
  const { page, hands, visitor, lab } = scene;
  await hands.press(inMenu(page, "Monitor Status"));
  await heading(page, /Monitor Status/).waitFor();
  await visitor.assertAccessible("Monitor Status of all");
  await hands.press(page.getByRole("main").getByRole("link", { name: VPN, exact: true }));
  await heading(page, /Monitor Status/).waitFor();
  await waitState(page, "up", "green");
  await visitor.assertAccessible("Monitor Status, up");
  await lab.router.cut();
  await waitState(page, "down", "red");
  await visitor.assertAccessible("Monitor Status, down");
  await lab.router.heal();
  await waitState(page, "up", "green");
  await resize(scene);
}

/** A window that becomes narrower while plots are shown, and wide again. */
async function resize({ page, visitor }: Scene): Promise<void> {
  const { width, height } = visitor.view;
  for (const other of [1024, 900, 600, 360]) {
    await page.setViewportSize({ width: other, height });
    await visitor.assertFits(`Monitor Status, ${other} pixels wide`);
  }
  await page.setViewportSize({ width, height });
  await visitor.assertFits("Monitor Status, as wide as before");
}

/** The new SPI on the page is the one that strongSwan has. */
async function renew({ page, hands, lab, rekeyd, visitor, camera }: Scene): Promise<void> {
  const old = await lab.a.charon.waitInstalled("net");
  await page.getByText(old.spi_in).first().waitFor();
  await hands.press(button(page, "Renew now"));
  const fresh = await waitUntil(
    "another SA",
    STEP_MS,
    () => lab.a.charon.waitInstalled("net"),
    ({ spi_in }) => spi_in !== old.spi_in,
  );
  await page.getByText(fresh.spi_in).first().waitFor();
  if (camera === null) return;
  const answered = async (): Promise<number> => (await rekeyd.vpn(VPN)).echoes_answered;
  await waitUntil("enough is plotted", 2 * STEP_MS, answered, (echoes) => echoes >= PLOTTED);
  await camera(visitor, "status", 980);
}

/** All of it is in the log, and filters leave what they say. */
async function readLog({ page, hands, visitor, camera }: Scene): Promise<void> {
  await hands.press(inMenu(page, "System Log > Event"));
  await heading(page, /Event/).waitFor();
  const rows = page.getByRole("main").getByRole("row");
  await rows.filter({ hasText: "has successfully rekeyed the SA" }).first().waitFor();
  await rows
    .filter({ hasText: `'${VPN}' from 198.51.100.1 is down` })
    .first()
    .waitFor();
  await camera?.(visitor, "log", 720);
  const left = (what: string, least: number, text: RegExp): Promise<void> =>
    waitFor(`only ${what} are left`, STEP_MS, async () => {
      const [, ...texts] = await rows.allInnerTexts();
      return texts.length >= least && texts.every((each) => text.test(each));
    });
  await hands.choose(page.getByLabel("Level"), /^critical$/);
  await left("critical ones", 3, / is (up|down)\./);
  await hands.write(page.getByLabel("Text"), "is down");
  await left("those that hold the text", 1, / is down\./);
  await visitor.assertAccessible("Event");
}

async function logOut({ page, hands }: Scene): Promise<void> {
  await hands.press(button(page, "Log out"));
  await page.getByLabel("Token or password").waitFor();
}

/** What stands beside a field and is read out with it. */
async function described(field: Locator): Promise<string> {
  return field.evaluate((element) =>
    (element.getAttribute("aria-describedby") ?? "")
      .split(" ")
      .map((id) => document.getElementById(id)?.textContent ?? "")
      .join(" "),
  );
}

/** The VPN's state as a word, and as a colour. */
async function waitState(page: Page, state: string, colour: "red" | "green"): Promise<void> {
  const mark = page.getByRole("main").getByText(state, { exact: true }).first();
  await mark.waitFor({ timeout: STEP_MS });
  await waitUntil(
    "its colour",
    STEP_MS,
    () => colourOf(mark),
    (seen) => seen === colour,
  );
}

/** Whatever notation the style sheet has: the picture's own pixel tells. */
function colourOf(mark: Locator): Promise<string> {
  return mark.evaluate((element) => {
    const context = document.createElement("canvas").getContext("2d")!;
    context.fillStyle = getComputedStyle(element).color;
    context.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0] = context.getImageData(0, 0, 1, 1).data;
    if (red > green * 1.2) return "red";
    return green > red * 1.2 ? "green" : "grey";
  });
}

async function configOf(rekeyd: Stage["rekeyd"]): Promise<{ text: string; saved: boolean }> {
  return (await rekeyd.get("config")) as { text: string; saved: boolean };
}
