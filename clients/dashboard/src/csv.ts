/**
 * Tables as CSV files (RFC 4180), with the exact values of the answer, which spreadsheets take for text and
 * numbers, never for formulas. The rules and their reasons are those of the server's `cli/csv_line.py`;
 * `tests/csv_lines.json` holds both to them.
 */

import type { Range } from "./ranges";
import { plusDays } from "./zones";

/** A spreadsheet with another separator cuts a text here, and each part is then a cell. */
const PART = /[^;|\t\n]+/g;
/** What it would take for a formula. */
const FORMULA = /^[ "'`\u00a0\u1680\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff]*[=+\-@＝＋－＠﹦﹢﹣﹫]/;
/** Amounts below zero begin like a formula, and are none. */
const NUMBER = /^-?[0-9]+([.][0-9]+)?$/;
/** Nothing that belongs into a text: controls, separators of lines, brackets of direction, halves of pairs. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu;

function cell(text: string): string {
  if (NUMBER.test(text)) return text;
  const shown = text.replace(CONTROL, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const parts = shown.replace(PART, (part) => (FORMULA.test(part) ? `'${part}` : part));
  const safe = /^[\t\n]/.test(parts) ? `'${parts}` : parts;
  return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** A row as a line, without its end. */
export function csvLine(row: string[]): string {
  return row.map(cell).join(",");
}

export function csv(rows: string[][]): string {
  return rows.map((row) => `${csvLine(row)}\r\n`).join("");
}

/** The name of a file, with the days as a person would say them; without a range it has none. */
export function fileName(what: string, range: Range | null): string {
  if (range === null) return `${what}.csv`;
  if (!range.first || !range.end) return `${what} all time.csv`;
  const last = plusDays(range.end, -1);
  return `${what} ${range.first}${range.first === last ? "" : ` to ${last}`}.csv`;
}

/** Lets the browser save a text as a file. */
export function save(name: string, text: string): void {
  saveBlob(name, new Blob([MARK, text], TYPE));
}

/**
 * Saves a list that comes in pages. Each page becomes part of the file as it comes, so that a page at a time
 * is held here, however long the list is; `told` hears how many rows there are.
 */
export async function savePages(name: string, head: string[], pages: AsyncIterable<string[][]>, told: (rows: number) => void): Promise<void> {
  let file = new Blob([MARK, csv([head])], TYPE);
  let rows = 0;
  for await (const page of pages) {
    file = new Blob([file, csv(page)], TYPE);
    told((rows += page.length));
  }
  saveBlob(name, file);
}

/** The mark tells spreadsheets that this is UTF-8. */
const MARK = "\ufeff";
const TYPE = { type: "text/csv;charset=utf-8" };

function saveBlob(name: string, file: Blob): void {
  const url = URL.createObjectURL(file);
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
