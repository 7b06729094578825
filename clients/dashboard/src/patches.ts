/** What is to change in events, as JSON Patches (RFC 6902), and what a patch has changed. */
import { type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "contract/events_pb";
import { EVENT_TYPES } from "./catalogue";

/** A field, as reasons name it, that is to have another value or to go. */
export interface Change {
  field: string;
  value: string;
  remove: boolean;
  /** Only in events that a reason names the field for; else in all of the field's kind. */
  named: boolean;
}

/** An event of quarantine, as far as changes need it. */
interface Kept {
  quarantineId: string;
  event?: Event;
  violations: { field: string }[];
}

const KINDS = new Set([...EVENT_TYPES, "undecoded"]);
/** Other names that senders may give as a type, as the server reads them. */
const LATER_NAMES: Record<string, string> = {
  account_register: "customer_register",
  account_update: "customer_update",
  shipment_update: "shipment_delivered",
};

/** A change that cannot be made a patch of; says which one and why. */
export class Misstated extends Error {
  constructor(
    readonly change: Change,
    message: string,
  ) {
    super(message);
  }
}

/** What a patch works on: the event, or the JSON that its sender meant; undefined when that is none. */
export function documentOf(event: Event | undefined): JsonValue | undefined {
  if (!event) return undefined;
  if (event.payload.case !== "undecoded") return toJson(EventSchema, event, { useProtoFieldName: true });
  try {
    return JSON.parse(event.payload.value.json) as JsonValue;
  } catch {
    return undefined;
  }
}

/** More digits than a float keeps: what has them is shown as it came. */
const LONG_NUMBER = /[0-9.]{16}/;

/** The same to read. */
export function documentText(event: Event | undefined): string {
  if (!event) return "";
  const sent = event.payload.case === "undecoded" ? event.payload.value.json : "";
  const document = documentOf(event);
  return document === undefined || LONG_NUMBER.test(sent) ? sent : JSON.stringify(document, null, 2);
}

/** The steps to a field that a reason names: "order.line_items[0].price". */
export function stepsOf(field: string, document: JsonValue | undefined): string[] {
  const steps = field.match(/[^.[\]]+/g) ?? [];
  const [first = ""] = steps;
  // Reasons name the kind of event; who sent `type` and `properties` wrote the fields under these.
  if (steps.length > 1 && isObject(document) && document.type !== undefined && kindOf(document) === first) steps[0] = "properties";
  return steps;
}

/** The kind of event that a document is of; undefined where it does not say. */
function kindOf(document: JsonValue | undefined): string | undefined {
  if (!isObject(document)) return undefined;
  const type = String(document.type ?? Object.keys(document).find((name) => KINDS.has(name)));
  const kind = LATER_NAMES[type] ?? type;
  return KINDS.has(kind) ? kind : undefined;
}

/** Whether a change is one of this event: no order gets a carrier because a parcel needs one. */
function concerns({ field, named }: Change, event: Kept, document: JsonValue | undefined): boolean {
  if (named) return event.violations.some((violation) => violation.field === field);
  const [first = ""] = field.split(/[.[]/, 1);
  const kind = kindOf(document);
  return !KINDS.has(first) || kind === undefined || kind === first;
}

/** The value of a field as text, for a form; empty where there is none. */
export function valueText(field: string, document: JsonValue | undefined): string {
  let at = document;
  for (const step of stepsOf(field, document)) at = isObject(at) || Array.isArray(at) ? (at as JsonObject)[step] : undefined;
  if (at === undefined || at === null) return "";
  return typeof at === "string" ? at : JSON.stringify(at);
}

/** The patch that makes these changes in one document; "" makes none. */
export function patchOf(changes: Change[], document: JsonValue | undefined): string {
  const root = structuredClone(document);
  const operations = changes.flatMap((change) => operationsOf(change, root, document));
  return operations.length > 0 ? `[${operations.join(", ")}]` : "";
}

/** For each event the patch that makes the changes that are its own; the ids by patch. */
export function patchesOf(changes: Change[], events: Kept[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const event of events) {
    const document = documentOf(event.event);
    const patch = patchOf(
      changes.filter((change) => concerns(change, event, document)),
      document,
    );
    const ids = found.get(patch);
    if (ids) ids.push(event.quarantineId);
    else found.set(patch, [event.quarantineId]);
  }
  return found;
}

function operationsOf(change: Change, root: JsonValue | undefined, document: JsonValue | undefined): string[] {
  const { field, value, remove } = change;
  const steps = stepsOf(field, document);
  const raw = remove ? "" : rawValue(change, value);
  const last = steps.at(-1);
  if (last === undefined) {
    if (remove) throw new Misstated(change, "needs the path of a field.");
    return [operation("add", [], raw)];
  }
  const operations: string[] = [];
  const missing = (depth: number): boolean => inside(depth)[steps[depth] ?? ""] === undefined;
  // The object or list that a step is taken in.
  const inside = (depth: number): JsonObject => {
    const place = steps.slice(0, depth).reduce<JsonValue | undefined>((at, step) => (at as JsonObject)[step], root);
    if (!isObject(place) && !Array.isArray(place))
      throw new Misstated(change, `cannot be: there are no fields in ${depth ? `“${steps.slice(0, depth).join(".")}”` : "this event"}.`);
    return place as JsonObject;
  };
  const isIndex = (step: string | undefined): boolean => /^[0-9]+$/.test(step ?? "");
  if (root !== undefined && !remove)
    for (let depth = 0; depth < steps.length - 1; depth += 1)
      if (missing(depth)) {
        const list = isIndex(steps[depth + 1]);
        operations.push(operation("add", steps.slice(0, depth + 1), list ? "[]" : "{}"));
        inside(depth)[steps[depth] ?? ""] = list ? [] : {};
      }
  const end = steps.length - 1;
  const there = root === undefined ? isIndex(last) : !missing(end);
  if (remove) return [operation("remove", steps)];
  if (root !== undefined) inside(end)[last] = JSON.parse(raw) as JsonValue;
  return [...operations, operation(there ? "replace" : "add", steps, raw)];
}

function operation(op: string, steps: string[], raw?: string): string {
  const path = steps.map((step) => `/${step.replace(/~/g, "~0").replace(/\//g, "~1")}`).join("");
  return `{"op": "${op}", "path": ${JSON.stringify(path)}${raw === undefined ? "" : `, "value": ${raw}`}}`;
}

/** A value in JSON. All but truth, objects, lists and quoted text is text: the server reads numbers and times from text. */
function rawValue(change: Change, text: string): string {
  const given = text.trim();
  if (!/^(true|false|[{["].*)$/s.test(given)) return JSON.stringify(text);
  try {
    JSON.parse(given);
  } catch {
    throw new Misstated(change, "begins as JSON does, but is none. Text that begins so must stand in quotes.");
  }
  return given;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface Line {
  kind: "same" | "old" | "new";
  text: string;
}

const MOST_COMPARED = 1_000;

/** The lines of two texts, the old ones before the new ones where they differ. */
export function difference(before: string, after: string): Line[] {
  const old = before.split("\n");
  const fresh = after.split("\n");
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < fresh.length - start && old.at(-1 - end) === fresh.at(-1 - end)) end += 1;
  return [
    ...lines("same", old.slice(0, start)),
    ...between(old.slice(start, old.length - end), fresh.slice(start, fresh.length - end)),
    ...lines("same", end ? old.slice(-end) : []),
  ];
}

/** By the longest common subsequence of lines. */
function between(old: string[], fresh: string[]): Line[] {
  if (old.length > MOST_COMPARED || fresh.length > MOST_COMPARED) return [...lines("old", old), ...lines("new", fresh)];
  const width = fresh.length + 1;
  const longest = new Uint16Array((old.length + 1) * width);
  const at = (row: number, column: number): number => longest[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row -= 1)
    for (let column = fresh.length - 1; column >= 0; column -= 1)
      longest[row * width + column] =
        old[row] === fresh[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
  const found: Line[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < fresh.length) {
    if (row < old.length && column < fresh.length && old[row] === fresh[column]) {
      found.push({ kind: "same", text: old[row++] ?? "" });
      column += 1;
    } else if (column === fresh.length || (row < old.length && at(row + 1, column) >= at(row, column + 1)))
      found.push({ kind: "old", text: old[row++] ?? "" });
    else found.push({ kind: "new", text: fresh[column++] ?? "" });
  }
  return found;
}

function lines(kind: Line["kind"], texts: string[]): Line[] {
  return texts.map((text) => ({ kind, text }));
}
