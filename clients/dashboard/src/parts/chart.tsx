/** Lines over time. Charts draw floats; the words beside them are the exact values. */
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { onTheme } from "../theme";
import { axisLabels } from "../axis";
import type { IntervalName } from "../ranges";

export interface Series {
  label: string;
  values: (number | null)[];
  /** The previous period, drawn behind. */
  faint?: boolean;
  /** Name of a colour of the style sheet. */
  colour?: string;
}

interface ChartProps {
  /** For those who cannot see it. */
  label: string;
  /** Begins of the intervals, in seconds. */
  times: number[];
  series: Series[];
  zone: string;
  interval: IntervalName;
  /** Counts have no fractions between their marks. */
  whole?: boolean;
  /** Shares are marked in percent. */
  share?: boolean;
  /** The exact words for one interval, by its place. */
  describe: (index: number) => string;
}

const HEIGHT = 220;
/** A line between a few points would say what is not known. */
const MOST_BARS = 12;
const BARS = uPlot.paths.bars?.({ size: [0.6, 60] }) as uPlot.Series.PathBuilder;
/** Steps between the marks of a count: 1, 2, 5, 10 and so on. */
const WHOLE = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const COMPACT = new Intl.NumberFormat(undefined, { notation: "compact" });

export function Chart({ label, times, series, zone, interval, whole = false, share = false, describe }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const [index, setIndex] = useState<number | null>(null);
  const drawn = JSON.stringify([times, series, zone, interval, share]);
  useEffect(() => {
    const parent = place.current;
    if (!parent) return;
    let plot = draw(parent, { times, series, zone, interval, whole, share }, setIndex);
    const fit = new ResizeObserver(() => plot.setSize({ width: parent.clientWidth, height: HEIGHT }));
    fit.observe(parent);
    const stop = onTheme(() => {
      plot.destroy();
      plot = draw(parent, { times, series, zone, interval, whole, share }, setIndex);
    });
    return () => {
      stop();
      fit.disconnect();
      plot.destroy();
    };
  }, [drawn]);
  const last = times.length - 1;
  return (
    <figure class="chart">
      <figcaption>
        <span class="legend">
          {series.map((each) => (
            <span key={each.label} class={each.faint ? "key faint" : "key"}>
              <i class={`swatch ${each.faint ? "before" : (each.colour ?? "accent")}`} />
              {each.label}
            </span>
          ))}
        </span>
        <span class="readout">{last >= 0 && describe(index !== null && index <= last ? index : last)}</span>
      </figcaption>
      <div class="plot" ref={place} role="img" aria-label={label} />
    </figure>
  );
}

type Drawn = Required<Pick<ChartProps, "times" | "series" | "zone" | "interval" | "whole" | "share">>;

function draw(parent: HTMLElement, { times, series, zone, interval, whole, share }: Drawn, onCursor: (index: number | null) => void): uPlot {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: colour("muted"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const lone = times.length < 2;
  const few = times.length <= MOST_BARS;
  const half = few && times.length > 1 ? ((times[1] ?? 0) - (times[0] ?? 0)) / 2 : 0;
  const labels = (plot: uPlot) => axisLabels(times, interval, zone, plot.bbox.width / uPlot.pxRatio);
  return new uPlot(
    {
      width: parent.clientWidth || 600,
      height: HEIGHT,
      // Half a label to the right of the last interval.
      padding: [8, 36, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: {
        // Bars reach over both ends.
        x: { range: (_, low, high) => (low === high ? [low - 1, high + 1] : few ? [low - half, high + half] : [low, high]) },
        y: { range: (_, low, high) => [Math.min(0, low ?? 0), high && high > 0 ? high * 1.08 : 1] },
      },
      axes: [
        {
          ...axis,
          size: 30,
          grid: { show: false },
          splits: (plot) => labels(plot).map(({ at }) => at),
          values: (plot) => labels(plot).map(({ text }) => text),
        },
        { ...axis, size: 56, ...(whole ? { incrs: WHOLE } : {}), grid: { stroke: colour("line"), width: 1 }, values: (_, ticks) => ticks.map((tick) => (share ? PERCENT : COMPACT).format(tick)) },
      ],
      series: [
        {},
        ...series.map((each) => ({
          label: each.label,
          stroke: colour(each.faint ? "before" : (each.colour ?? "accent")),
          width: each.faint ? 1.5 : 2,
          ...(each.faint ? { dash: [4, 4] } : {}),
          ...(each.faint || each.colour ? {} : { fill: colour("accent-wash") }),
          points: { show: lone && each.faint },
          ...(few && !each.faint ? { paths: BARS } : {}),
        })),
      ],
      hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)] },
    },
    [times, ...series.map((each) => each.values)],
    parent,
  );
}
