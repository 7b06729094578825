/** What the controls say, as every page needs it: range, time zone, currency and the scope of reports. */
import { create, toJson } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { Project } from "contract/admin_pb";
import { Attribution, ComparisonSchema } from "contract/dimensions_pb";
import { Interval, type ReportScope, ReportScopeSchema } from "contract/reports_pb";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { asked, type Condition, conditionsOf, dimensionsOf, isCredited } from "./filters";
import { comparedWith, fitting, type IntervalName, intervalsOf, moments, type Range, rangeNamed, standardFor, toSameHour } from "./ranges";
import type { Route } from "./route";
import { date, dayOf, firstOfMonth, isZone, moment, month, plusDays } from "./zones";

export interface View {
  zone: string;
  range: Range;
  /** Name of the range that this page has when none is chosen. */
  standard: string;
  /** The range that the numbers stand beside. */
  previous: Range | null;
  /** How that range is called. */
  beside: string;
  /** The reports that the page asks for; none where it shows something else. */
  reports: string[];
  /** The filters of the address, that of the segment among them. */
  conditions: Condition[];
  /** The dimensions that the page breaks its report down by. */
  by: string[];
  /** The currency that was chosen; empty: the project's where there is a choice. */
  currency: string;
  /** The project's currency; empty while it is not known. */
  home: string;
  sandbox: boolean;
  interval: IntervalName;
  /** What the page's report counts: its filters are those that the report has. */
  scope: ReportScope;
  /** The same over another range, or of another report. */
  over: (range: Range, report?: string) => ReportScope;
  /** The same broken down. */
  broken: ReportScope;
  /** The same broken down, and beside the other range. */
  compared: ReportScope;
}

const OVERVIEW = ["sales", "traffic", "products", "funnel"];

const INTERVALS: Record<IntervalName, Interval> = { hour: Interval.HOUR, day: Interval.DAY, week: Interval.WEEK, month: Interval.MONTH };

function isInterval(name: string | null, range: Range): name is IntervalName {
  return intervalsOf(range).some((each) => each === name);
}

export function intervalOf(name: IntervalName): Interval {
  return INTERVALS[name];
}

/** Reads the address. Amounts of several currencies come in one answer, so the currency is chosen from it here. */
export function viewOf({ page, params }: Route, project: Project | undefined): View {
  const asked = params.get("tz") ?? "";
  const zone = isZone(asked) ? asked : project?.timeZone || "UTC";
  const standard = standardFor(page);
  const range = rangeNamed(params.get("range") ?? standard, zone);
  const interval = params.get("interval");
  const sandbox = params.get("sandbox") === "1";
  const reports = page === "overview" ? OVERVIEW : dimensionsOf(page).length || page === "segments" ? [page] : [];
  const [own = ""] = reports;
  const over = (each: Range, report = own): ReportScope => scopeOver(each, report, zone, params);
  const comparison = params.get("compare") ?? "previous";
  const other = comparedWith(range, comparison);
  const previous = other && params.get("samehour") === "1" ? toSameHour(range, other, zone) : other;
  const by = [...new Set(params.getAll("by"))].filter((name) => dimensionsOf(own).includes(name)).slice(0, MOST_DIMENSIONS);
  return {
    zone,
    range,
    standard,
    previous,
    beside: comparison === "last-year" ? "A year ago" : comparison.includes("..") ? "Compared range" : "Previous period",
    reports,
    conditions: conditionsIn(params),
    by: page === "overview" ? [] : by,
    currency: params.get("currency") ?? "",
    home: project?.currency ?? "",
    sandbox,
    interval: isInterval(interval, range) ? interval : fitting(range),
    scope: over(range),
    over,
    broken: brokenDown(over(range), by, null),
    compared: brokenDown(over(range), by, previous && over(previous)),
  };
}

export const MOST_DIMENSIONS = 2;
/** As many rows as the server gives: what is sorted and saved here is all of them. */
const MOST_ROWS = 10_000;

const ATTRIBUTED: Record<string, Attribution> = { first: Attribution.FIRST, last: Attribution.LAST, linear: Attribution.LINEAR };

