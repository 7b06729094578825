/** Ranges of days by name, and what they mean in a time zone. */
import { date, type Day, daysBetween, dayOf, firstOfMonth, isDay, plusDays, startOf } from "./zones";

/** Days from `first` up to but not including `end`; an open side is unbounded. */
export interface Range {
  name: string;
  label: string;
  first: Day | null;
  end: Day | null;
  /** Where it ends within its days: what has passed of the range that it is compared with. */
  until?: Date;
}

const STANDARD = "28d";

/** The range that a page has when none is chosen: cohorts need a longer past. */
export function standardFor(page: string): string {
  return page === "retention" || page === "lifetime" ? "365d" : STANDARD;
}

export const PRESETS: [name: string, label: string][] = [
  ["today", "Today"],
  ["yesterday", "Yesterday"],
  ["7d", "Last 7 days"],
  ["28d", "Last 28 days"],
  ["90d", "Last 90 days"],
  ["month", "This month"],
  ["last-month", "Last month"],
  ["365d", "Last 365 days"],
  ["all", "All time"],
];

/** A preset, or two days with ".." between, both inclusive. Anything else is the standard range. */
export function rangeNamed(name: string, zone: string, now = new Date()): Range {
  const today = dayOf(now, zone);
  const tomorrow = plusDays(today, 1);
  const [first = "", last = ""] = name.split("..");
  if (isDay(first) && isDay(last) && first <= last) {
    return { name, label: `${written(first)} – ${written(last)}`, first, end: plusDays(last, 1) };
  }
  const label = PRESETS.find(([each]) => each === name)?.[1];
  if (label === undefined) return rangeNamed(STANDARD, zone, now);
  if (name === "all") return { name, label, first: null, end: null };
  if (name === "today") return { name, label, first: today, end: tomorrow };
  if (name === "yesterday") return { name, label, first: plusDays(today, -1), end: today };
  if (name === "month") return { name, label, first: firstOfMonth(today), end: tomorrow };
  if (name === "last-month") return { name, label, first: firstOfMonth(today, -1), end: firstOfMonth(today) };
  return { name, label, first: plusDays(tomorrow, -Number.parseInt(name, 10)), end: tomorrow };
}

/** The range just before, of the same length; none for all time. */
export function before(range: Range): Range | null {
  if (!range.first || !range.end) return null;
  const first = range.name === "last-month" ? firstOfMonth(range.first, -1) : plusDays(range.first, -daysBetween(range.first, range.end));
  return named(first, range.first);
}

const YEAR_DAYS = 364;
/** What a range may be set beside; the first is the standard. */
export const COMPARISONS: [name: string, label: string][] = [
  ["previous", "Previous period"],
  ["last-year", "A year ago"],
  ["none", "Nothing"],
];

/** The range that another is set beside: that before it, 52 weeks earlier so that weekdays meet, or two days with ".." between. */
export function comparedWith(range: Range, name: string): Range | null {
  if (!range.first || !range.end || name === "none") return null;
  const [first = "", last = ""] = name.split("..");
  if (isDay(first) && isDay(last) && first <= last) return named(first, plusDays(last, 1));
  if (name === "last-year") return named(plusDays(range.first, -YEAR_DAYS), plusDays(range.end, -YEAR_DAYS));
  return before(range);
}

function named(first: Day, end: Day): Range {
  const last = plusDays(end, -1);
  return { name: "", label: first === last ? written(first) : `${written(first)} – ${written(last)}`, first, end };
}

/** The range before or after, as long, as two days; nothing for all time, nor beyond today. */
export function moved(range: Range, by: 1 | -1, today: Day): string | null {
  if (!range.first || !range.end) return null;
  const days = by * daysBetween(range.first, range.end);
  const first = plusDays(range.first, days);
  return first > today ? null : `${first}..${plusDays(range.end, days - 1)}`;
}

/** As much of the range before as has passed of one that goes on, to the full hour; else all of it. */
export function toSameHour(range: Range, earlier: Range, zone: string, now = new Date()): Range {
  const today = dayOf(now, zone);
  if (!range.first || !range.end || !earlier.first || !earlier.end || today < range.first || today >= range.end) return earlier;
  const day = plusDays(earlier.first, daysBetween(range.first, today));
  if (day >= earlier.end) return earlier;
  const hours = Math.floor((now.getTime() - startOf(today, zone).getTime()) / HOUR_MS);
  // Nothing has passed in the first hour; a range must not be empty.
  const until = new Date(startOf(day, zone).getTime() + Math.max(hours, 1) * HOUR_MS);
  return { ...earlier, until };
}

const HOUR_MS = 3_600_000;

export type IntervalName = "hour" | "day" | "week" | "month";

/** The interval that gives a readable number of rows. */
export function fitting(range: Range): IntervalName {
  if (!range.first || !range.end) return "month";
  const days = daysBetween(range.first, range.end);
  if (days === 1) return "hour";
  return days <= 92 ? "day" : days <= 400 ? "week" : "month";
}

/** Hours are too many for longer ranges. */
const MOST_DAYS_BY_HOUR = 31;

/** The intervals that a range may be shown in. */
export function intervalsOf(range: Range): IntervalName[] {
  if (!range.first || !range.end) return ["day", "week", "month"];
  const days = daysBetween(range.first, range.end);
  if (days === 1) return ["hour", "day"];
  const longer: IntervalName[] = days > 28 ? ["day", "week", "month"] : days > 7 ? ["day", "week"] : ["day"];
  return days <= MOST_DAYS_BY_HOUR ? ["hour", ...longer] : longer;
}

export function moments(range: Range, zone: string): { from?: Date; to?: Date } {
  return {
    ...(range.first ? { from: startOf(range.first, zone) } : {}),
    ...(range.end ? { to: range.until ?? startOf(range.end, zone) } : {}),
  };
}

/** The days of a range in words; the last one may still be going on. */
export function datesOf({ first, end }: Range, today: Day): string {
  if (!first || !end) return "";
  const last = plusDays(end, -1);
  const days = first === last ? written(first) : `${written(first)} – ${written(last)}`;
  return first <= today && today < end ? `${days} (today so far)` : days;
}

function written(day: Day): string {
  return date(new Date(`${day}T12:00:00Z`), "UTC");
}
