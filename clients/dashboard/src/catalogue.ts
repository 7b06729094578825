/** The types of events, as the contract lists them. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { EventSchema } from "contract/events_pb";

const PAYLOADS = EventSchema.oneofs.flatMap((oneof) => oneof.fields).filter((field) => field.name !== "undecoded");

export const EVENT_TYPES = PAYLOADS.map((field) => field.name);

/** The properties of each type, in the contract's order. */
const PROPERTIES = new Map(PAYLOADS.map((field) => [field.name, field.message?.fields.map(({ name }) => name) ?? []]));

/** A type or property as people read it. */
export function words(name: string): string {
  return name.replace(/_/g, " ");
}

/** What an event of any type says, in a few words: the first property that it has, and the others with their names. */
export function plainSummary(type: string, of: JsonObject): string {
  const names = (PROPERTIES.get(type) ?? []).filter((name) => name !== "currency" && of[name] !== undefined && of[name] !== null);
  return names.map((name, index) => said(words(name), of[name], index === 0)).join(" · ");
}

function said(name: string, value: JsonValue | undefined, first: boolean): string {
  if (typeof value === "boolean") return value ? name : `not ${name}`;
  if (Array.isArray(value)) return `${value.length} ${name}`;
  if (typeof value === "object") return `${Object.keys(value ?? {}).length} ${name}`;
  return first ? String(value) : `${name} ${value}`;
}
