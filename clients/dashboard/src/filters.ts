/**
 * What reports are filtered and broken down by. The address has filters as the command line does: country=DEU,
 * country!=DEU, city~burg; several values that one dimension is to have are one filter; country= is where it is
 * not known, country!= where it is.
 */
import { FilterOperator } from "contract/dimensions_pb";
import table from "./dimensions.json";
import { countryName } from "./countries";

export type Operator = "is" | "is not" | "one of" | "contains" | "is set" | "is not set";

export interface Condition {
  dimension: string;
  operator: Operator;
  /** One value, several for "one of", none for "is set" and "is not set". */
  values: string[];
}

export const OPERATORS: Operator[] = ["is", "is not", "one of", "contains", "is set", "is not set"];
export const DIMENSIONS: string[] = table.dimensions;
/** Of these an order may have several values, so that rows need not add up. */
export const SEVERAL: string[] = table.several;
export const SEGMENTS: string[] = table.segments;
/** Which visit gets the credit, by the names of the command line; the first is the standard. */
export const ATTRIBUTIONS: [name: string, label: string][] = [
  ["last-non-direct", "Last visit that was not direct"],
  ["first", "First visit"],
  ["last", "Last visit"],
  ["linear", "All visits, in equal parts"],
];
const FITS: Record<string, string[]> = table.fits;
const FORM = /^([a-z_]+)(!=|=|~)(.*)$/s;

/** The dimensions that a report has; none for what is no report. */
export function dimensionsOf(report: string): string[] {
  return FITS[report] ?? [];
}

/** Whether the report can ask which visit gets the credit. */
export function isCredited(report: string): boolean {
  return dimensionsOf(report).some((name) => table.credited.includes(name));
}

/** The filters of an address; what is none is left out. */
export function conditionsOf(texts: string[]): Condition[] {
  const found: Condition[] = [];
  for (const text of texts) {
    const [, dimension = "", sign = "", value = ""] = FORM.exec(text) ?? [];
    if (!DIMENSIONS.includes(dimension)) continue;
    const same = sign === "=" ? found.find((each) => each.dimension === dimension && ["is", "one of", "is not set"].includes(each.operator)) : undefined;
    if (same) {
      same.values = [...new Set([...(same.operator === "is not set" ? [""] : same.values), value])];
      same.operator = same.values.length > 1 ? "one of" : same.operator;
    } else if (sign === "~") found.push({ dimension, operator: "contains", values: [value] });
    else if (value === "") found.push({ dimension, operator: sign === "=" ? "is not set" : "is set", values: [] });
    else found.push({ dimension, operator: sign === "=" ? "is" : "is not", values: [value] });
  }
  return found;
}

const SIGNS: Record<Operator, string> = { is: "=", "is not": "!=", "one of": "=", contains: "~", "is set": "!=", "is not set": "=" };

/** A filter as the address has it. */
export function written({ dimension, operator, values }: Condition): string[] {
  return (values.length ? values : [""]).map((value) => `${dimension}${SIGNS[operator]}${value}`);
}

/** The filters with one more; what the dimension was to have before is replaced. */
export function withCondition(all: Condition[], added: Condition): Condition[] {
  const wants = (each: Condition): boolean => ["is", "one of", "is not set"].includes(each.operator);
  return [...all.filter((each) => each.dimension !== added.dimension || !(wants(each) && wants(added))), added];
}

const MEANT: Record<Operator, FilterOperator> = {
  is: FilterOperator.IS,
  "is not": FilterOperator.IS_NOT,
  "one of": FilterOperator.ONE_OF,
  contains: FilterOperator.CONTAINS,
  "is set": FilterOperator.IS_SET,
  "is not set": FilterOperator.IS,
};

/** A filter as the contract has it. */
export function asked({ dimension, operator, values }: Condition): { dimension: string; operator: FilterOperator; values: string[] } {
  return { dimension, operator: MEANT[operator], values: operator === "is not set" ? [""] : values };
}

const LABELS: Record<string, string> = {
  os: "System",
  utm_source: "Campaign source",
  utm_medium: "Campaign medium",
  utm_campaign: "Campaign",
  utm_term: "Campaign term",
  utm_content: "Campaign content",
  referrer_host: "Referrer",
  sku: "SKU",
  payment_type: "Payment",
  sent_by: "Sender",
};

/** A dimension as people call it. */
export function dimensionLabel(name: string): string {
  const plain = name.replace(/_/g, " ");
  return LABELS[name] ?? plain.charAt(0).toUpperCase() + plain.slice(1);
}

/** A value as people read it. */
export function valueLabel(dimension: string, value: string): string {
  if (value === "") return "not known";
  return dimension === "country" ? countryName(value) : value;
}

/** A filter in words. */
export function inWords({ dimension, operator, values }: Condition): string {
  const name = dimensionLabel(dimension);
  if (operator === "is set") return `${name} is known`;
  if (operator === "is not set") return `${name} is not known`;
  return `${name} ${operator === "one of" ? "is" : operator} ${values.map((value) => valueLabel(dimension, value)).join(" or ")}`;
}
