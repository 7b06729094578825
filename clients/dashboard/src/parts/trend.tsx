/** The line of one measure over the range, with the previous period behind it. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { begun, intervalLabel, useView } from "../view";
import { Chart } from "./chart";

interface Row {
  start?: Timestamp;
}

interface TrendProps<R extends Row> {
  label: string;
  rows: R[];
  before: R[];
  /** The measure as a plain number, for the line. */
  value: (row: R) => number;
  /** The measure in exact words. */
  words: (row: R) => string;
}

export function Trend<R extends Row>({ label, rows, before, value, words }: TrendProps<R>) {
  const { interval, zone } = useView();
  // What is to come is no zero.
  const there = begun(rows).length;
  const times = rows.map((row) => (row.start ? timestampDate(row.start).getTime() / 1000 : 0));
  const name = (row: R): string => intervalLabel(row.start, interval, zone);
  const describe = (index: number): string => {
    const row = rows[index];
    const earlier = before[index];
    if (!row) return "";
    return `${name(row)}: ${index < there ? words(row) : "to come"}${earlier ? ` · ${name(earlier)}: ${words(earlier)}` : ""}`;
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
      series={[...behind, { label, values: rows.map((row, index) => (index < there ? value(row) : null)) }]}
    />
  );
}
