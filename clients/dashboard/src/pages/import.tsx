/** A shop's past: drop what another system exported, look at the report, then import it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../amounts";
import { link } from "../route";
import { type Broken, columnsOf, type Counts, type Finding, type Line, SYSTEMS, upload } from "../uploads";
import { useView } from "../view";
import { words } from "../catalogue";

const EXAMPLE = "order_id: Order No\norder_date: Placed at\ntotal: Gross\nline_sku: Article\nline_quantity: Pieces\nline_price: Unit price";

interface State extends Line {
  busy: "" | "checking" | "importing";
}

const NOTHING: State = { busy: "" };

export function Import() {
  const { zone } = useView();
  const [files, setFiles] = useState<File[]>([]);
  const [system, setSystem] = useState("shopify");
  const [currency, setCurrency] = useState("");
  const [columns, setColumns] = useState("");
  const [key, setKey] = useState("");
  const [state, setState] = useState(NOTHING);
  const leaving = useRef<AbortController | null>(null);
  useEffect(() => () => leaving.current?.abort(), []);
  /** A change of what is asked makes the report an old one. */
  const change = <T,>(set: (value: T) => void): ((value: T) => void) => (value) => {
    leaving.current?.abort();
    setState(NOTHING);
    set(value);
  };
  const start = (dryRun: boolean): void => {
    leaving.current?.abort();
    const signal = (leaving.current = new AbortController()).signal;
    setState((old) => ({ ...(dryRun ? {} : { finding: old.finding }), busy: dryRun ? "checking" : "importing" }) as State);
    const given = { system, files, zone, currency, columns: columnsOf(columns), dryRun, key };
    const tell = (line: Line): void => {
      if (!signal.aborted) setState((old) => ({ ...old, waiting: undefined, ...line, busy: isLast(line) ? "" : old.busy }) as State);
    };
    void upload(given, signal, tell);
  };
  const ready = files.length > 0 && key !== "" && state.busy === "";
  return (
    <>
      <section class="card" aria-labelledby="files">
        <header class="card-head">
          <h2 id="files">1. Choose what was exported</h2>
        </header>
        <form
          class="controls"
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) start(true);
          }}
        >
          {/* What a password manager keeps the key under. */}
          <input name="username" autocomplete="username" value="Shopalytic server key" readonly hidden />
          <label class="field">
            <span>Exported by</span>
            <select value={system} onChange={(event) => change(setSystem)(event.currentTarget.value)}>
              {SYSTEMS.map(([name, title]) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>Currency of rows that name none</span>
            <input
              type="text"
              value={currency}
              maxLength={3}
              placeholder="the project’s"
              autocomplete="off"
              onInput={(event) => change(setCurrency)(event.currentTarget.value.trim().toUpperCase())}
            />
          </label>
          <label class="field">
            <span>Server key</span>
            <input
              type="password"
              value={key}
              placeholder="shop_server_…"
              autocomplete="off"
              onInput={(event) => setKey(event.currentTarget.value.trim())}
            />
          </label>
        </form>
        <Drop files={files} take={change(setFiles)} />
        {system !== "segment" && system !== "ga4" && (
          <details>
            <summary>Columns with other names</summary>
            <label class="field">
              <span>One line for each: our word, and the column’s name</span>
              <textarea rows={6} value={columns} placeholder={EXAMPLE} spellcheck={false} onInput={(event) => change(setColumns)(event.currentTarget.value)} />
            </label>
          </details>
        )}
        <p class="note">
          Times without an offset are of {zone}. On the server, <code>shopalytic key show server</code> prints the key; it stays in this page only. Up to 64 MB are
          taken here, <code>shopalytic import</code> takes files of any size.
        </p>
        <p class="actions">
          <button type="button" class={state.finding ? "" : "primary"} disabled={!ready} onClick={() => start(true)}>
            Check the files
          </button>
          {state.finding && (
            <button type="button" class="primary" disabled={!ready || state.finding.total === 0} onClick={() => start(false)}>
              Import {count(state.finding.total)} events
            </button>
          )}
          {state.busy === "checking" && (
            <span class="waiting" role="status">
              <span class="spinner" aria-hidden="true" /> Reading the files…
            </span>
          )}
        </p>
        {state.error && (
          <p class="wrong" role="alert">
            {state.error}
          </p>
        )}
      </section>
      {(state.progress || state.done) && <Progress state={state} />}
      {state.finding && <Report finding={state.finding} />}
    </>
  );
}

function isLast(line: Line): boolean {
  return line.done !== undefined || line.error !== undefined;
}

function Drop({ files, take }: { files: File[]; take: (files: File[]) => void }) {
  const [over, setOver] = useState(false);
  return (
    <label
      class={`drop ${over ? "over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <span>{files.length > 0 ? files.map(({ name }) => name).join(", ") : "Drop the files here, or choose them. Orders and customers go together."}</span>
      <input type="file" multiple aria-label="Files" onChange={(event) => take([...(event.currentTarget.files ?? [])])} />
    </label>
  );
}

function Progress({ state }: { state: State }) {
  const counts = (state.done ?? state.progress) as Counts;
  const total = state.finding?.total ?? 0;
  const sent = counts.accepted + counts.duplicate + counts.conflict + counts.quarantined + counts.rejected;
  return (
    <section class="card" aria-labelledby="progress">
      <header class="card-head">
        <h2 id="progress">{state.done ? "Imported" : "Importing"}</h2>
      </header>
      <progress max={total} value={sent} aria-label="Events that have a verdict" />
      <p role="status">
        {count(sent)} of {count(total)} events: {count(counts.accepted)} stored, {count(counts.duplicate)} stored before,{" "}
        {count(counts.conflict + counts.quarantined + counts.rejected)} refused.
      </p>
      {state.waiting && <p class="note">Waiting: {state.waiting}</p>}
      {state.done && <Refused broken={state.done.refused} />}
      {state.done && (
        <p>
          <a href={link("overview", "", { range: "all" })}>See the shop’s numbers</a>
        </p>
      )}
    </section>
  );
}

function Refused({ broken }: { broken: Broken[] }) {
  return (
    <ul class="reasons">
      {broken.map(({ status, rule_id, times, examples }) => (
        <li key={`${status} ${rule_id}`}>
          <span class="kind broken">{status}</span>{" "}
          <span>
            {count(times)} times, as in row {examples[0]?.row}: {examples[0]?.field} {examples[0]?.message}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Report({ finding }: { finding: Finding }) {
  const told = (counts: Record<string, number>, name: (key: string) => string): string =>
    Object.entries(counts)
      .filter(([, number]) => number > 0)
      .map(([key, number]) => `${count(number)} ${name(key)}`)
      .join(", ");
  const facts: [string, string][] = [
    ["Found", told(finding.rows, String)],
    ["Events", told(finding.events, words)],
    ["Columns", Object.entries(finding.columns).map(([theirs, ours]) => `${theirs} = ${words(ours)}`).join(", ")],
    ["Columns that are not used", finding.columns_unknown.join(", ")],
    ["Assumed", finding.assumed.join(" ")],
  ];
  return (
    <section class="card definition" aria-labelledby="report">
      <header class="card-head">
        <h2 id="report">2. What the files hold</h2>
      </header>
      <dl>
        {facts
          .filter(([, text]) => text)
          .map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{text}</dd>
            </div>
          ))}
      </dl>
      {finding.refused > 0 && (
        <>
          <p class="wrong">The contract’s rules refuse {count(finding.refused)} of them; they go to quarantine. The first:</p>
          <ul class="reasons">
            {finding.refusals.map((line) => (
              <li key={line}>
                <span>{line}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
