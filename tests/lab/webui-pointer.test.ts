import { test } from "node:test";
import { camera } from "../web/lib/camera.ts";
import { pointer } from "../web/lib/hands.ts";
import { DESK } from "./lib/webui.ts";
import { tellStory } from "./lib/webui_story.ts";

test("a pointer: monitored with rekey, cut, red, green again, renewed, read about", () =>
  tellStory("webui-pointer", DESK, pointer, camera()));
