"use strict";
"require baseclass";
"require rpc";

/* What the pages share: the daemon's answers (rpcd's object `rekeyd`), and how they are shown. */

const call = (method, params) => rpc.declare({ object: "rekeyd", method, params });
const callGet = call("get", ["words"]);
const callDoctor = call("doctor", ["name"]);
const callCheck = call("check");
const callCommand = call("command", ["line"]);

/* What is wrong stands at the top, as on the live screen. */
const RANKS = { down: 0, inactive: 1, ready: 2, up: 3 };
const UNMONITORED = 4;

/* Besides the colour each state has its word. */
const CLASSES = { down: "danger", inactive: "warning", ready: "notice", up: "success" };

/* The engine's sentences begin small and have no stop. */
function sentence(text) {
  const begun = /^[a-z]+\b/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(begun) ? begun : begun + ".";
}

function answered(reply) {
  if (reply === undefined || reply === null || typeof reply !== "object")
    throw new Error(_("rpcd gives no answer."));
  if (reply.error) throw new Error(sentence(reply.error));
  return reply;
}

return baseclass.extend({
  /* `get WORD...`, as rekeyctl --json answers it. */
  get(...words) {
    return callGet(words).then(answered);
  },

  doctor(name) {
    return callDoctor(name).then(answered);
  },

  /* Mistakes of the configuration with the changes that are not applied yet. */
  check() {
    return callCheck()
      .then(answered)
      .then(({ mistakes }) => mistakes);
  },

  /* A line that changes something. */
  command(line) {
    return callCommand(line).then(answered);
  },

  sentence,

  inOrder(vpns) {
    const rank = ({ monitor, state }) => (monitor ? RANKS[state] : UNMONITORED);
    return [...vpns].sort((a, b) => rank(a) - rank(b));
  },

  stateMark(state) {
    return E("span", { class: "label " + (CLASSES[state] ?? "") }, [state]);
  },

  delay({ delay_last_ms }) {
    return delay_last_ms === null ? "-" : _("%d ms").format(delay_last_ms);
  },

  span(seconds) {
    return seconds === null ? _("unlimited") : "%t".format(seconds);
  },

  /* The last rounds as bars, and how many percent of them were answered. */
  availability({ rounds, availability_percent }) {
    if (availability_percent === null) return E("span", ["-"]);
    const bars = [...rounds].map((round) => (round === "1" ? "▇" : "▁")).join("");
    const missed = [...rounds].filter((round) => round !== "1").length;
    const label = _("%d rounds, %d missed").format(rounds.length, missed);
    return E("span", { title: label }, [
      E("span", { style: "font-family: monospace; letter-spacing: -1px", "aria-hidden": "true" }, [
        bars,
      ]),
      " %d%%".format(availability_percent),
    ]);
  },

  /* A table of LuCI's; cells are text, nodes, or null: not known. */
  table(titles, rows, empty) {
    const row = (kind, cells, attributes) =>
      E(
        "tr",
        Object.assign({ class: "tr" }, attributes),
        cells.map((cell, i) =>
          E(kind, { class: kind, "data-title": kind === "td" ? titles[i] : null }, [cell ?? "-"]),
        ),
      );
    const head = row("th", titles, { class: "tr table-titles" });
    const none = E("tr", { class: "tr placeholder" }, [
      E("td", { class: "td" }, [E("em", [empty])]),
    ]);
    return E("table", { class: "table cbi-section-table" }, [
      head,
      ...(rows.length > 0 ? rows.map((cells) => row("td", cells)) : [none]),
    ]);
  },

  events(events) {
    const newest_first = [...events].reverse();
    return this.table(
      [_("Time"), _("Level"), _("Text")],
      newest_first.map(({ time, severity, text }) => [
        new Date(time).toLocaleString(),
        severity,
        text,
      ]),
      _("There are no events."),
    );
  },
});
