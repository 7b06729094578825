/** The controls that every report has: range, currency, time zone and what is counted. All of them live in the address. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { datesOf, PRESETS, type Range } from "../ranges";
import { change, useRoute } from "../route";
import { useView } from "../view";
import { dayOf, isDay, isZone, moment, plusDays } from "../zones";
import { ByPicker, ComparePicker, Conditions, FilterPicker } from "./filterbar";
import { Pop } from "./pop";

interface ChoiceProps {
  label: string;
  name: string;
  standard: string;
  choices: [string, string][];
  /** What is chosen, where the address says it in other words. */
  value?: string;
}

/** A choice that lives in the address. */
export function Choice({ label, name, standard, choices, value: given }: ChoiceProps) {
  const { params } = useRoute();
  const value = given ?? params.get(name) ?? standard;
  return (
    <label class="field">
      <span>{label}</span>
      <select
        value={value}
        onChange={(event) => change({ [name]: event.currentTarget.value === standard ? null : event.currentTarget.value })}
      >
        {choices.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface EntryProps {
  label: string;
  name: string;
  placeholder?: string;
  suggestions?: string[];
  /** The text as the address takes it; null: it cannot be used. */
  understood?: (text: string) => string | null;
  /** What is wrong then, and what to do. */
  otherwise?: string;
  /** How a text of the address is shown. */
  shown?: (text: string) => string;
}

/** A text that lives in the address; taken over when it is finished. */
export function Entry({
  label,
  name,
  placeholder = "",
  suggestions = [],
  understood = (text) => text,
  otherwise = "",
  shown = (text) => text,
}: EntryProps) {
  const { params } = useRoute();
  const value = params.get(name) ?? "";
  const known = value === "" || understood(value) !== null;
  const [wrong, setWrong] = useState<string | null>(known ? null : value);
  const list = `list-${name}`;
  const take = (text: string): void => {
    const usable = text === "" ? "" : understood(text);
    setWrong(usable === null ? text : null);
    // What cannot be used stays where it was typed, and the list is that of everybody: the note says so.
    change({ [name]: usable || null });
  };
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="text"
        value={wrong ?? shown(value)}
        placeholder={placeholder}
        list={suggestions.length ? list : undefined}
        aria-invalid={wrong !== null}
        aria-describedby={wrong !== null ? `wrong-${name}` : undefined}
        autocomplete="off"
        spellcheck={false}
        onChange={(event) => take(event.currentTarget.value.trim())}
      />
      {suggestions.length > 0 && (
        <datalist id={list}>
          {suggestions.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
      {wrong !== null && (
        <small class="wrong" id={`wrong-${name}`} role="alert">
          {otherwise}
        </small>
      )}
    </label>
  );
}

/** A tick that lives in the address. */
export function Tick({ label, name }: { label: string; name: string }) {
  const { params } = useRoute();
  return (
    <label class="tick">
      <input
        type="checkbox"
        checked={params.get(name) === "1"}
        onChange={(event) => change({ [name]: event.currentTarget.checked ? "1" : null })}
      />
      {label}
    </label>
  );
}

/** Several ways to show the same, one of them chosen. */
export function Segments({
  label,
  name,
  standard,
  choices,
}: {
  label: string;
  name: string;
  standard: string;
  choices: [string, string][];
}) {
  const { params } = useRoute();
  const value = params.get(name) ?? standard;
  return (
    <div class="segments" role="group" aria-label={label}>
      {choices.map(([each, text]) => (
        <button key={each} type="button" aria-pressed={each === value} onClick={() => change({ [name]: each === standard ? null : each })}>
          {text}
        </button>
      ))}
    </div>
  );
}

function RangePicker() {
  const { range, standard } = useView();
  const preset = PRESETS.some(([name]) => name === range.name);
  const last = range.end ? plusDays(range.end, -1) : "";
  const take = (first: string, end: string): void => {
    if (isDay(first) && isDay(end)) change({ range: first <= end ? `${first}..${end}` : `${end}..${first}` });
  };
  return (
    <>
      <label class="field">
        <span>Range</span>
        <select
          value={preset ? range.name : "own"}
          onChange={(event) => {
            const name = event.currentTarget.value;
            if (name === "own") take(range.first ?? last, last);
            else change({ range: name === standard ? null : name });
          }}
        >
          {PRESETS.map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
          <option value="own" disabled={!range.first}>
            From … to …
          </option>
        </select>
      </label>
      {!preset && (
        <>
          <label class="field">
            <span>From</span>
            <input type="date" value={range.first ?? ""} onChange={(event) => take(event.currentTarget.value, last)} />
          </label>
          <label class="field">
            <span>To</span>
            <input type="date" value={last} onChange={(event) => take(range.first ?? "", event.currentTarget.value)} />
          </label>
        </>
      )}
    </>
  );
}

const COMMON = ["AUD", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "JPY", "NOK", "PLN", "SEK", "USD"];

export function CurrencyPicker() {
  const { home, currency } = useView();
  const all = [...new Set([...(currency ? [currency] : []), ...COMMON])].filter((each) => each !== home).sort();
  return (
    <Choice
      label="Currency"
      {...(currency && currency === home ? { value: "" } : {})}
      name="currency"
      standard=""
      choices={[["", home || "The project’s"], ...all.map((each): [string, string] => [each, each])]}
    />
  );
}

interface ControlsProps {
  /** Only where amounts are shown. */
  currency?: boolean;
  /** Whether the page sets the numbers of the previous period beside its own. */
  compared?: boolean;
  children?: ComponentChildren;
}

/** The row of controls, and below it the days that they choose. */
export function Controls({ currency = true, compared = false, children }: ControlsProps) {
  return (
    <>
      <div class="controls">
        <RangePicker />
        {compared && <ComparePicker />}
        {currency && <CurrencyPicker />}
        {children}
        <ByPicker />
        <FilterPicker />
        <More />
      </div>
      <Conditions />
      <Days compared={compared} />
    </>
  );
}

/** Which days are looked at: today, which is not over, may stand against whole days. */
function Days({ compared }: { compared: boolean }) {
  const { range, previous, zone } = useView();
  const days = datesOf(range, dayOf(new Date(), zone)) || range.label;
  return (
    <p class="note days">
      {days}
      {compared && previous && `, compared with ${previous.label} (${extent(previous, zone)})`}
      {` · days and times of ${zone}`}
    </p>
  );
}

/** How much of a range counts. */
function extent(range: Range, zone: string): string {
  if (range.until) return `until ${moment(range.until, zone)}`;
  return range.first === plusDays(range.end ?? "", -1) ? "whole day" : "whole days";
}

function More() {
  const { params } = useRoute();
  const { zone } = useView();
  const set = ["tz", "source", "asof", "bots", "nofree", "sandbox", "samehour"].filter((name) => params.has(name)).length;
  return (
    <Pop label="More" set={set}>
      {() => (
        <>
        <Entry
          label="Time zone"
          name="tz"
          placeholder={zone}
          suggestions={Intl.supportedValuesOf("timeZone")}
          understood={(text) => (isZone(text) ? text : null)}
          otherwise="No time zone is called so. Choose one, such as Europe/Berlin."
        />
        <Entry label="Sender" name="source" placeholder="all senders" suggestions={["web", "ios", "android"]} />
        <AsOf />
        <Tick label="Compare to the same hour" name="samehour" />
        <Tick label="Include bots" name="bots" />
        <Tick label="Leave free orders out" name="nofree" />
        <Tick label="Include sandbox events" name="sandbox" />
        </>
      )}
    </Pop>
  );
}

/** As the store knew it at a moment, given in the reader's own time. */
function AsOf() {
  const { params } = useRoute();
  const at = new Date(params.get("asof") ?? "");
  const shown = Number.isNaN(at.getTime()) ? "" : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  return (
    <label class="field">
      <span>Data as of</span>
      <input
        type="datetime-local"
        value={shown}
        onChange={(event) => {
          const given = new Date(event.currentTarget.value);
          change({ asof: Number.isNaN(given.getTime()) ? null : given.toISOString() });
        }}
      />
    </label>
  );
}
