import assert from "node:assert/strict";
import { test } from "node:test";
import { documented, ofSpoke, onSecondLan, withOptions } from "./lib/documented.ts";
import { race } from "./lib/failover.ts";
import { unpacked } from "./lib/packages.ts";
import { withStar } from "./lib/star.ts";
import type { Station } from "./lib/station.ts";
import { addTwoWays } from "./lib/two_ways.ts";

const HOOK = "bird-ospf";

/** All stations share one root, so what is in /etc has a folder of its own for each. */
function bird({ number, folder }: Station): Record<string, string> {
  const common = documented("# bird, spoke 1");
  const conf = [
    `log "${folder}/bird.log" all;\n`,
    number === 0 ? common.replace("10.1.0.1", "10.0.0.1") : ofSpoke(number, common),
    documented("# bird, OSPF"),
    onSecondLan(
      number === 0
        ? documented("# bird, BGP, hub")
        : ofSpoke(number, documented("# bird, BGP, spoke 1")),
    ),
    ...(number === 0 ? [lasting("10.254.2.2", "tunnel.2")] : []),
    ...(number === 2 ? [lasting("10.254.2.1", "tunnel.1")] : []),
  ];
  return {
    [`${folder}/bird.conf`]: conf.join("\n").replaceAll("/etc/bird", folder),
    [`${folder}/${HOOK}`]: documented("#!/bin/sh")
      .replaceAll("/etc/bird", folder)
      .replaceAll("birdc", `birdc -s ${folder}/bird.ctl`),
    // Where no hook runs, somebody has written this once.
    ...(number === 1 ? {} : tunnel(folder, number === 0 ? "tunnel.2" : "tunnel.1")),
  };
}

const tunnel = (folder: string, device: string): Record<string, string> => ({
  [`${folder}/tunnels/${device}.conf`]: `interface "${device}" { type ptp; cost 10; };\n`,
});

/** Where no rekeyd has a route to the neighbour that follows the tunnel, one stays for ever. */
const lasting = (address: string, device: string): string => `
protocol static {
  ipv4 { table tunnels; };
  route ${address}/32 via "${device}";
}
`;

const start = ({ folder }: Station): string => `chmod 755 ${folder}/${HOOK}
mkdir -p ${folder}/tunnels
bird -c ${folder}/bird.conf -s ${folder}/bird.ctl -P ${folder}/bird.pid >${folder}/bird.out 2>&1`;

function rekeydConf(place: string, { folder }: Station): string {
  const conf = documented(`# rekeyd, ${place}`) + documented(`# rekeyd, bird's BGP, ${place}`);
  return withOptions(conf, { vici: `${folder}/charon.vici`, hook: `${folder}/${HOOK}` });
}

test("bird's BGP follows rekeyd's routes, its OSPF a hook: from a dead tunnel, and back", () =>
  withStar(
    "routing-bird",
    2,
    async (star) => {
      const stations = [star.hub, ...star.spokes];
      const [spoke1, spoke2] = star.spokes;
      await addTwoWays(star);
      await star.guest.put(Object.assign({}, ...stations.map(bird)));
      await Promise.all(stations.map((station) => station.run(start(station))));
      await star.hub.initiate(spoke2!);
      await star.hub.startRekeyd(rekeydConf("hub", star.hub));
      await spoke1!.startRekeyd(rekeydConf("spoke 1", spoke1!));
      await race(star, "bird");
      for (const { folder } of [star.hub, spoke1!]) {
        const log = (await star.guest.get(`${folder}/bird.log`)).toString();
        assert.doesNotMatch(log, /Cannot use interface/, "rekeyd's interfaces take multicast");
      }
    },
    { layer: unpacked("bird", ["bird2"]) },
  ));
