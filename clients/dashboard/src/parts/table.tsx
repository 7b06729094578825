/** A table of an answer's rows: headed, defined, sortable where it makes sense, and saved as CSV. */
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { count } from "../amounts";
import { csv, fileName, save, savePages } from "../csv";
import { useView } from "../view";
import { Shown } from "./folded";
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
  /** The server's name for it, where the server sorts all rows by it. */
  order?: string;
  /** Whether it only draws what another column says; a file has no such column. */
  drawn?: boolean;
  /** Whether only those hear the label who cannot see the column. */
  unlabelled?: boolean;
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
  /** All rows, page by page, where those that are shown are only the first: the file has them all. */
  everything?: () => AsyncIterable<Row[]>;
  /** By which column the server has sorted the rows, and how to ask for another. */
  ordered?: Ordered;
  /** What stands below the rows: how many there are, and the way to more. */
  foot?: ComponentChildren;
  /** How many rows are shown at first, where all of them are here. */
  fold?: number;
  children?: ComponentChildren;
}

/** How many rows come with each press. */
const MORE = 100;

/** How the server has sorted a list. */
export interface Ordered {
  by: string;
  down: boolean;
  ask: (by: string, down: boolean) => void;
}

export function Table<Row>({ title, file, rows, columns, total, empty = "No rows", dated = true, everything, ordered, foot, fold, children }: TableProps<Row>) {
  const { range } = useView();
  const [sorted, setSorted] = useState<{ column: number; down: boolean } | null>(null);
  const id = useId();
  const [most, setMost] = useState(fold ?? rows.length);
  const inFile = columns.filter(({ drawn }) => !drawn);
  const shown = sorted ? inOrder(rows, columns[sorted.column]?.by, sorted.down) : rows;
  const texts = (row: Row): string[] => inFile.map((column) => column.text(row));
  const sums = total === undefined ? [] : [["Total", ...texts(total).slice(1)]];
  const saved = (all: Row[]): string => csv([inFile.map((column) => column.label), ...all.map(texts), ...sums]);
  const name = fileName(file, dated ? range : null);
  return (
    <section class="card" aria-labelledby={id}>
      <header class="card-head">
        <h2 id={id}>{title}</h2>
        {children}
        <ExportButton
          disabled={rows.length === 0}
          run={async (told) => {
            if (!everything) return save(name, saved(shown));
            const pages = async function* (): AsyncGenerator<string[][]> {
              for await (const page of everything()) yield page.map(texts);
            };
            await savePages(name, inFile.map((column) => column.label), pages(), told);
          }}
        />
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
                    sorted={ordered ? (ordered.by === column.order ? ordered.down : null) : sorted?.column === index ? sorted.down : null}
                    sortable={ordered ? column.order !== undefined : column.by !== undefined}
                    sort={(down) => (ordered ? ordered.ask(column.order ?? "", down) : setSorted({ column: index, down }))}
                  />
                ))}
              </tr>
            </thead>
            <tbody>
              {(fold ? shown.slice(0, most) : shown).map((row, index) => (
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
      {fold && rows.length > fold && (
        <Shown shown={Math.min(most, rows.length)} all={rows.length} {...(most < rows.length ? { more: () => setMost(most + MORE) } : {})} />
      )}
      {foot}
    </section>
  );
}

export function ExportButton({ disabled, run }: { disabled: boolean; run: (told: (rows: number) => void) => Promise<void> }) {
  const [state, setState] = useState<"" | "busy" | "failed">("");
  const [rows, setRows] = useState(0);
  const start = (): void => {
    setState("busy");
    setRows(0);
    run(setRows).then(
      () => setState(""),
      () => setState("failed"),
    );
  };
  return (
    <button type="button" class="quiet" disabled={disabled || state === "busy"} onClick={start}>
      {state === "busy" ? (rows ? `Exporting… ${count(rows)} rows` : "Exporting…") : state === "failed" ? "Export failed. Try again" : "Export CSV"}
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
  sortable: boolean;
  sort: (down: boolean) => void;
}

function Head<Row>({ column, sorted, sortable, sort }: HeadProps<Row>) {
  const order = sorted === null ? undefined : sorted ? "descending" : "ascending";
  return (
    <th scope="col" class={column.number ? "number" : undefined} aria-sort={order}>
      {sortable ? (
        <button type="button" class="sort" onClick={() => sort(sorted === null ? (column.number ?? false) : !sorted)}>
          {column.label}
          <span aria-hidden="true">{sorted === null ? "" : sorted ? " ↓" : " ↑"}</span>
        </button>
      ) : (
        <span class={column.unlabelled ? "unseen" : undefined}>{column.label}</span>
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
