/** The line of one measure over the range, with the previous period behind it. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { IntervalName } from "../ranges";
import { intervalLabel, useView } from "../view";
import { Chart } from "./chart";

interface Row {
  start?: Timestamp;
}

interface TrendProps<R extends Row> {
  label: string;
  rows: R[];
  before: R[];
  /** The same by the hour, where the range is one day. */
  hours?: R[] | undefined;
  /** The measure as a plain number, for the line. */
  value: (row: R) => number;
  /** The measure in exact words. */
  words: (row: R) => string;
}

export function Trend<R extends Row>({ label, rows: days, before: daysBefore, hours, value, words }: TrendProps<R>) {
  const view = useView();
  const interval: IntervalName | "hour" = hours ? "hour" : view.interval;
  const rows = hours ?? days;
  const before = hours ? [] : daysBefore;
  const zone = view.zone;
  const times = rows.map((row) => (row.start ? timestampDate(row.start).getTime() / 1000 : 0));
  const name = (row: R): string => intervalLabel(row.start, interval, zone);
  const describe = (index: number): string => {
    const row = rows[index];
    const earlier = before[index];
    if (!row) return "";
    return `${name(row)}: ${words(row)}${earlier ? ` · ${name(earlier)}: ${words(earlier)}` : ""}`;
  };
  const behind = before.length
    ? [{ label: "Previous period", values: rows.map((_, index) => (before[index] ? value(before[index]) : null)), faint: true }]
    : [];
  return (
    <Chart
      label={`${label} over time; the values stand in the table`}
      times={times}
      zone={zone}
      interval={interval}
      describe={describe}
      series={[...behind, { label, values: rows.map(value) }]}
    />
  );
}
