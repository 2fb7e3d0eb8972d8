"use strict";
"require view";
"require poll";
"require dom";
"require rekeyd";

/* Monitor Status: all VPNs, live; of the chosen one what comes next, its SAs and last events. */

const POLL_S = 2;

return view.extend({
  load() {
    return rekeyd.get("vpn").catch((error) => error);
  },

  render(loaded) {
    this.chosen = null;
    this.notice = E("div", { role: "alert" });
    this.list = E("div");
    this.details = E("div");
    this.outcome = E("div", { role: "status" });
    if (loaded instanceof Error) this.fail(loaded);
    else this.show(loaded.vpns);
    poll.add(() => this.refresh(), POLL_S);
    return E("div", { class: "cbi-map" }, [
      E("h2", [_("Monitor Status")]),
      this.notice,
      E("div", { class: "cbi-section" }, [this.list]),
      this.details,
    ]);
  },

  refresh() {
    const told = this.chosen === null ? null : rekeyd.get("vpn", this.chosen);
    return Promise.all([rekeyd.get("vpn"), told])
      .then(([{ vpns }, chosen]) => {
        dom.content(this.notice, []);
        this.show(vpns);
        if (chosen !== null && chosen.vpns[0].name === this.chosen)
          this.showDetails(chosen.vpns[0]);
      })
      .catch((error) => this.fail(error));
  },

  fail(error) {
    dom.content(this.notice, E("div", { class: "alert-message warning" }, [error.message]));
  },

  show(vpns) {
    const titles = [
      _("Name"),
      _("Gateway"),
      _("Sta"),
      _("State"),
      _("Delay"),
      _("Availability"),
      _("Next"),
      "",
    ];
    dom.content(
      this.list,
      rekeyd.table(
        titles,
        rekeyd.inOrder(vpns).map((vpn) => [
          vpn.name,
          vpn.peer ?? vpn.gateway,
          vpn.sta,
          rekeyd.stateMark(vpn.state),
          rekeyd.delay(vpn),
          rekeyd.availability(vpn),
          vpn.next,
          E(
            "button",
            {
              class: "btn cbi-button",
              "aria-label": _("Details of %s").format(vpn.name),
              click: () => this.choose(vpn.name),
            },
            [_("Details")],
          ),
        ]),
        _("There are no VPNs."),
      ),
    );
  },

  choose(name) {
    this.chosen = name;
    dom.content(this.outcome, []);
    return this.refresh();
  },

  showDetails(vpn) {
    const change = (title, line, hint) =>
      E(
        "button",
        {
          class: "btn cbi-button",
          title: hint,
          disabled: L.hasViewPermission() ? null : "",
          click: (event) =>
            this.act(
              event.currentTarget,
              rekeyd.command(line).then(({ message }) => E("p", [rekeyd.sentence(message)])),
            ),
        },
        [title],
      );
    const examine = E(
      "button",
      {
        class: "btn cbi-button",
        title: _("Looks for what stops the VPN from being watched or recovered."),
        click: (event) =>
          this.act(
            event.currentTarget,
            rekeyd.doctor(vpn.name).then((answer) => this.findings(answer)),
          ),
      },
      [_("Examine")],
    );
    dom.content(
      this.details,
      E("div", { class: "cbi-section" }, [
        E("h3", [vpn.name]),
        rekeyd.table(
          [
            _("Monitor"),
            _("Source"),
            _("Destination"),
            _("Delay, average"),
            _("Missed in a row"),
            _("Rekeys"),
          ],
          [
            [
              [
                vpn.monitor ? _("on") : _("off"),
                vpn.rekey ? _("rekey") : "",
                vpn.optimized ? _("optimized") : "",
              ]
                .filter((word) => word !== "")
                .join(", "),
              vpn.source,
              vpn.targets.map(({ address }) => address).join(" ") || "-",
              vpn.delay_avg_ms === null ? "-" : _("%d ms").format(vpn.delay_avg_ms),
              "%d".format(vpn.misses),
              "%d".format(vpn.rekeys),
            ],
          ],
        ),
        E("p", [E("strong", [_("Next: ")]), vpn.next]),
        E("p", [
          change(
            _("Renew now"),
            "exec vpn %s rekey".format(vpn.name),
            _("Has strongSwan make a new Phase 2 key before the old one goes."),
          ),
          " ",
          change(
            _("Clear SA"),
            "clear sa id %s".format(vpn.id),
            _("Has strongSwan delete the SA; with Rekey it is made anew."),
          ),
          " ",
          examine,
        ]),
        this.outcome,
        E("h4", [_("Phase 1")]),
        rekeyd.table(
          [_("State"), _("Algorithm"), _("Local"), _("Remote"), _("New key in")],
          vpn.ike.sas.map((sa) => [
            sa.state,
            sa.algorithm,
            sa.local,
            sa.remote,
            rekeyd.span(sa.rekey_s ?? sa.reauth_s),
          ]),
          _("There is no SA."),
        ),
        E("h4", [_("Phase 2")]),
        rekeyd.table(
          [
            _("State"),
            _("Algorithm"),
            _("SPI in, out"),
            _("Packets in, out"),
            _("Lifetime left"),
            _("Selectors"),
          ],
          vpn.sas.map((sa) => [
            sa.state,
            sa.algorithm,
            sa.spi_in + ", " + sa.spi_out,
            "%d, %d".format(sa.packets_in, sa.packets_out),
            rekeyd.span(sa.lifetime_s),
            sa.local_ts.join(" ") + " === " + sa.remote_ts.join(" "),
          ]),
          _("There is no SA."),
        ),
        E("h4", [_("Last events")]),
        rekeyd.events(vpn.events),
      ]),
    );
  },

  /* What a button has brought stays below it, while the rest is drawn anew. */
  act(button, answer) {
    button.disabled = true;
    return answer
      .catch((error) => E("div", { class: "alert-message warning" }, [error.message]))
      .then((node) => {
        dom.content(this.outcome, node);
        button.disabled = false;
      });
  },

  findings({ findings, vpns }) {
    const outage = vpns.find(({ why }) => why !== undefined);
    const facts =
      outage === undefined
        ? []
        : [
            [_("Why"), outage.why],
            [_("Tried last"), outage.tried],
            [_("Next"), outage.next],
          ];
    return E("div", { class: "cbi-section" }, [
      E("h3", [_("Doctor")]),
      E(
        "div",
        facts.map(([title, text]) => E("p", [E("strong", [title + ": "]), text ?? "-"])),
      ),
      rekeyd.table(
        [_("Severity"), _("Finding"), _("Advice")],
        findings.map(({ id, severity, text, advice }) => [severity, id + ": " + text, advice]),
        _("Nothing found."),
      ),
    ]);
  },

  handleSaveApply: null,
  handleSave: null,
  handleReset: null,
});
