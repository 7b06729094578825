/** Calendar arithmetic in a time zone: where days begin, and how moments are written. */

/** A calendar day as "2026-03-29". */
export type Day = string;

const clocks = new Map<string, Intl.DateTimeFormat>();

function clock(zone: string): Intl.DateTimeFormat {
  let found = clocks.get(zone);
  if (!found) {
    const numbers = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
    clocks.set(zone, (found = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", era: "short", ...numbers })));
  }
  return found;
}

/** What a wall clock shows there, as if it were UTC. */
function wall(at: number, zone: string): number {
  const parts = Object.fromEntries(
    clock(zone)
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  );
  return Date.UTC(
    Number(parts.year),
    Number(parts.month) - 1,
    Number(parts.day),
    Number(parts.hour),
    Number(parts.minute),
    Number(parts.second),
  );
}

/** The moment at which a day begins there; days may be 23 or 25 hours long. */
export function startOf(day: Day, zone: string): Date {
  const wanted = Date.parse(`${day}T00:00:00Z`);
  let at = wanted;
  for (let round = 0; round < 2; round += 1) at += wanted - wall(at, zone);
  // Where clocks jump over midnight the day begins with the jump.
  const missing = wanted - wall(at, zone);
  return new Date(missing > 0 ? at + missing : at);
}

/** The day that it is there. */
export function dayOf(at: Date, zone: string): Day {
  return new Date(wall(at.getTime(), zone)).toISOString().slice(0, 10);
}

/** So many days later. */
export function plusDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** So many months later, on the first. */
export function firstOfMonth(day: Day, months = 0): Day {
  const at = new Date(`${day}T00:00:00Z`);
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1)).toISOString().slice(0, 10);
}

/** How many days from one to the other. */
export function daysBetween(from: Day, to: Day): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
}

export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone !== "";
  } catch {
    return false;
  }
}

const writers = new Map<string, Intl.DateTimeFormat>();

function write(at: Date, options: Intl.DateTimeFormatOptions): string {
  const key = JSON.stringify(options);
  let found = writers.get(key);
  if (!found) writers.set(key, (found = new Intl.DateTimeFormat(undefined, options)));
  return found.format(at);
}

/** A moment with its clock time. */
export function moment(at: Date, zone: string): string {
  return write(at, { timeZone: zone, dateStyle: "medium", timeStyle: "short" });
}

/** A day with its year. */
export function date(at: Date, zone: string): string {
  return write(at, { timeZone: zone, dateStyle: "medium" });
}

/** A time of day to the second. */
export function time(at: Date, zone: string): string {
  return write(at, { timeZone: zone, timeStyle: "medium" });
}

/** A time of day to the minute. */
export function clockTime(at: Date, zone: string): string {
  return write(at, { timeZone: zone, timeStyle: "short" });
}

/** A month with its year. */
export function month(at: Date, zone: string): string {
  return write(at, { timeZone: zone, year: "numeric", month: "short" });
}

/** A day without its year. */
export function shortDay(at: Date, zone: string): string {
  return write(at, { timeZone: zone, month: "short", day: "numeric" });
}
