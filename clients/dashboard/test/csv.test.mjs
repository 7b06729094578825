/** What is saved can be read back, and does nothing to the reader. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { csv } from "../src/csv";

test("cells with commas, quotes and lines are quoted", () => {
  assert.equal(csv([["a,b", 'say "x"', "two\nlines", "plain"]]), '"a,b","say ""x""","two\nlines",plain\r\n');
});

test("amounts below zero stay numbers, formulas become text", () => {
  assert.equal(csv([["-12.50", "=1+1", "@cmd", "-1+2", "+49"]]), "-12.50,'=1+1,'@cmd,'-1+2,'+49\r\n");
});