/** The filters of the address; a segment is one, too. */
function conditionsIn(params: URLSearchParams): Condition[] {
  const segment = params.get("segment");
  return [...conditionsOf(params.getAll("filter")), ...(segment ? [{ dimension: "segment", operator: "is" as const, values: [segment] }] : [])];
}

function brokenDown(scope: ReportScope, breakdowns: string[], before: ReportScope | null): ReportScope {
  if (!breakdowns.length) return scope;
  const broken = { ...scope, breakdowns, breakdownLimit: MOST_ROWS };
  return before?.from && before.to ? { ...broken, compare: create(ComparisonSchema, { from: before.from, to: before.to }) } : broken;
}

function scopeOver(range: Range, report: string, zone: string, params: URLSearchParams): ReportScope {
  const { from, to } = moments(range, zone);
  const asOf = new Date(params.get("asof") ?? "");
  const source = params.get("source");
  const fitting = dimensionsOf(report);
  const attribution = isCredited(report) ? ATTRIBUTED[params.get("attribution") ?? ""] : undefined;
  return create(ReportScopeSchema, {
    ...(from ? { from: timestampFromDate(from) } : {}),
    ...(to ? { to: timestampFromDate(to) } : {}),
    ...(source ? { source } : {}),
    ...(Number.isNaN(asOf.getTime()) ? {} : { asOf: timestampFromDate(asOf) }),
    ...(attribution ? { attribution } : {}),
    filters: conditionsIn(params)
      .filter(({ dimension }) => fitting.includes(dimension))
      .map(asked),
    timeZone: zone,
    includeBots: params.get("bots") === "1",
    withoutFreeOrders: params.get("nofree") === "1",
    includeSandbox: params.get("sandbox") === "1",
  });
}

/** Of one block per currency the one to show: the chosen, else the project's, else the first. */
export function blockOf<T extends { currency: string }>(blocks: T[], view: View): T | undefined {
  if (view.currency) return blocks.find((block) => block.currency === view.currency);
  return blocks.find((block) => block.currency === view.home) ?? blocks[0];
}

/** A moment as files have it, with all the digits that were stored. */
export function exactTime(at: Timestamp | undefined): string {
  return at ? String(toJson(TimestampSchema, at)) : "";
}

/** The begin of an interval, as a row is headed. */
export function intervalLabel(start: Timestamp | undefined, interval: IntervalName, zone: string): string {
  if (!start) return "";
  const at = timestampDate(start);
  if (interval === "month") return month(at, zone);
  if (interval === "hour") return moment(at, zone);
  return interval === "week" ? `Week of ${date(at, zone)}` : date(at, zone);
}

/** Whether an interval is not over, or lies in the range only in part: its number is not to be held against a whole one's. */
export function isPartial(start: Timestamp | undefined, interval: IntervalName, { range, zone }: Pick<View, "range" | "zone">): boolean {
  if (!start) return false;
  const at = timestampDate(start);
  const first = dayOf(at, zone);
  if (interval === "hour") return at.getTime() + HOUR_MS > Date.now();
  const end = interval === "month" ? firstOfMonth(first, 1) : plusDays(first, interval === "week" ? 7 : 1);
  const cutAtBegin = range.first !== null && first < range.first;
  return cutAtBegin || end > dayOf(new Date(), zone) || (range.end !== null && end > range.end);
}

/** The begin of an interval as a row is headed, with a mark where the row has only a part of it. */
export function rowLabel(start: Timestamp | undefined, view: View): string {
  const name = intervalLabel(start, view.interval, view.zone);
  return isPartial(start, view.interval, view) ? `${name} *` : name;
}

const HOUR_MS = 3_600_000;

/** The rows of a report that have begun: those of today's hours that are to come say nothing yet. */
export function begun<R extends { start?: Timestamp }>(rows: R[]): R[] {
  const now = Date.now();
  return rows.filter(({ start }) => !start || timestampDate(start).getTime() <= now);
}

export const ViewContext = createContext<View>(null as unknown as View);

export function useView(): View {
  return useContext(ViewContext);
}
