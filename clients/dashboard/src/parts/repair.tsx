/** Repairs events of quarantine: new values or a JSON Patch, a look at what would become of them, and the replay. */
import { ConnectError } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { KeyClass, type QuarantinedEvent, type ReplayPreview } from "contract/admin_pb";
import { EventStatus } from "contract/collector_pb";
import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../amounts";
import { type Change, difference, documentOf, documentText, Misstated, patchesOf, patchOf, valueText } from "../patches";
import { forAll, type Outcome, reason, replay, sentences, type Target } from "../replays";

/** A form of more rows would be one for a patch. */
const MOST_FIELDS = 8;

interface Row extends Change {
  id: number;
  /** What the field has now; a row that says the same changes nothing. */
  before: string;
  why: string;
}

interface Look {
  patches: Map<string, string[]>;
  outcome: Outcome;
}

interface Wrong {
  /** Row of the form, or null for the patch. */
  row: number | null;
  text: string;
}

export function Repair({ target, done, cancel }: { target: Target; done: (outcome: Outcome) => void; cancel: () => void }) {
  const [rows, setRows] = useState(() => rowsFor(target));
  const [patch, setPatch] = useState<string | null>(null);
  const [look, setLook] = useState<Look | null>(null);
  const [wrong, setWrong] = useState<Wrong | null>(null);
  const [trusted, setTrusted] = useState(false);
  const [busy, setBusy] = useState(false);
  const place = useRef<HTMLFormElement>(null);
  // Who opened the form by a key goes on in it, and goes back to where it was opened.
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    place.current?.querySelector<HTMLElement>("input")?.focus();
    return () => opener?.focus();
  }, []);
  const edit = (change: () => void): void => {
    change();
    setLook(null);
    setWrong(null);
  };
  const first = rows.findIndex(isChange);
  const attempt = async (patches: Map<string, string[]>, dryRun: boolean): Promise<void> => {
    setBusy(true);
    setWrong(null);
    try {
      const outcome = await replay(target, patches, dryRun, trusted);
      if (!dryRun) return done(outcome);
      const misfit = outcome.previews.find((each) => each.misfit)?.misfit ?? "";
      if (outcome.unpatched > 0 && outcome.accepted + outcome.duplicates + outcome.failed === 0)
        setWrong({ row: patch === null ? first : null, text: `does not fit: ${misfit}.` });
      else setLook({ patches, outcome });
    } catch (cause) {
      const error = ConnectError.from(cause);
      const text = error.code === Code.InvalidArgument ? error.rawMessage.replace(/^patch:? /, "") : reason(error);
      setWrong({ row: patch === null ? first : null, text });
    } finally {
      setBusy(false);
    }
  };
  const preview = (event: SubmitEvent): void => {
    event.preventDefault();
    setLook(null);
    try {
      const patches = patch !== null ? forAll(target, patch.trim()) : trusted && !rows.some(isChange) ? forAll(target, "") : patchesFrom(target, rows);
      void attempt(patches, true);
    } catch (cause) {
      if (!(cause instanceof Misstated)) throw cause;
      setWrong({ row: rows.indexOf(cause.change as Row), text: cause.message });
    }
  };
  return (
    <form class="repair" ref={place} aria-label="Repair" onSubmit={preview} noValidate>
      <Modes patch={patch} choose={(asPatch) => edit(() => setPatch(asPatch ? draft(target, rows) : null))} />
      {patch === null ? (
        <Fields rows={rows} wrong={wrong} setRows={(changed) => edit(() => setRows(changed))} />
      ) : (
        <PatchText patch={patch} wrong={wrong} setPatch={(text) => edit(() => setPatch(text))} />
      )}
      {fromBrowsers(target) > 0 && (
        <label class="tick">
          <input type="checkbox" checked={trusted} onChange={(event) => edit(() => setTrusted(event.currentTarget.checked))} />
          {target.events.length === 1
            ? "Trust it as if sent with a server key. It came with a public browser key: anybody could have sent it."
            : `Trust them as if sent with a server key. ${count(fromBrowsers(target))} of them came with a public browser key: anybody could have sent those.`}
        </label>
      )}
      <p class="actions">
        <button type="submit" class={look ? "" : "primary"} disabled={busy}>
          Preview
        </button>
        <button type="button" class={look ? "primary" : ""} disabled={busy || !look} onClick={() => look && void attempt(look.patches, false)}>
          Apply and replay
        </button>
        <button type="button" class="quiet" onClick={cancel}>
          Cancel
        </button>
        {busy && <span class="spinner" role="status" aria-label="Working" />}
      </p>
      {look && <Preview target={target} outcome={look.outcome} />}
    </form>
  );
}

