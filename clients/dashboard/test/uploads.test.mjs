import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf } from "../src/uploads";

test("columns are read a line each, also where a name has a colon or quotes", () => {
  assert.deepEqual(columnsOf('order_id: Order No\n\n  total :  Sum: gross \nline_sku: "Article"\nno line\n'), {
    order_id: "Order No",
    total: "Sum: gross",
    line_sku: "Article",
  });
});
