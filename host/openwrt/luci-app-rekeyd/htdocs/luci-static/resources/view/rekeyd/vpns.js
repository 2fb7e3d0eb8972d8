"use strict";
"require view";
"require form";
"require uci";
"require ui";
"require validation";
"require rekeyd";

/*
 * VPNs > AutoKey IKE > Edit, on /etc/config/rekeyd. What may be entered is the engine's to say:
 * after Save it reads what would be applied, and its mistakes stand at the top; only without any is
 * it applied.
 */

const isAddress = (text) =>
  validation.parseIPv4(text) !== null || validation.parseIPv6(text) !== null;

function globalSettings(map) {
  const s = map.section(form.NamedSection, "global", "vpnmonitor", _("For all VPNs"));
  s.addremove = false;
  text(
    s,
    null,
    "interval",
    _("Interval"),
    _("Seconds from one round of echoes to the next."),
    "10",
  );
  text(
    s,
    null,
    "threshold",
    _("Threshold"),
    _("Rounds missed in a row until a VPN is down."),
    "10",
  );
  text(
    s,
    null,
    "hook",
    _("Hook"),
    _("Program that is run when something happens to a VPN. With one rekeyd has no jail."),
    "none",
  );
  const recorder = s.option(
    form.Flag,
    "recorder",
    _("Flight recorder"),
    _("Records all that happens, in a bounded place and without keys."),
  );
  recorder.default = "0";
}

function vpnSettings(map, interfaces, known) {
  const s = map.section(form.GridSection, "vpn", _("VPNs"));
  s.addremove = true;
  s.nodescriptions = true;
  s.modaltitle = (name) => _("AutoKey IKE » Edit » %h").format(name);
  s.tab("general", _("General"));
  s.tab("monitor", _("VPN Monitor"));
  s.tab("more", _("More"));

  text(s, "general", "gateway", _("Gateway"), _("The connection, as in swanctl.conf.")).rmempty =
    false;
  const child = text(
    s,
    "general",
    "child",
    _("Child"),
    _("The child of that connection; without it the VPN's name."),
  );
  child.modalonly = true;

  const state = s.taboption("general", form.DummyValue, "_state", _("State"));
  state.modalonly = false;
  state.textvalue = (name) =>
    known[name] === undefined ? "-" : rekeyd.stateMark(known[name].state);

  flag(s, "monitor", _("VPN Monitor"), _("Pings through the tunnel, and tells up from down."));
  source(s, interfaces);
  const destination = s.taboption(
    "monitor",
    form.DynamicList,
    "destination_ip",
    _("Destination IP"),
    _("Inside the tunnel; up to four. Empty: the peer's own address."),
  );
  destination.depends("monitor", "1");
  destination.modalonly = true;
  flag(
    s,
    "optimized",
    _("Optimized"),
    _("User traffic that comes in counts as an answer."),
  ).depends("monitor", "1");
  flag(
    s,
    "rekey",
    _("Rekey"),
    _("Keeps the SA active, renews its keys, and negotiates anew when the tunnel is down."),
  ).depends("monitor", "1");

  for (const [name, title, hint, placeholder] of [
    ["interval", _("Interval"), _("Seconds; without it that for all VPNs.")],
    ["threshold", _("Threshold"), _("Rounds; without it that for all VPNs.")],
    ["recover", _("Recover"), _("Rounds answered in a row until the VPN is up."), "1"],
    [
      "quorum",
      _("Quorum"),
      _("How many destinations must answer in a round: any, all, or a number."),
      "any",
    ],
    ["size", _("Size"), _("An echo's bytes."), "64"],
    [
      "phase1_lifetime",
      _("Phase 1 lifetime"),
      _("Seconds, if strongSwan plans none; 0: never."),
      "28800",
    ],
    ["hook", _("Hook"), _("Instead of the global one; none: no hook for this VPN.")],
    ["tunnel", _("Tunnel interface"), _("The interface that the VPN is bound to.")],
  ])
    text(s, "more", name, title, hint, placeholder).modalonly = true;
}

