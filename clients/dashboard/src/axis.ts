/** What stands below a chart: each label is an interval of the answer, whole, once, and as exact as it needs to be. */
import type { IntervalName } from "./ranges";
import { clockTime, month, shortDay, date } from "./zones";

/** Pixels that a label takes, with the room beside it. */
const WIDTHS = { hour: 70, day: 64, month: 84, dated: 104 };

/** Which intervals are labelled, and how, on an axis of this width. Times are in seconds. */
export function axisLabels(times: number[], interval: IntervalName, zone: string, width: number): { at: number; text: string }[] {
  const years = new Set(times.map((time) => new Date(time * 1000).getUTCFullYear()));
  const dated = years.size > 1 && (interval === "day" || interval === "week");
  const room = dated ? WIDTHS.dated : interval === "week" ? WIDTHS.day : WIDTHS[interval];
  const most = Math.max(1, Math.floor(width / room));
  const step = Math.max(1, Math.ceil(times.length / most));
  const write = interval === "hour" ? clockTime : interval === "month" ? month : dated ? date : shortDay;
  return times.filter((_, index) => index % step === 0).map((at) => ({ at, text: write(new Date(at * 1000), zone) }));
}
