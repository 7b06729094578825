/** Numbers as people read them. Amounts are exact text; no value that is shown goes through a float. */
const DIGITS = 4;
const NOTHING = "–";

/** An exact decimal in ten-thousandths. */
export function scaled(text: string): bigint {
  const negative = text.startsWith("-");
  const [whole = "", fraction = ""] = text.replace("-", "").split(".");
  const value = BigInt((whole || "0") + fraction.slice(0, DIGITS).padEnd(DIGITS, "0"));
  return negative ? -value : value;
}

/** Number formats take exact decimals as text; the type of the library is behind. */
type Exact = Intl.NumberFormat & { format(value: string | bigint | number): string };

const formats = new Map<string, Exact>();

function format(options: Intl.NumberFormatOptions): Exact {
  const key = JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.NumberFormat(undefined, options) as Exact));
  return found;
}

/** How many digits a currency's amounts have after the point. */
function placesOf(currency: string): number {
  return /^[A-Z]{3}$/.test(currency) ? (format({ style: "currency", currency }).resolvedOptions().minimumFractionDigits ?? 2) : 2;
}

/** A sum or an average with its currency, rounded to the currency's own digits; the exact value stands in titles and files. */
export function money(text: string, currency: string): string {
  return amount(text, currency, placesOf(currency));
}

/** The price of one piece, which may be finer than the currency. */
export function price(text: string, currency: string): string {
  return amount(text, currency, Math.max(DIGITS, placesOf(currency)));
}

function amount(text: string, currency: string, most: number): string {
  if (text === "") return NOTHING;
  const options = { minimumFractionDigits: placesOf(currency), maximumFractionDigits: most };
  return currency ? format({ style: "currency", currency, ...options }).format(text) : format(options).format(text);
}

/** A whole number. */
export function count(value: bigint | number): string {
  return format({}).format(value);
}

/** A share such as "0.1234". */
export function percent(share: string): string {
  return share === "" ? NOTHING : format({ style: "percent", maximumFractionDigits: 2 }).format(share);
}

/** A decimal without a unit. */
export function decimal(text: string): string {
  return text === "" ? NOTHING : format({ maximumFractionDigits: DIGITS }).format(text);
}

/** Hours such as "30.25", in the unit that fits. */
export function hours(text: string): string {
  return text === "" ? NOTHING : duration(scaled(text) * 3600n);
}

/** Seconds such as "5321.500", in the unit that fits. */
export function seconds(text: string): string {
  return text === "" ? NOTHING : duration(scaled(text));
}

const UNITS: [bigint, string][] = [
  [86_400n, "d"],
  [3_600n, "h"],
  [60n, "min"],
  [1n, "s"],
];

/** One number with one digit after the point, in the largest unit that it fills. */
function duration(tenThousandths: bigint): string {
  const size = tenThousandths < 0n ? -tenThousandths : tenThousandths;
  const [length, unit] = UNITS.find(([each, name]) => size >= each * 10_000n * (name === "d" ? 2n : 1n)) ?? [1n, "s"];
  const tenths = divided(tenThousandths * 10n, length * 10_000n);
  return `${format({ maximumFractionDigits: 1 }).format(`${tenths / 10n}.${(tenths < 0n ? -tenths : tenths) % 10n}`)} ${unit}`;
}

/** Rounded half away from zero. */
function divided(value: bigint, by: bigint): bigint {
  const half = value < 0n ? -(by / 2n) : by / 2n;
  return (value + half) / by;
}

/** How a number compares with one before. */
export interface Change {
  text: string;
  direction: "up" | "down" | "same";
}

/** The change in percent, or nothing where there is nothing to compare with. */
export function change(now: string, before: string): Change | null {
  const from = scaled(before);
  if (from === 0n) return null;
  return written(divided((scaled(now) - from) * 1000n, from < 0n ? -from : from), "%");
}

/** The change of a share such as "0.1234": percent of percents would mislead. */
export function points(now: string, before: string): Change {
  return written(divided(scaled(now) - scaled(before), 10n), "percentage points");
}

function written(tenths: bigint, unit: string): Change {
  const direction = tenths > 0n ? "up" : tenths < 0n ? "down" : "same";
  const size = tenths < 0n ? -tenths : tenths;
  const sign = { up: "+", down: "−", same: "±" }[direction];
  return { text: `${sign}${format({}).format(`${size / 10n}.${size % 10n}`)} ${unit}`, direction };
}
