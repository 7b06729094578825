/** What is saved can be read back, and does nothing to the reader. */
import assert from "node:assert/strict";
import { test } from "node:test";
import vectors from "../../../tests/csv_lines.json";
import { csv, csvLine } from "../src/csv";

for (const { name, row, line } of vectors) {
  test(name, () => assert.equal(csvLine(row), line));
}

test("lines end as RFC 4180 asks", () => {
  assert.equal(csv([["a,b", "1"], ["c", "2"]]), '"a,b",1\r\nc,2\r\n');
});
