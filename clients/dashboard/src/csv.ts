/** Tables as CSV files (RFC 4180), with the exact values of the answer. */

/** What a spreadsheet would take for a formula. Amounts below zero are none. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?[0-9]+([.][0-9]+)?$/;

function cell(text: string): string {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

export function csv(rows: string[][]): string {
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Lets the browser save a text as a file. */
export function save(name: string, text: string): void {
  // The mark tells spreadsheets that this is UTF-8.
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
