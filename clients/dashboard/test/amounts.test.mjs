/** Numbers are exact, however large, and compared without floats. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { change, hours, money, percent, points, price, scaled, seconds } from "../src/amounts";

test("an amount keeps digits that a float would lose", () => {
  assert.equal(money("90071992547409.9301", "USD"), "$90,071,992,547,409.93");
  assert.equal(money("-0.10", "USD"), "-$0.10");
});

test("a sum has the places of its currency, and a price more where it has them", () => {
  assert.equal(money("10.5000", "GBP"), "£10.50");
  assert.equal(money("9758809.994", "GBP"), "£9,758,809.99");
  assert.equal(price("10.505", "GBP"), "£10.505");
  assert.equal(price("10.5", "GBP"), "£10.50");
  assert.equal(price("90071992547409.9301", "USD"), "$90,071,992,547,409.9301");
  assert.equal(money("1200", "JPY"), "¥1,200");
  assert.equal(money("", "GBP"), "–");
  assert.equal(money("59.8219", "GBP"), "£59.82");
});

test("shares and lengths of time read as people write them", () => {
  assert.equal(percent("0.1234"), "12.34%");
  assert.equal(percent("1.0000"), "100%");
  assert.equal(seconds("0.500"), "0.5 s");
  assert.equal(seconds("89.970"), "1.5 min");
  assert.equal(hours("29.40"), "29.4 h");
  assert.equal(hours("60.00"), "2.5 d");
});

test("decimals are compared in ten-thousandths", () => {
  assert.equal(scaled("1.5"), 15000n);
  assert.equal(scaled("-0.0001"), -1n);
  assert.equal(scaled("0"), 0n);
});

test("a change is in percent of what was before", () => {
  assert.deepEqual(change("110.00", "100.00"), { text: "+10 %", direction: "up" });
  assert.deepEqual(change("99.95", "100.00"), { text: "−0.1 %", direction: "down" });
  assert.deepEqual(change("100.0", "100.00"), { text: "±0 %", direction: "same" });
  assert.deepEqual(change("-50.00", "-100.00"), { text: "+50 %", direction: "up" });
  assert.equal(change("5.00", "0.00"), null);
});

test("a share changes by percentage points", () => {
  assert.deepEqual(points("0.3000", "0.2500"), { text: "+5 percentage points", direction: "up" });
  assert.deepEqual(points("0.0000", "0.0125"), { text: "−1.3 percentage points", direction: "down" });
  assert.deepEqual(points("0.1000", "0.1000"), { text: "±0 percentage points", direction: "same" });
});