function Modes({ patch, choose }: { patch: string | null; choose: (asPatch: boolean) => void }) {
  return (
    <div class="segments" role="group" aria-label="How to repair">
      <button type="button" aria-pressed={patch === null} onClick={() => patch !== null && choose(false)}>
        New values
      </button>
      <button type="button" aria-pressed={patch !== null} onClick={() => patch === null && choose(true)}>
        JSON Patch
      </button>
    </div>
  );
}

function Fields({ rows, wrong, setRows }: { rows: Row[]; wrong: Wrong | null; setRows: (rows: Row[]) => void }) {
  const change = (index: number, part: Partial<Row>): void => setRows(rows.map((row, at) => (at === index ? { ...row, ...part } : row)));
  return (
    <>
      {rows.map((row, index) => {
        const problem = wrong?.row === index ? wrong.text : "";
        const told = `repair-told-${index}`;
        return (
          <fieldset key={row.id} class="change-row">
            <legend class="unseen">Change {index + 1}</legend>
            <label class="field">
              <span>Field</span>
              <input
                type="text"
                value={row.field}
                spellcheck={false}
                autocomplete="off"
                autocapitalize="off"
                onInput={(event) => change(index, { field: event.currentTarget.value.trim(), named: false })}
              />
            </label>
            <label class="field">
              <span>New value</span>
              <input
                type="text"
                value={row.remove ? "" : row.value}
                disabled={row.remove}
                placeholder={row.remove ? "removed" : ""}
                spellcheck={false}
                autocomplete="off"
                aria-invalid={problem !== ""}
                aria-describedby={told}
                onInput={(event) => change(index, { value: event.currentTarget.value })}
              />
            </label>
            <label class="tick">
              <input type="checkbox" checked={row.remove} onChange={(event) => change(index, { remove: event.currentTarget.checked })} />
              Remove the field
            </label>
            <p id={told} class={problem ? "wrong" : "note"} role={problem ? "alert" : undefined}>
              {problem ? `This ${problem}` : row.why}
            </p>
          </fieldset>
        );
      })}
      <p>
        <button type="button" class="quiet" onClick={() => setRows([...rows, emptyRow(rows)])}>
          Add a field
        </button>
      </p>
    </>
  );
}

function PatchText({ patch, wrong, setPatch }: { patch: string; wrong: Wrong | null; setPatch: (text: string) => void }) {
  return (
    <>
      <label class="field">
        <span>JSON Patch (RFC 6902)</span>
        <textarea
          rows={Math.min(14, patch.split("\n").length + 2)}
          value={patch}
          spellcheck={false}
          autocapitalize="off"
          aria-invalid={wrong !== null}
          aria-describedby="repair-told"
          onInput={(event) => setPatch(event.currentTarget.value)}
        />
      </label>
      <p id="repair-told" class={wrong ? "wrong" : "note"} role={wrong ? "alert" : undefined}>
        {wrong ? `The patch ${wrong.text}` : "Paths are those of the JSON of the event. An event that the patch does not fit stays as it is."}
      </p>
    </>
  );
}

function Preview({ target, outcome }: { target: Target; outcome: Outcome }) {
  const total = outcome.accepted + outcome.duplicates + outcome.failed + outcome.unpatched;
  const place = useRef<HTMLElement>(null);
  useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), []);
  const known = new Map(target.events.map((event) => [event.quarantineId, event]));
  return (
    <section class="preview" aria-label="Preview" ref={place}>
      <p role="status">
        <b>Preview.</b> {sentences(outcome, true).join(" ")} Nothing has been written yet.
      </p>
      {outcome.previews.map((each) => (
        <Previewed key={each.quarantineId} preview={each} before={known.get(each.quarantineId)} open={outcome.previews.length <= 3} />
      ))}
      {total > outcome.previews.length && <p class="note">{count(total - outcome.previews.length)} more are not shown.</p>}
    </section>
  );
}

