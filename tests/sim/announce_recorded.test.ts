/** What a recording holds of announcements, and that it plays (docs/recording.md). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingEngine } from "../../host/node/replay/record.ts";
import { Ends } from "./lib/ends.ts";
import { replayed } from "./lib/recorded.ts";

const LISTS = { announces: ["10.100.0.0/16"], accepts: ["10.0.0.0/8"] };
/** Offsets in an announcement (assembly/icmp/announcement.ts). */
const CHALLENGE = 40;
const ANSWER = 48;
const CHALLENGE_BYTES = 8;

/** Both ends have learned, have new keys, and learn anew; meanwhile a segment begins. */
function recorded(v6: boolean): { ends: Ends; recording: Buffer } {
  const engine = new RecordingEngine();
  const lists = v6 ? { announces: ["fd11::/32"], accepts: ["fd00::/8"] } : LISTS;
  const ends = new Ends({ hub: lists, spokes: [lists] }, v6, engine);
  const [link] = ends.links;
  // In the middle of the exchange, and after it.
  ends.run(110);
  engine.nextSegment();
  ends.run(5_000);
  engine.nextSegment();
  link!.rekey();
  ends.run(5_000);
  link!.lose();
  ends.run(50);
  link!.establish();
  ends.run(5_000);
  return { ends, recording: engine.recording() };
}

for (const v6 of [false, true]) {
  test(`a recording with announcements plays, and holds no challenge (IPv${v6 ? 6 : 4})`, () => {
    const { ends, recording } = recorded(v6);
    const [{ out, back }] = ends.links as [Ends["links"][0]];
    const challenges = [...out, ...back]
      .flatMap(({ message }) => [CHALLENGE, ANSWER].map((at) => message.subarray(at)))
      .map((bytes) => bytes.subarray(0, CHALLENGE_BYTES))
      .filter((bytes) => bytes.some((byte) => byte !== 0));
    assert.ok(challenges.length >= 20, `${challenges.length}`);
    for (const challenge of challenges) assert.ok(!recording.includes(challenge));
    // The search finds what is there: the networks are no secrets.
    assert.ok(recording.includes(out[0]!.message.subarray(56)));
    const verdict = replayed(recording);
    assert.equal(verdict.difference, undefined);
    assert.ok(verdict.same_calls > 100 && verdict.same_snapshots === 2);
    assert.equal(ends.hub.world.said("learned from its peer"), 2);
  });
}
