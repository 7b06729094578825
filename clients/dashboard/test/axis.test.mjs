/** Below a chart each interval stands at most once, and only those of the answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { axisLabels } from "../src/axis";

const DAY = 86_400;
const FIRST = Date.parse("2026-11-22T00:00:00Z") / 1000;
const days = (count, first = FIRST) => Array.from({ length: count }, (_, index) => first + index * DAY);
const texts = (...question) => axisLabels(...question).map(({ text }) => text);

test("seven days are named once each", () => {
  assert.deepEqual(texts(days(7), "day", "UTC", 900), ["Nov 22", "Nov 23", "Nov 24", "Nov 25", "Nov 26", "Nov 27", "Nov 28"]);
});

test("labels are intervals of the answer, none of them twice, whatever the width", () => {
  for (const interval of ["hour", "day", "week", "month"])
    for (const count of [1, 2, 7, 24, 28, 92, 365])
      for (const width of [1, 240, 320, 900]) {
        const times = days(count);
        const labels = axisLabels(times, interval, "UTC", width);
        assert.ok(labels.length >= 1 && labels.length <= Math.max(1, width / 64));
        assert.ok(labels.every(({ at }) => times.includes(at)));
        if (interval === "day") assert.equal(new Set(labels.map(({ text }) => text)).size, labels.length);
      }
});

test("one day is one label, hours are clock times, and what lies in two years says which", () => {
  assert.deepEqual(texts(days(1), "day", "UTC", 900), ["Nov 22"]);
  assert.match(texts([FIRST, FIRST + 3600], "hour", "UTC", 900)[1], /^1:00/);
  assert.deepEqual(texts(days(60), "day", "UTC", 120), ["Nov 22, 2026"]);
  assert.deepEqual(texts([FIRST], "month", "UTC", 900), ["Nov 2026"]);
});