function Previewed({ preview, before, open }: { preview: ReplayPreview; before: QuarantinedEvent | undefined; open: boolean }) {
  const [verdict, kind] = verdictOf(preview);
  const after = documentText(preview.event);
  // Of an event that the list has not shown yet only what it would be is known.
  const lines = difference(before ? documentText(before.event) : after, after);
  return (
    <details class="previewed" open={open}>
      <summary>
        <span class={`kind ${kind}`}>{verdict}</span> <code>{before?.event?.eventId ?? preview.event?.eventId ?? preview.quarantineId}</code>
      </summary>
      {preview.misfit && <p>The patch does not fit: {preview.misfit}.</p>}
      <ul>
        {preview.result?.violations.map((violation, index) => (
          <li key={index}>
            <code>{violation.field || "event"}</code> {violation.message}
          </li>
        ))}
      </ul>
      {preview.event && (
        <pre tabindex={0} aria-label="The event before and after">
          {lines.map((line, index) =>
            line.kind === "same" ? (
              <span key={index}>{`  ${line.text}`}</span>
            ) : line.kind === "old" ? (
              <del key={index}>{`- ${line.text}`}</del>
            ) : (
              <ins key={index}>{`+ ${line.text}`}</ins>
            ),
          )}
        </pre>
      )}
    </details>
  );
}

function verdictOf({ misfit, result }: ReplayPreview): [string, string] {
  if (misfit) return ["stays as it is", "conflict"];
  if (result?.status === EventStatus.ACCEPTED) return ["would be accepted", "order"];
  if (result?.status === EventStatus.DUPLICATE) return ["is stored already", "order"];
  return ["would still be refused", "broken"];
}

/** A row for each field that a reason names, what most events lack first. */
function rowsFor({ events }: Target): Row[] {
  const found = new Map<string, { why: string; times: number; remove: boolean }>();
  for (const { violations } of events)
    for (const { field, message, ruleId } of violations) {
      const known = found.get(field) ?? { why: message, times: 0, remove: ruleId === "unknown_property" };
      found.set(field, { ...known, times: known.times + 1 });
    }
  const document = events.length === 1 ? documentOf(events[0]?.event) : undefined;
  const frequent = [...found].sort(([, one], [, other]) => other.times - one.times).slice(0, MOST_FIELDS);
  const rows = frequent.map(([field, { why, times, remove }], id) => {
    const before = valueText(field, document);
    const where = times < events.length ? ` (${count(times)} of ${count(events.length)} events; only ${times === 1 ? "this is" : "these are"} changed)` : "";
    return { id, field, value: before, before, remove, named: true, why: why + where };
  });
  return rows.length > 0 ? rows : [emptyRow([])];
}

function emptyRow(rows: Row[]): Row {
  const id = 1 + Math.max(0, ...rows.map((row) => row.id));
  return { id, field: "", value: "", before: "", remove: false, named: false, why: "A path such as order.line_items[0].price." };
}

function fromBrowsers({ events }: Target): number {
  return events.filter(({ keyClass }) => keyClass === KeyClass.BROWSER).length;
}

function isChange(row: Row): boolean {
  return row.remove || row.value !== row.before;
}

function patchesFrom({ events }: Target, rows: Row[]): Map<string, string[]> {
  const changes = rows.filter(isChange);
  if (changes.length === 0) throw new Misstated(rows[0] as Row, "needs a new value, or another field does.");
  return patchesOf(changes, events);
}

/** The patch that the form has come to, to go on from by hand. */
function draft({ events }: Target, rows: Row[]): string {
  const named = rows.filter((row) => row.field !== "");
  const changed = named.filter(isChange);
  const document = documentOf(events[0]?.event);
  try {
    return patchOf(changed.length > 0 ? changed : named, document).replace(/^\[(.*)\]$/s, (_, inside: string) => `[\n  ${inside.replace(/\}, \{"op"/g, '},\n  {"op"')}\n]`);
  } catch {
    return "[]";
  }
}
