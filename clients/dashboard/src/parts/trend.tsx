/** The line of one measure over the range, with the range before behind it. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { intervalLabel, useView } from "../view";
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
  const { zone, interval } = useView();
  const times = rows.map((row) => (row.start ? timestampDate(row.start).getTime() / 1000 : 0));
  const describe = (index: number): string => {
    const row = rows[index];
    const earlier = before[index];
    if (!row) return "";
    return `${intervalLabel(row.start, interval, zone)}: ${words(row)}${earlier ? ` · before: ${words(earlier)}` : ""}`;
  };
  const behind = before.length
    ? [{ label: "the range before", values: rows.map((_, index) => (before[index] ? value(before[index]) : null)), faint: true }]
    : [];
  return (
    <Chart
      label={`${label} over time; the values stand in the table`}
      times={times}
      zone={zone}
      describe={describe}
      series={[...behind, { label, values: rows.map(value) }]}
    />
  );
}
