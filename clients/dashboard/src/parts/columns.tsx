/** Columns of numbers: how each kind is shown, saved and sorted. */
import { count, money, percent, scaled } from "../amounts";
import type { Defined } from "./define";
import type { Column } from "./table";

/** A count. */
export function whole<Row>(label: string, define: Defined, value: (row: Row) => bigint): Column<Row> {
  return { label, define, text: (row) => `${value(row)}`, cell: (row) => count(value(row)), number: true, by: value };
}

/** An amount of money. */
export function amount<Row>(label: string, define: Defined, currency: string, value: (row: Row) => string): Column<Row> {
  return { label, define, text: value, cell: (row) => money(value(row), currency), number: true, by: (row) => scaled(value(row)) };
}

/** The column of a list that the server sorts, by the name of its order; without one it cannot be sorted by. */
export function sortedBy<Row>(order: string, { by: _, ...column }: Column<Row>): Column<Row> {
  return order ? { ...column, order } : column;
}

/** A share such as "0.1234". */
export function share<Row>(label: string, define: Defined, value: (row: Row) => string): Column<Row> {
  return { label, define, text: value, cell: (row) => percent(value(row)), number: true, by: (row) => scaled(value(row)) };
}
