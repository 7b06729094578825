/** What makes events: times and ids that keep them in order, and copies that stay as they are. */

let last = 0;

/** Milliseconds now, never the same twice: what happened later must also say so. */
export function now(): number {
  return (last = Math.max(last + 1, Date.now()));
}

/** A UUID of version 7: ids sorted as text are in order of time. */
export function uuid(time: number): string {
  // With this zero the time fills its twelve digits until the year 2527.
  const digits = "0" + time.toString(16);
  let i = 0;
  return "________-____-7___-8___-____________".replace(
    /_/g,
    () => digits[i++] || (crypto.getRandomValues(new Uint8Array(1))[0]! & 15).toString(16),
  );
}

/** Data as JSON can hold it. */
export function copy<T>(data: T): T {
  return JSON.parse(JSON.stringify(data));
}
