"use strict";
"require view";
"require poll";
"require dom";
"require rekeyd";

/* The event log by level, VPN and text. */

const LEVELS = ["critical", "error", "warning", "notification", "information"];
const MAX_ROWS = 300;
const POLL_S = 5;

function choice(label, values, update) {
  const options = [
    E("option", { value: "" }, [_("all")]),
    ...values.map((each) => E("option", { value: each }, [each])),
  ];
  return E("label", { style: "margin-right: 1em" }, [
    label,
    " ",
    E(
      "select",
      {
        class: "cbi-input-select",
        style: "width: auto",
        change: (event) => update(event.target.value),
      },
      options,
    ),
  ]);
}

return view.extend({
  load() {
    return Promise.all([rekeyd.get("event"), rekeyd.get("vpn")]).catch((error) => error);
  },

  render(loaded) {
    if (loaded instanceof Error)
      return E("div", { class: "alert-message warning" }, [loaded.message]);
    const [{ events }, { vpns }] = loaded;
    const filter = { level: "", vpn: "", text: "" };
    const list = E("div");
    const count = E("span", { role: "status" });
    let known = events;

    const show = () => {
      const wanted = filter.text.trim().toLowerCase();
      const found = known.filter(
        (event) =>
          (filter.level === "" || event.severity === filter.level) &&
          (filter.vpn === "" || event.vpn === filter.vpn) &&
          event.text.toLowerCase().includes(wanted),
      );
      dom.content(list, rekeyd.events(found.slice(-MAX_ROWS)));
      dom.content(count, [
        _("%d of %d events").format(Math.min(found.length, MAX_ROWS), known.length),
      ]);
    };
    const update = (key) => (value) => {
      filter[key] = value;
      show();
    };

    poll.add(
      () =>
        rekeyd
          .get("event")
          .then((told) => {
            known = told.events;
            show();
          })
          .catch((error) => dom.content(count, [error.message])),
      POLL_S,
    );
    show();

    return E("div", { class: "cbi-map" }, [
      E("h2", [_("Event Log")]),
      E("div", { class: "cbi-section" }, [
        E("p", [
          choice(_("Level"), LEVELS, update("level")),
          choice(
            _("VPN"),
            vpns.map(({ name }) => name),
            update("vpn"),
          ),
          E("label", { style: "margin-right: 1em" }, [
            _("Text"),
            " ",
            E("input", {
              type: "search",
              class: "cbi-input-text",
              style: "width: auto",
              input: (event) => update("text")(event.target.value),
            }),
          ]),
          count,
        ]),
        list,
      ]),
    ]);
  },

  handleSaveApply: null,
  handleSave: null,
  handleReset: null,
});
