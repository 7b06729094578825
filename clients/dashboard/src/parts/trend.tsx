/** The line of one measure over the range, with the previous period behind it. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { begun, intervalLabel, isPartial, rowLabel, useView } from "../view";
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
  /** Whether the measure counts something. */
  whole?: boolean;
  /** Whether it is a share of something. */
  share?: boolean;
  /** The measure in exact words. */
  words: (row: R) => string;
}

export function Trend<R extends Row>({ label, rows, before, value, whole = false, share = false, words }: TrendProps<R>) {
  const view = useView();
  const { interval, zone, beside } = view;
  // What is to come is no zero.
  const there = begun(rows).length;
  const times = rows.map((row) => (row.start ? timestampDate(row.start).getTime() / 1000 : 0));
  const name = (row: R): string => intervalLabel(row.start, interval, zone);
  const describe = (index: number): string => {
    const row = rows[index];
    const earlier = before[index];
    if (!row) return "";
    const part = isPartial(row.start, interval, view) ? " (in part)" : "";
    return `${name(row)}${part}: ${index < there ? words(row) : "to come"}${earlier ? ` · ${name(earlier)}: ${words(earlier)}` : ""}`;
  };
  const behind = before.length
    ? [{ label: beside, values: rows.map((_, index) => (before[index] ? value(before[index]) : null)), faint: true }]
    : [];
  return (
    <>
    <Chart
      label={`${label} over time; the values stand in the table below`}
      times={times}
      zone={zone}
      interval={interval}
      describe={describe}
      whole={whole}
      share={share}
      series={[...behind, { label, values: rows.map((row, index) => (index < there ? value(row) : null)) }]}
    />
    <details class="as-table">
      <summary>Show as a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Date</th>
            <th scope="col" class="number">{label}</th>
            {before.length > 0 && <th scope="col" class="number">{beside}</th>}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, there).map((row, index) => (
            <tr key={index}>
              <td>{rowLabel(row.start, view)}</td>
              <td class="number">{words(row)}</td>
              {before.length > 0 && <td class="number">{before[index] ? `${words(before[index])} (${name(before[index])})` : ""}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
    </>
  );
}
