/** A value over time, on a canvas (uPlot), with its colours from the style sheet. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import type { Stretch } from "../logic/history.ts";
import { clockText } from "../logic/time.ts";
import { useScheme } from "./hooks.ts";

type Values = (number | null)[];

interface Given {
  title: string;
  /** What it shows, for those who do not see it. */
  summary: string;
  at_s: number[];
  values: Values;
  stretches: Stretch[];
  /** The top of the scale; null: what the values need. */
  top: number | null;
  text: (value: number) => string;
}

const HEIGHT = 170;
/** So much time the plot shows at least. */
const MIN_SPAN_S = 120;

export function Plot(given: Given): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(given);
  latest.current = given;
  const [reading, setReading] = useState("");
  const scheme = useScheme();

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const size = (): { width: number; height: number } => ({
      width: element.clientWidth,
      height: HEIGHT,
    });
    const made = new uPlot(
      { ...size(), ...optionsOf(element, () => latest.current, setReading) },
      dataOf(latest.current),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [scheme]);

  useEffect(() => plot.current?.setData(dataOf(given)), [given.at_s, given.values]);

  return (
    <figure class="plot">
      <figcaption>
        {given.title}
        <span class="reading">{reading}</span>
      </figcaption>
      <div ref={host} role="img" aria-label={given.summary} />
    </figure>
  );
}

const dataOf = ({ at_s, values }: Given): uPlot.AlignedData => [at_s, values];

function optionsOf(
  element: HTMLElement,
  given: () => Given,
  tell: (reading: string) => void,
): Omit<uPlot.Options, "width" | "height"> {
  const color = (name: string): string => colorOf(element, name);
  const grid = { stroke: color("--line"), width: 1 };
  const axis = { stroke: color("--muted"), grid, ticks: { show: false }, font: fontOf(element) };
  const clock = (at_s: number): string => clockText(new Date(at_s * 1000).toISOString());
  return {
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    // To the right half a label of the time has room.
    padding: [8, 26, 0, 0],
    scales: {
      x: { time: true, range: (_, from, to) => [Math.min(from, to - MIN_SPAN_S), to] },
      y: { range: (_, __, max) => [0, given().top ?? Math.max(2, (max ?? 0) * 1.2)] },
    },
    axes: [
      { ...axis, size: 26, space: 80, values: (_, splits) => splits.map(clock) },
      { ...axis, size: 52, space: 36, values: (_, splits) => splits.map(given().text) },
    ],
    series: [
      {},
      {
        stroke: color("--accent"),
        fill: color("--accent-soft"),
        width: 1.5,
        points: { show: false },
      },
    ],
    hooks: {
      drawClear: [(u) => drawStretches(u, given().stretches, color("--down-soft"))],
      setCursor: [
        (u) => {
          const at_s = u.data[0][u.cursor.idx ?? -1];
          const value = u.data[1]?.[u.cursor.idx ?? -1];
          const said = value === null || value === undefined ? "none" : given().text(value);
          tell(at_s === undefined ? "" : `${clock(at_s)}  ${said}`);
        },
      ],
    },
  };
}

/** The times when the VPN was down, behind the line. */
function drawStretches(u: uPlot, stretches: Stretch[], color: string): void {
  const { left, top, width, height } = u.bbox;
  const { ctx } = u;
  ctx.save();
  ctx.fillStyle = color;
  for (const { state, from_s, to_s } of stretches) {
    if (state !== "down") continue;
    const from = Math.max(left, u.valToPos(from_s, "x", true));
    const to = Math.min(left + width, u.valToPos(to_s, "x", true));
    if (to >= from) ctx.fillRect(from, top, Math.max(1, to - from), height);
  }
  ctx.restore();
}

/** A canvas needs the colour itself, not the name of a custom property. */
function colorOf(element: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function fontOf(element: HTMLElement): string {
  return `11px ${getComputedStyle(element).fontFamily}`;
}
