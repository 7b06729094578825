/** The hours of a range of one day: a report has no shorter interval than the day, so each hour is a question of its own. */
import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ReportScope } from "contract/reports_pb";
import { useEffect, useState } from "preact/hooks";
import { useRound } from "../answers";
import { useView } from "../view";
import { daysBetween } from "../zones";

const HOUR_MS = 3_600_000;

interface Hours<R> {
  name: string;
  rows: (R & { start: Timestamp })[];
}

/**
 * A row per hour that has begun, in order; nothing for longer ranges, and while not all are known.
 * `name` tells one question from another, `ask` gives an hour's row.
 */
export function useHours<R extends object>(name: string, ask: (scope: ReportScope) => Promise<R | undefined>): Hours<R>["rows"] | undefined {
  const { range, scope, zone, currency } = useView();
  const round = useRound();
  const [hours, setHours] = useState<Hours<R> | null>(null);
  const oneDay = range.first !== null && range.end !== null && daysBetween(range.first, range.end) === 1;
  const question = oneDay ? JSON.stringify([name, range.first, zone, currency, scope.source, scope.includeBots, scope.includeSandbox, round]) : "";
  useEffect(() => {
    if (!question) return;
    let wanted = true;
    const each = begins(scope).map(async (begin) => {
      const start = timestampFromDate(begin);
      const row = await ask({ ...scope, from: start, to: timestampFromDate(new Date(begin.getTime() + HOUR_MS)) });
      return row && { ...row, start };
    });
    Promise.all(each).then(
      (rows) => wanted && setHours({ name: question, rows: rows.filter((row) => row !== undefined) }),
      // The day itself is shown then, and says what is wrong.
      () => undefined,
    );
    return () => void (wanted = false);
  }, [question]);
  return hours?.name === question && hours.rows.length > 1 ? hours.rows : undefined;
}

/** When the hours begin that have begun; a day may have 23 or 25 of them. */
function begins({ from, to }: ReportScope): Date[] {
  if (!from || !to) return [];
  const first = timestampDate(from).getTime();
  const end = Math.min(timestampDate(to).getTime(), Date.now());
  return Array.from({ length: Math.max(0, Math.ceil((end - first) / HOUR_MS)) }, (_, index) => new Date(first + index * HOUR_MS));
}
