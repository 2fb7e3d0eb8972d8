import { test } from "node:test";
import { documented, ofSpoke, onSecondLan, withOptions } from "./lib/documented.ts";
import { race } from "./lib/failover.ts";
import { unpacked } from "./lib/packages.ts";
import { withStar } from "./lib/star.ts";
import type { Station } from "./lib/station.ts";
import { addTwoWays } from "./lib/two_ways.ts";

/** FRR's daemons run as this user; no maintainer script has made it. */
const USERS = `echo frr:x:301:301::/:/bin/false >>/etc/passwd
echo frr:x:301: >>/etc/group
echo frrvty:x:302:frr >>/etc/group`;

/** Each daemon has a file of its own. */
function configurations({ number, folder }: Station): Record<string, string> {
  const of = (protocol: string): string =>
    number === 0
      ? documented(`# FRR, ${protocol}, hub`)
      : ofSpoke(number, documented(`# FRR, ${protocol}, spoke 1`));
  const log = (daemon: string): string => `log file /run/frr/${daemon}.log informational\n`;
  return {
    [`${folder}/frr/zebra.conf`]: log("zebra"),
    [`${folder}/frr/ospfd.conf`]: log("ospfd") + of("OSPF"),
    [`${folder}/frr/bgpd.conf`]: log("bgpd") + onSecondLan(of("BGP")),
  };
}

const start = ({ folder }: Station): string => `chown -R frr:frr ${folder}/frr
mount --bind ${folder} /run
for daemon in zebra ospfd bgpd; do
  /usr/lib/frr/$daemon -d -f /run/frr/$daemon.conf >>/run/frr/out 2>&1
done`;

const rekeydConf = (place: string, { folder }: Station): string =>
  withOptions(documented(`# rekeyd, ${place}`), { vici: `${folder}/charon.vici` });

test("FRR's OSPF and BGP leave a dead tunnel when rekeyd knows it, and come back", () =>
  withStar(
    "routing-frr",
    2,
    async (star) => {
      const stations = [star.hub, ...star.spokes];
      await star.guest.run(USERS);
      await addTwoWays(star);
      await star.guest.put(Object.assign({}, ...stations.map(configurations)));
      await Promise.all(stations.map((station) => station.run(start(station))));
      const [spoke1, spoke2] = star.spokes;
      await star.hub.initiate(spoke2!);
      await star.hub.startRekeyd(rekeydConf("hub", star.hub));
      await spoke1!.startRekeyd(rekeydConf("spoke 1", spoke1!));
      await race(star, "FRR");
    },
    { layer: unpacked("frr", ["frr"]) },
  ));
