/** The section VPN Monitor: the line that a form becomes, and the field that an error is about. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  fieldAt,
  formOf,
  lineOf,
  sameForm,
  type Field,
  type MonitorForm,
} from "../../host/web/pages/logic/monitor_form.ts";

const OFF: MonitorForm = {
  monitor: false,
  source: "",
  destination: "",
  optimized: false,
  rekey: false,
};
const FULL: MonitorForm = {
  monitor: true,
  source: "br-lan",
  destination: "10.2.0.10, 10.2.0.11",
  optimized: true,
  rekey: true,
};

test("a form becomes ScreenOS's line, and only what is ticked or given stands in it", () => {
  const cases: [MonitorForm, string][] = [
    [OFF, "unset vpn branch monitor"],
    [{ ...FULL, monitor: false }, "unset vpn branch monitor"],
    [{ ...OFF, monitor: true }, "set vpn branch monitor"],
    [{ ...OFF, monitor: true, rekey: true }, "set vpn branch monitor rekey"],
    [
      FULL,
      "set vpn branch monitor source-interface br-lan destination-ip 10.2.0.10 " +
        "destination-ip 10.2.0.11 optimized rekey",
    ],
    [
      { ...OFF, monitor: true, source: "ip:fd00::1", destination: "  \t" },
      "set vpn branch monitor source-ip fd00::1",
    ],
  ];
  for (const [form, line] of cases) assert.equal(lineOf("branch", form).text, line);
});

test("nothing that is typed adds a line or a word to the name in front", () => {
  const line = lineOf('a b"', { ...FULL, destination: "10.2.0.10\nunset vpn branch" });
  assert.doesNotMatch(line.text, /\n/);
  assert.ok(line.text.startsWith('set vpn "a b" monitor source-interface br-lan '), line.text);
});

/** The field whose part of the line has the word. */
function fieldOf(form: MonitorForm, word: string, name = "branch"): Field | null {
  const line = lineOf(name, form);
  const column = [...line.text.slice(0, line.text.indexOf(word))].length + 1;
  return fieldAt(line, column);
}

test("an error's column leads to the field whose word stands there", () => {
  assert.equal(fieldOf(FULL, "set"), null);
  assert.equal(fieldOf(FULL, "branch"), null);
  assert.equal(fieldOf(FULL, "monitor"), "monitor");
  assert.equal(fieldOf(FULL, "source-interface"), "source");
  assert.equal(fieldOf(FULL, "br-lan"), "source");
  assert.equal(fieldOf(FULL, "10.2.0.10"), "destination");
  assert.equal(fieldOf(FULL, "10.2.0.11"), "destination");
  assert.equal(fieldOf(FULL, "optimized"), "optimized");
  assert.equal(fieldOf(FULL, "rekey"), "rekey");
  assert.equal(fieldAt(lineOf("branch", FULL), undefined), null);
  assert.equal(fieldAt(lineOf("branch", FULL), 1000), null);
});

test("columns are characters, not the units of a string", () => {
  const name = "\u{1f600}\u{1f600}\u{1f600}";
  assert.equal(fieldOf(FULL, "rekey", name), "rekey");
  assert.equal(fieldOf(FULL, "10.2.0.11", name), "destination");
});

test("a form shows what is configured, and goes back to the same line", () => {
  const vpn = { monitor: true, optimized: false, rekey: true };
  const settings = { source_interface: null, source_ip: "10.1.0.1", destination_ip: ["10.2.0.10"] };
  const form = formOf(vpn, settings);
  assert.deepEqual(form, {
    monitor: true,
    source: "ip:10.1.0.1",
    destination: "10.2.0.10",
    optimized: false,
    rekey: true,
  });
  const by_interface = formOf(vpn, { ...settings, source_interface: "lan", source_ip: null });
  assert.equal(by_interface.source, "lan");
  assert.equal(formOf(vpn, { ...settings, source_ip: null }).source, "");
  assert.ok(sameForm(form, { ...form, destination: " 10.2.0.10 " }));
  assert.ok(!sameForm(form, { ...form, rekey: false }));
  assert.ok(!sameForm(form, by_interface));
});
