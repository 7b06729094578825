/** Days begin where the time zone says, also when its clocks change. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { before, datesOf, fitting, intervalsOf, moments, rangeNamed, toSameHour } from "../src/ranges";
import { dayOf, firstOfMonth, plusDays, startOf } from "../src/zones";

const at = (day, zone) => startOf(day, zone).toISOString();

test("a day begins at the zone's midnight, in winter and in summer", () => {
  assert.equal(at("2026-01-15", "Europe/Berlin"), "2026-01-14T23:00:00.000Z");
  assert.equal(at("2026-07-15", "Europe/Berlin"), "2026-07-14T22:00:00.000Z");
  assert.equal(at("2026-07-15", "America/Los_Angeles"), "2026-07-15T07:00:00.000Z");
  assert.equal(at("2026-07-15", "Asia/Kolkata"), "2026-07-14T18:30:00.000Z");
});

test("the days on which clocks change have 23 and 25 hours", () => {
  const length = (day) => (startOf(plusDays(day, 1), "Europe/Berlin") - startOf(day, "Europe/Berlin")) / 3_600_000;
  assert.equal(length("2026-03-29"), 23);
  assert.equal(length("2026-10-25"), 25);
});

test("a day without midnight begins at its first moment", () => {
  // Clocks in Santiago jump from 24:00 to 1:00.
  assert.equal(at("2026-09-06", "America/Santiago"), "2026-09-06T04:00:00.000Z");
});

test("the day differs from zone to zone at one moment", () => {
  const moment = new Date("2026-03-01T23:30:00Z");
  assert.equal(dayOf(moment, "UTC"), "2026-03-01");
  assert.equal(dayOf(moment, "Asia/Tokyo"), "2026-03-02");
  assert.equal(dayOf(moment, "America/New_York"), "2026-03-01");
});

test("ranges are of whole days and end with today", () => {
  const now = new Date("2026-03-31T10:00:00Z");
  const days = (name) => [rangeNamed(name, "UTC", now).first, rangeNamed(name, "UTC", now).end];
  assert.deepEqual(days("today"), ["2026-03-31", "2026-04-01"]);
  assert.deepEqual(days("7d"), ["2026-03-25", "2026-04-01"]);
  assert.deepEqual(days("month"), ["2026-03-01", "2026-04-01"]);
  assert.deepEqual(days("last-month"), ["2026-02-01", "2026-03-01"]);
  assert.deepEqual(days("2026-01-05..2026-01-06"), ["2026-01-05", "2026-01-07"]);
  assert.deepEqual(days("all"), [null, null]);
  assert.deepEqual(days("nonsense"), days("28d"));
});

test("the range before touches the range and is as long", () => {
  const now = new Date("2026-03-31T10:00:00Z");
  const days = (name) => before(rangeNamed(name, "UTC", now));
  assert.deepEqual([days("7d").first, days("7d").end], ["2026-03-18", "2026-03-25"]);
  assert.deepEqual([days("last-month").first, days("last-month").end], ["2026-01-01", "2026-02-01"]);
  assert.equal(days("all"), null);
});

test("all time has no ends, and long ranges have long intervals", () => {
  assert.deepEqual(moments(rangeNamed("all", "UTC"), "UTC"), {});
  assert.equal(fitting(rangeNamed("today", "UTC")), "hour");
  assert.equal(fitting(rangeNamed("28d", "UTC")), "day");
  assert.equal(fitting(rangeNamed("365d", "UTC")), "week");
  assert.equal(fitting(rangeNamed("all", "UTC")), "month");
  assert.equal(firstOfMonth("2026-01-31", 1), "2026-02-01");
  assert.deepEqual(intervalsOf(rangeNamed("today", "UTC")), ["hour", "day"]);
  assert.deepEqual(intervalsOf(rangeNamed("28d", "UTC")), ["hour", "day", "week"]);
  assert.deepEqual(intervalsOf(rangeNamed("90d", "UTC")), ["day", "week", "month"]);
});

test("the dates of a range say when today is among them", () => {
  const now = new Date("2026-03-31T10:00:00Z");
  const dates = (name) => datesOf(rangeNamed(name, "UTC", now), "2026-03-31");
  assert.equal(dates("7d"), "Mar 25, 2026 – Mar 31, 2026 (today so far)");
  assert.equal(dates("today"), "Mar 31, 2026 (today so far)");
  assert.equal(dates("yesterday"), "Mar 30, 2026");
  assert.equal(dates("all"), "");
  assert.equal(before(rangeNamed("today", "UTC", now)).label, "Mar 30, 2026");
});

test("a range that goes on is compared to the same hour by choice", () => {
  const now = new Date("2026-04-01T10:40:00Z");
  const to = (name, zone = "UTC") => {
    const range = rangeNamed(name, zone, now);
    return moments(toSameHour(range, before(range), zone, now), zone).to.toISOString();
  };
  assert.equal(to("today"), "2026-03-31T10:00:00.000Z");
  assert.equal(to("7d"), "2026-03-25T10:00:00.000Z");
  assert.equal(to("today", "Europe/Berlin"), "2026-03-31T10:00:00.000Z");
  // Last week Berlin's clocks had not changed yet: noon was an hour later.
  assert.equal(to("7d", "Europe/Berlin"), "2026-03-25T11:00:00.000Z");
  // What has ended stands against all of the range before.
  assert.equal(to("yesterday"), "2026-03-31T00:00:00.000Z");
  assert.equal(to("last-month"), "2026-03-01T00:00:00.000Z");
  // In the day's first hour nothing has passed.
  const midnight = new Date("2026-04-01T00:10:00Z");
  const today = rangeNamed("today", "UTC", midnight);
  assert.equal(toSameHour(today, before(today), "UTC", midnight).until.toISOString(), "2026-03-31T01:00:00.000Z");
});