function text(section, tab, name, title, hint, placeholder) {
  const o =
    tab === null
      ? section.option(form.Value, name, title, hint)
      : section.taboption(tab, form.Value, name, title, hint);
  o.placeholder = placeholder;
  return o;
}

function flag(section, name, title, hint) {
  const o = section.taboption("monitor", form.Flag, name, title, hint);
  o.default = "0";
  o.editable = false;
  return o;
}

/* One field for two options, as the WebUI has it: an interface, or an address. */
function source(section, interfaces) {
  const o = section.taboption(
    "monitor",
    form.Value,
    "source_interface",
    _("Source Interface"),
    _("An interface or an address of this router. Empty: chosen by rekeyd."),
  );
  for (const { name, addresses } of interfaces)
    o.value(
      name,
      "%s (%s)".format(
        name,
        addresses[0] === undefined ? _("no address") : addresses[0].split("/")[0],
      ),
    );
  o.depends("monitor", "1");
  o.modalonly = true;
  o.cfgvalue = (vpn) =>
    uci.get("rekeyd", vpn, "source_ip") ?? uci.get("rekeyd", vpn, "source_interface");
  o.write = (vpn, value) => {
    const [set, unset] = isAddress(value)
      ? ["source_ip", "source_interface"]
      : ["source_interface", "source_ip"];
    uci.set("rekeyd", vpn, set, value);
    uci.unset("rekeyd", vpn, unset);
  };
  o.remove = (vpn) => {
    uci.unset("rekeyd", vpn, "source_ip");
    uci.unset("rekeyd", vpn, "source_interface");
  };
}

/* Each mistake with the section and the option where it stands. */
function mistakeList(mistakes) {
  return E(
    "ul",
    mistakes.map(({ section, option, text }) => {
      const place = [section, option].filter((part) => part !== "").join(", ");
      return E("li", [place === "" ? "" : E("strong", [place + ": "]), rekeyd.sentence(text)]);
    }),
  );
}

return view.extend({
  load() {
    const told = (...words) => rekeyd.get(...words).catch(() => null);
    return Promise.all([told("interface"), told("vpn"), told("vpnmonitor"), uci.load("rekeyd")]);
  },

  render([machine, told, status]) {
    const known = Object.fromEntries((told?.vpns ?? []).map((vpn) => [vpn.name, vpn]));
    const map = new form.Map(
      "rekeyd",
      _("AutoKey IKE"),
      _("VPNs of strongSwan that rekeyd watches."),
    );
    globalSettings(map);
    vpnSettings(map, machine?.interfaces ?? [], known);
    this.notice = E("div", { role: "alert" }, this.notices(status));
    return map.render().then((form_node) => E("div", [this.notice, form_node]));
  },

  notices(status) {
    const warning = (text) => E("div", { class: "alert-message warning" }, [text]);
    if (status === null) return [warning(_("rekeyd does not answer: the service may be stopped."))];
    const { refused, saved } = status.configuration;
    return [
      refused === null
        ? ""
        : warning(
            _("The file was refused, and an earlier one is in force: %s").format(
              rekeyd.sentence(refused.first),
            ),
          ),
      saved
        ? ""
        : warning(
            _("Changes by command are not in the file: what is applied here takes their place."),
          ),
    ];
  },

  /* Stores the changes, and has the engine read what they come to. */
  handleSave(event) {
    return this.super("handleSave", [event])
      .then(() => rekeyd.check())
      .then((mistakes) => {
        if (mistakes.length === 0) {
          this.notice.replaceChildren();
          return;
        }
        this.notice.replaceChildren(
          E("div", { class: "alert-message error" }, [
            E("p", [_("This cannot be applied yet:")]),
            mistakeList(mistakes),
          ]),
        );
        this.notice.scrollIntoView();
        throw new Error(_("The configuration has mistakes."));
      });
  },

  handleSaveApply(event, mode) {
    return this.handleSave(event).then(() => ui.changes.apply(mode === "0"));
  },
});
