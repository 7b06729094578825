/** Who orders again, as a heat map: a row per cohort, a column per interval since its first orders. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Cohort, ReportService, type RetentionPeriod } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, money, percent } from "../amounts";
import { csv, fileName, save } from "../csv";
import { dimensionLabel } from "../filters";
import { dimensionColumns } from "../parts/breakdown";
import { Controls, Segments, Tick } from "../parts/controls";
import { Define, type Defined } from "../parts/define";
import { Explain } from "../parts/explain";
import { Scroll } from "../parts/scroll";
import { Empty, Shown } from "../parts/states";
import { useRoute } from "../route";
import { exactTime, intervalLabel, intervalOf, useView, type View } from "../view";
import { type Day, dayOf, firstOfMonth, plusDays } from "../zones";

type Measure = "share" | "customers" | "net";

const MEASURES: [Measure, string, Defined][] = [
  ["share", "Share", "RetentionPeriod.share"],
  ["customers", "Customers", "RetentionPeriod.customers"],
  ["net", "Net of refunds", "RetentionPeriod.net"],
];
const SHADES = 9;

export function Retention() {
  const view = useView();
  const { params } = useRoute();
  const interval = params.get("interval") === "week" ? "week" : "month";
  const answer = useAnswer(ReportService.method.getRetentionReport, {
    scope: view.broken,
    interval: intervalOf(interval),
    includeVisitors: params.get("visitors") === "1",
  });
  return (
    <>
      <Controls>
        <Segments
          label="Interval"
          name="interval"
          standard="month"
          choices={[
            ["week", "Week"],
            ["month", "Month"],
          ]}
        />
        <Tick label="Include anonymous visitors" name="visitors" />
      </Controls>
      <Shown answer={answer}>
        {({ cohorts }) =>
          cohorts.some((cohort) => cohort.size > 0n) ? (
            <HeatMap cohorts={fromFirst(cohorts)} interval={interval} />
          ) : (
            <Empty title="Nobody ordered for the first time in this range">Cohorts are made of first orders: choose a longer range.</Empty>
          )
        }
      </Shown>
    </>
  );
}

function HeatMap({ cohorts, interval }: { cohorts: Cohort[]; interval: "week" | "month" }) {
  const view = useView();
  const { params } = useRoute();
  const [measure, , defined] = MEASURES.find(([name]) => name === params.get("measure")) ?? (MEASURES[0] as (typeof MEASURES)[0]);
  const currencies = [...new Set(cohorts.flatMap((cohort) => cohort.periods.flatMap((period) => Object.keys(period.net))))].sort();
  const currency = view.currency || (currencies.includes(view.home) || !currencies[0] ? view.home : currencies[0]);
  const who = dimensionColumns<Cohort>(view, params);
  const width = Math.max(...cohorts.map((cohort) => cohort.periods.length));
  const exact = (period: RetentionPeriod): string =>
    measure === "share" ? period.share : measure === "customers" ? `${period.customers}` : (period.net[currency] ?? "0");
  const shown = (period: RetentionPeriod): string =>
    measure === "share" ? percent(period.share) : measure === "customers" ? count(period.customers) : money(exact(period), currency);
  const today = dayOf(new Date(), view.zone);
  const isOpen = (cohort: Cohort, period: RetentionPeriod): boolean => unfinished(cohort, period, interval, view, today);
  const columns = Array.from({ length: width }, (_, index) => index);
  const saved = (): string =>
    csv([
      ["Cohort", ...view.by.map(dimensionLabel), "Customers", ...columns.map(String)],
      ...cohorts.map((cohort) => [
        exactTime(cohort.start),
        ...view.by.map((name) => cohort.dimensions[name] ?? ""),
        `${cohort.size}`,
        ...cohort.periods.map(exact),
      ]),
    ]);
  return (
    <section class="card" aria-labelledby="cohorts">
      <header class="card-head">
        <h2 id="cohorts">Cohorts by {interval} of the first order</h2>
        <Define name={defined} label="a cell" />
        <Segments label="Measure" name="measure" standard="share" choices={MEASURES.map(([name, label]) => [name, label])} />
        <button type="button" class="quiet" onClick={() => save(fileName(`retention by ${interval} ${measure}`, view.range), saved())}>
          Export CSV
        </button>
      </header>
      <Scroll labelledBy="cohorts">
        <table class="heat">
          <thead>
            <tr>
              <th scope="col">Cohort</th>
              {who.map(({ label }) => (
                <th scope="col" key={label}>
                  {label}
                </th>
              ))}
              <th scope="col" class="number">
                Customers
              </th>
              {columns.map((index) => (
                <th scope="col" class="number" key={index}>
                  {index}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {cohorts.map((cohort, row) => (
              <tr key={row}>
                <th scope="row">{intervalLabel(cohort.start, interval, view.zone)}</th>
                {who.map(({ label, cell }) => (
                  <td key={label}>{cell?.(cohort)}</td>
                ))}
                <td class="number">{count(cohort.size)}</td>
                {cohort.periods.map((period) => (
                  <td key={period.index} class={`number heat-${shade(period)}${isOpen(cohort, period) ? " open" : ""}`} title={exact(period)}>
                    <Explain
                      token={period.customers > 0n ? period.explain : ""}
                      of={`Cohort ${intervalLabel(cohort.start, interval, view.zone)}, ${interval} ${period.index}`}
                    >
                      {cohort.size > 0n ? shown(period) : ""}
                    </Explain>
                    {cohort.size > 0n && isOpen(cohort, period) && <sup>*</sup>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {cohorts.some((cohort) => cohort.periods.some((period) => isOpen(cohort, period))) && (
        <p class="note">* This {interval} is not over, or the range has only a part of it: the number may still grow.</p>
      )}
    </section>
  );
}

/** Whether an interval of a cohort is not over, or lies in the range only in part. */
function unfinished(cohort: Cohort, { index }: RetentionPeriod, interval: "week" | "month", { zone, range }: View, today: Day): boolean {
  if (!cohort.start) return false;
  const first = dayOf(timestampDate(cohort.start), zone);
  const end = interval === "month" ? firstOfMonth(first, index + 1) : plusDays(first, 7 * (index + 1));
  const cutAtBegin = index === 0 && range.first !== null && first < range.first;
  return cutAtBegin || end > today || (range.end !== null && end > range.end);
}

/** Without the empty cohorts before anybody ordered; those between say something. */
function fromFirst(cohorts: Cohort[]): Cohort[] {
  if (cohorts.some(({ dimensions }) => Object.keys(dimensions).length)) return cohorts;
  return cohorts.slice(cohorts.findIndex((cohort) => cohort.size > 0n));
}

/** The colour follows the share, whatever is written in the cell. */
function shade(period: RetentionPeriod): number {
  return period.customers === 0n ? 0 : Math.min(SHADES, 1 + Math.floor(Math.sqrt(Number(period.share)) * SHADES));
}
