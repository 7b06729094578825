/** What is saved can be read back, and does nothing to the reader. */
import assert from "node:assert/strict";
import { test } from "node:test";
import vectors from "../../../tests/csv_lines.json";
import { csv, csvLine, fileName } from "../src/csv";
import { rangeNamed } from "../src/ranges";

for (const { name, row, line } of vectors) {
  test(name, () => assert.equal(csvLine(row), line));
}

test("lines end as RFC 4180 asks", () => {
  assert.equal(csv([["a,b", "1"], ["c", "2"]]), '"a,b",1\r\nc,2\r\n');
});

test("a file is named after its days as a person says them", () => {
  assert.equal(fileName("products", rangeNamed("2026-11-01..2026-11-30", "UTC")), "products 2026-11-01 to 2026-11-30.csv");
  assert.equal(fileName("products", rangeNamed("2026-11-01..2026-11-01", "UTC")), "products 2026-11-01.csv");
  assert.equal(fileName("products", rangeNamed("all", "UTC")), "products all time.csv");
  assert.equal(fileName("customers", null), "customers.csv");
});
