import { test } from "node:test";
import { keyboard } from "../web/lib/hands.ts";
import { PHONE } from "./lib/webui.ts";
import { tellStory } from "./lib/webui_story.ts";

test("the keyboard alone, in a phone's width: the same from login to the log", () =>
  tellStory("webui-keyboard", PHONE, keyboard));
