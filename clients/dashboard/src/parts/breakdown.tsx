/** A report by the values of dimensions: a row of values opens as a filter. */
import type { ComponentChildren } from "preact";
import { change as difference, scaled } from "../amounts";
import { dimensionLabel, SEVERAL, valueLabel, withCondition, written } from "../filters";
import { changed, useRoute } from "../route";
import { useView, type View } from "../view";
import { Explain } from "./explain";
import { type Column, Table } from "./table";

interface Broken {
  dimensions: Record<string, string>;
  explain?: string;
}

/** The columns of a report's dimensions; each value leads to the report of this value alone. */
export function dimensionColumns<Row extends Broken>({ by, conditions }: Pick<View, "by" | "conditions">, params: URLSearchParams): Column<Row>[] {
  const own = params.has("segment") ? conditions.slice(0, -1) : conditions;
  return by.map((name) => {
    const value = (row: Row): string => row.dimensions[name] ?? "";
    const only = (row: Row): string => {
      const added = value(row) ? { dimension: name, operator: "is" as const, values: [value(row)] } : { dimension: name, operator: "is not set" as const, values: [] };
      return changed({ filter: withCondition(own, added).flatMap(written), by: by.filter((each) => each !== name) });
    };
    return {
      label: dimensionLabel(name),
      text: value,
      // The total has no values.
      cell: (row) => name in row.dimensions && (
        <a class="long" href={only(row)} title={`Only ${dimensionLabel(name)} ${valueLabel(name, value(row))}`}>
          {valueLabel(name, value(row))}
        </a>
      ),
      by: value,
    };
  });
}

interface Measure<Row> {
  label: string;
  value: (row: Row) => string | bigint;
  show: (value: string) => string;
}

interface BreakdownProps<Row> {
  /** What is broken down: "Sales in EUR". */
  title: string;
  file: string;
  rows: Row[];
  /** How many rows the server has besides. */
  more?: bigint;
  total?: Row | undefined;
  /** The columns of the report, without that which names a row. */
  columns: Column<Row>[];
  /** What stands before the values. */
  lead?: Column<Row>[];
  /** What the rows are compared by, and of which they have a share. */
  measure: Measure<Row>;
}

export const FIRST = 25;

/** A bar in each row, as long as its number is beside the largest. */
export function barColumn<Row>(rows: Row[], size: (row: Row) => bigint): Column<Row> {
  const largest = rows.reduce((most, row) => (size(row) > most ? size(row) : most), 0n);
  const share = (row: Row): number => (largest > 0n && size(row) > 0n ? Number((size(row) * 1000n) / largest) / 10 : 0);
  return {
    label: "Bar",
    unlabelled: true,
    text: () => "",
    cell: (row) => rows.includes(row) && <span class="share-bar" style={{ "--share": `${share(row)}%` }} aria-hidden="true" />,
    drawn: true,
  };
}

export function Breakdown<Row extends Broken & { previous?: Row }>({ title, file, rows, more = 0n, total, columns, lead = [], measure }: BreakdownProps<Row>) {
  const view = useView();
  const { params } = useRoute();
  const { by, previous, beside } = view;
  if (!by.length) return null;
  const names = by.map(dimensionLabel).join(" and ");
  const size = (row: Row): bigint => scaled(`${measure.value(row)}`);
  const compared: Column<Row>[] = previous
    ? [
        {
          label: `${measure.label}, ${beside.toLowerCase()}`,
          text: (row) => (row.previous ? `${measure.value(row.previous)}` : ""),
          cell: (row) => row.previous && <Difference now={`${measure.value(row)}`} before={`${measure.value(row.previous)}`} show={measure.show} />,
          number: true,
          by: (row) => (row.previous ? size(row.previous) : 0n),
        },
      ]
    : [];
  const main: Column<Row> = {
    label: measure.label,
    text: (row) => `${measure.value(row)}`,
    cell: (row) => (
      <Explain token={row.explain ?? ""} of={`${measure.label}, ${by.map((name) => valueLabel(name, row.dimensions[name] ?? "")).join(", ") || "total"}`}>
        {measure.show(`${measure.value(row)}`)}
      </Explain>
    ),
    number: true,
    by: size,
  };
  const several = by.filter((name) => SEVERAL.includes(name));
  const notes: ComponentChildren[] = [
    more > 0n && `There are ${more} further rows, which the server leaves out: filter to see them.`,
    several.length > 0 && `What has several values of ${several.map(dimensionLabel).join(" and ")} counts in each row, so the rows need not add up to the total.`,
  ].filter(Boolean);
  return (
    <Table
      title={`${title} by ${names}`}
      file={`${file} by ${names}`}
      rows={rows}
      total={total}
      columns={[...lead, ...dimensionColumns<Row>(view, params), barColumn(rows, size), main, ...compared, ...columns.filter(({ label }) => label !== measure.label)]}
      fold={FIRST}
      empty="Nothing in this range."
      foot={notes.map((each, index) => (
        <p class="note" key={index}>
          {each}
        </p>
      ))}
    />
  );
}

function Difference({ now, before, show }: { now: string; before: string; show: (value: string) => string }) {
  const found = difference(now, before);
  return (
    <>
      {show(before)} {found && <small>{found.text}</small>}
    </>
  );
}
