/** What a report is filtered, broken down and compared by; all of it lives in the address. */
import { ReportService } from "contract/reports_pb";
import { useId, useState } from "preact/hooks";
import { useAnswer } from "../answers";
import { countryCode } from "../countries";
import {
  ATTRIBUTIONS,
  type Condition,
  DIMENSIONS,
  dimensionLabel,
  dimensionsOf,
  inWords,
  isCredited,
  type Operator,
  OPERATORS,
  SEGMENTS,
  valueLabel,
  withCondition,
  written,
} from "../filters";
import { COMPARISONS } from "../ranges";
import { change, useRoute } from "../route";
import { MOST_DIMENSIONS, useView } from "../view";
import { isDay, plusDays } from "../zones";
import { Choice } from "./controls";
import { Pop } from "./pop";

/** With which range the numbers are compared. */
export function ComparePicker() {
  const { params } = useRoute();
  const { range, previous } = useView();
  if (!range.first) return null;
  const own = (params.get("compare") ?? "").includes("..");
  const last = previous?.end ? plusDays(previous.end, -1) : "";
  const take = (first: string, end: string): void => {
    if (isDay(first) && isDay(end)) change({ compare: first <= end ? `${first}..${end}` : `${end}..${first}` });
  };
  const value = own ? "own" : COMPARISONS.some(([name]) => name === params.get("compare")) ? (params.get("compare") ?? "") : "previous";
  return (
    <>
      <label class="field">
        <span>Compare with</span>
        <select
          value={value}
          onChange={({ currentTarget: { value: name } }) => {
            if (name === "own") take(previous?.first ?? range.first ?? "", last || (range.first ?? ""));
            else change({ compare: name === "previous" ? null : name });
          }}
        >
          {COMPARISONS.map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
          <option value="own">From … to …</option>
        </select>
      </label>
      {own && (
        <>
          <label class="field">
            <span>Compared from</span>
            <input type="date" value={previous?.first ?? ""} onChange={(event) => take(event.currentTarget.value, last)} />
          </label>
          <label class="field">
            <span>Compared to</span>
            <input type="date" value={last} onChange={(event) => take(previous?.first ?? "", event.currentTarget.value)} />
          </label>
        </>
      )}
    </>
  );
}

/** By which dimensions the report is broken down, on pages that can have it. */
export function ByPicker() {
  const { by, reports } = useView();
  const [report = ""] = reports;
  if (reports.length !== 1 || !dimensionsOf(report).length) return null;
  const take = (place: number, name: string): void => change({ by: (name ? by.with(place, name) : by.toSpliced(place, 1)).filter(Boolean) });
  const places = [...by, ...(by.length < MOST_DIMENSIONS ? [""] : [])];
  return (
    <>
      {places.map((chosen, place) => (
        <label class="field" key={place}>
          <span>{place === 0 ? "Break down by" : "and by"}</span>
          <select
            value={chosen}
            onChange={({ currentTarget: { value } }) => (chosen || !value ? take(place, value) : change({ by: [...by, value] }))}
          >
            <option value="">nothing</option>
            {dimensionsOf(report)
              .filter((name) => name === chosen || !by.includes(name))
              .map((name) => (
                <option key={name} value={name}>
                  {dimensionLabel(name)}
                </option>
              ))}
          </select>
        </label>
      ))}
    </>
  );
}

/** The button that opens the form of a filter, with the segment and whose visit gets the credit. */
export function FilterPicker() {
  const { conditions, reports } = useView();
  if (!reports.some((report) => dimensionsOf(report).length)) return null;
  return (
    <Pop label="Filter" set={conditions.length}>
      {(close) => (
        <>
          <Editor close={close} />
          <Choice label="Segment of customers" name="segment" standard="" choices={[["", "everybody"], ...SEGMENTS.map((name): [string, string] => [name, name])]} />
          {reports.some(isCredited) && (
            <Choice label="Credit for an order goes to" name="attribution" standard={ATTRIBUTIONS[0]?.[0] ?? ""} choices={ATTRIBUTIONS} />
          )}
        </>
      )}
    </Pop>
  );
}

const WORDS: Record<Operator, string> = {
  is: "is",
  "is not": "is not",
  "one of": "is one of",
  contains: "contains",
  "is set": "is known",
  "is not set": "is not known",
};

/** The form of one more filter. */
function Editor({ close }: { close: () => void }) {
  const { conditions, reports } = useView();
  const fitting = DIMENSIONS.filter((name) => name !== "segment" && reports.some((report) => dimensionsOf(report).includes(name)));
  const [dimension, setDimension] = useState(fitting[0] ?? "");
  const [operator, setOperator] = useState<Operator>("is");
  const [values, setValues] = useState<string[]>([]);
  const [typed, setTyped] = useState("");
  const [missing, setMissing] = useState(false);
  const wanted = operator !== "is set" && operator !== "is not set";
  const meant = (text: string): string => (dimension === "country" && operator !== "contains" ? (countryCode(text) ?? text) : text);
  const all = [...new Set([...(operator === "one of" ? values : []), ...(typed.trim() ? [meant(typed.trim())] : [])])];
  const add = (): void => {
    if (wanted && !all.length) return setMissing(true);
    const added: Condition = { dimension, operator: operator === "one of" && all.length === 1 ? "is" : operator, values: wanted ? all : [] };
    change({ filter: withCondition(conditions.filter((each) => each.dimension !== "segment"), added).flatMap(written) });
    setValues([]);
    setTyped("");
    close();
  };
  return (
    <form
      class="filter-form"
      onSubmit={(event) => {
        event.preventDefault();
        add();
      }}
    >
      <label class="field">
        <span>Only where</span>
        <select
          value={dimension}
          onChange={(event) => {
            setDimension(event.currentTarget.value);
            setValues([]);
            setTyped("");
          }}
        >
          {fitting.map((name) => (
            <option key={name} value={name}>
              {dimensionLabel(name)}
            </option>
          ))}
        </select>
      </label>
      <select aria-label="How to compare" value={operator} onChange={(event) => setOperator(event.currentTarget.value as Operator)}>
        {OPERATORS.map((each) => (
          <option key={each} value={each}>
            {WORDS[each]}
          </option>
        ))}
      </select>
      {wanted && (
        <Value
          dimension={dimension}
          typed={typed}
          set={(text) => {
            setTyped(text);
            setMissing(false);
          }}
          missing={missing}
        />
      )}
      {operator === "one of" && (
        <>
          {values.length > 0 && (
            <ul class="conditions">
              {values.map((value) => (
                <li class="chip" key={value}>
                  {valueLabel(dimension, value)}
                  <button type="button" aria-label={`Leave out ${valueLabel(dimension, value)}`} onClick={() => setValues(values.filter((each) => each !== value))}>
                    ×
                  </button>
                </li>
              ))}
            </ul>
          )}
          <button
            type="button"
            onClick={() => {
              setValues(all);
              setTyped("");
            }}
          >
            One more value
          </button>
        </>
      )}
      <button type="submit" class="primary">
        Add the filter
      </button>
    </form>
  );
}

interface ValueProps {
  dimension: string;
  typed: string;
  set: (text: string) => void;
  missing: boolean;
}

/** The value, with what the data has to choose from. */
function Value({ dimension, typed, set, missing }: ValueProps) {
  const id = useId();
  return (
    <>
      <input
        type="text"
        aria-label="Value"
        placeholder="value"
        list={id}
        value={typed}
        maxLength={2000}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={missing}
        onInput={(event) => set(event.currentTarget.value)}
      />
      <datalist id={id}>
        {useValues(dimension).map((value) => (
          <option key={value} value={valueLabel(dimension, value)} />
        ))}
      </datalist>
      {missing && (
        <small class="wrong" role="alert">
          Give a value, or choose “is not known”.
        </small>
      )}
    </>
  );
}

const MOST_VALUES = 100;

/** The values that a dimension has in this range: of orders, and of visits. */
function useValues(dimension: string): string[] {
  const view = useView();
  const scope = { ...view.over(view.range, ""), breakdowns: [dimension], breakdownLimit: MOST_VALUES };
  const has = (report: string): boolean => dimensionsOf(report).includes(dimension);
  const sales = useAnswer(ReportService.method.getSalesReport, has("sales") ? { scope } : null);
  const traffic = useAnswer(ReportService.method.getTrafficReport, has("traffic") ? { scope, limit: 1 } : null);
  const rows = [...(sales.value?.reports.flatMap((report) => report.rows) ?? []), ...(has("traffic") ? (traffic.value?.rows ?? []) : [])];
  return [...new Set(rows.map((row) => row.dimensions[dimension] ?? ""))].filter(Boolean).slice(0, MOST_VALUES);
}

/** The filters that are set, each with the way to take it away; those that the page cannot use say so. */
export function Conditions() {
  const { conditions, reports } = useView();
  const { params } = useRoute();
  if (!conditions.length) return null;
  const segment = params.get("segment");
  const rest = (gone: Condition) => {
    const own = conditions.filter((each, index) => each !== gone && !(segment && index === conditions.length - 1));
    return { filter: own.flatMap(written), ...(segment && gone === conditions.at(-1) ? { segment: null } : {}) };
  };
  const fits = (report: string, { dimension }: Condition): boolean => dimensionsOf(report).includes(dimension);
  return (
    <div class="condition-bar">
      <ul class="conditions" aria-label="Filters">
        {conditions.map((each) => {
          const words = inWords(each);
          const used = reports.some((report) => fits(report, each));
          return (
            <li class={used ? "chip" : "chip unused"} key={words}>
              {words}
              {!used && " (not used here)"}
              <button type="button" aria-label={`Take away the filter ${words}`} onClick={() => change(rest(each))}>
                ×
              </button>
            </li>
          );
        })}
      </ul>
      {conditions.flatMap((each) => {
        const name = dimensionLabel(each.dimension);
        const without = reports.filter((report) => !fits(report, each));
        if (reports.length === without.length)
          return [
            <p class="note" key={name}>
              {reports.length ? `This report has no ${name}` : "This page is no report"}: the filter is not used here, and stays for other pages.
            </p>,
          ];
        return without.length
          ? [
              <p class="note" key={name}>
                {name} is not used for {without.map((report) => OF_OVERVIEW[report] ?? report).join(", ")}: they are shown whole.
              </p>,
            ]
          : [];
      })}
    </div>
  );
}

const OF_OVERVIEW: Record<string, string> = { traffic: "visitors", products: "best products", funnel: "the way from view to order", sales: "sales" };
