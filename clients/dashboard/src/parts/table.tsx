/** A table of an answer's rows: headed, defined, sortable where it makes sense, and saved as CSV. */
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { csv, fileName, save } from "../csv";
import { useView } from "../view";
import { Scroll } from "./scroll";
import { Define, type Defined } from "./define";

export interface Column<Row> {
  label: string;
  /** The exact value, as it is saved. */
  text: (row: Row) => string;
  /** How it is shown, where that differs. */
  cell?: (row: Row) => ComponentChildren;
  /** Numbers stand at the end of their column. */
  number?: boolean;
  define?: Defined;
  /** What rows can be sorted by. */
  by?: (row: Row) => bigint | string;
  /** The server's name for it, where the server sorts all rows by it, the largest first. */
  order?: string;
}

interface TableProps<Row> {
  title: string;
  /** Short name for the file. */
  file: string;
  rows: Row[];
  columns: Column<Row>[];
  /** A row that sums up. */
  total?: Row | undefined;
  empty?: string;
  /** Whether the rows are those of the range, which the file is then named after. */
  dated?: boolean;
  /** All rows, where those that are shown are only the first: the file has them all. */
  everything?: () => Promise<Row[]>;
  /** By which column the server has sorted the rows, and how to ask for another. */
  ordered?: { by: string; ask: (by: string) => void };
  /** What stands below the rows: how many there are, and the way to more. */
  foot?: ComponentChildren;
  children?: ComponentChildren;
}

export function Table<Row>({ title, file, rows, columns, total, empty = "No rows", dated = true, everything, ordered, foot, children }: TableProps<Row>) {
  const { range } = useView();
  const [sorted, setSorted] = useState<{ column: number; down: boolean } | null>(null);
  const id = useId();
  const shown = sorted ? inOrder(rows, columns[sorted.column]?.by, sorted.down) : rows;
  const texts = (row: Row): string[] => columns.map((column) => column.text(row));
  const sums = total === undefined ? [] : [["Total", ...texts(total).slice(1)]];
  const saved = (all: Row[]): string => csv([columns.map((column) => column.label), ...all.map(texts), ...sums]);
  const name = fileName(file, dated ? range : null);
  return (
    <section class="card" aria-labelledby={id}>
      <header class="card-head">
        <h2 id={id}>{title}</h2>
        {children}
        <ExportButton disabled={rows.length === 0} run={async () => save(name, saved(everything ? await everything() : shown))} />
      </header>
      {rows.length === 0 ? (
        <p class="none">{empty}</p>
      ) : (
        <Scroll labelledBy={id}>
          <table>
            <thead>
              <tr>
                {columns.map((column, index) => (
                  <Head
                    key={column.label}
                    column={column}
                    sorted={sorted ? (sorted.column === index ? sorted.down : null) : ordered && ordered.by === column.order ? true : null}
                    sort={(down) => {
                      if (ordered && column.order && down) {
                        setSorted(null);
                        ordered.ask(column.order);
                      } else setSorted({ column: index, down });
                    }}
                  />
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((row, index) => (
                <Line key={index} row={row} columns={columns} />
              ))}
            </tbody>
            {total !== undefined && (
              <tfoot>
                <Line row={total} columns={columns} sum />
              </tfoot>
            )}
          </table>
        </Scroll>
      )}
      {foot}
    </section>
  );
}

function ExportButton({ disabled, run }: { disabled: boolean; run: () => Promise<void> }) {
  const [state, setState] = useState<"" | "busy" | "failed">("");
  const start = (): void => {
    setState("busy");
    run().then(
      () => setState(""),
      () => setState("failed"),
    );
  };
  return (
    <button type="button" class="quiet" disabled={disabled || state === "busy"} onClick={start}>
      {state === "busy" ? "Exporting…" : state === "failed" ? "Export failed. Try again" : "Export CSV"}
    </button>
  );
}

function Line<Row>({ row, columns, sum = false }: { row: Row; columns: Column<Row>[]; sum?: boolean }) {
  return (
    <tr>
      {columns.map((column, index) => (
        <td key={column.label} class={column.number ? "number" : undefined} title={column.number ? column.text(row) : undefined}>
          {sum && index === 0 ? "Total" : column.cell ? column.cell(row) : column.text(row)}
        </td>
      ))}
    </tr>
  );
}

interface HeadProps<Row> {
  column: Column<Row>;
  /** Whether the rows go down by this column; null: not sorted by it. */
  sorted: boolean | null;
  sort: (down: boolean) => void;
}

function Head<Row>({ column, sorted, sort }: HeadProps<Row>) {
  const order = sorted === null ? undefined : sorted ? "descending" : "ascending";
  return (
    <th scope="col" class={column.number ? "number" : undefined} aria-sort={order}>
      {column.by ? (
        <button type="button" class="sort" onClick={() => sort(sorted === null ? (column.number ?? false) : !sorted)}>
          {column.label}
          <span aria-hidden="true">{sorted === null ? "" : sorted ? " ↓" : " ↑"}</span>
        </button>
      ) : (
        column.label
      )}
      {column.define && <Define name={column.define} label={column.label} />}
    </th>
  );
}

function inOrder<Row>(rows: Row[], by: ((row: Row) => bigint | string) | undefined, down: boolean): Row[] {
  if (!by) return rows;
  const keyed = rows.map((row) => [by(row), row] as const);
  keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1));
  return keyed.map(([, row]) => row);
}
