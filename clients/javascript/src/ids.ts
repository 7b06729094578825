/** What makes events: times and ids that keep them in order. */

let last = 0;

/** Milliseconds now, never the same twice: what happened later must also say so. */
export function now(): number {
  const time = Date.now();
  return (last = time > last ? time : last + 1);
}

/** A UUID of version 7: ids sorted as text are in order of time. */
export function uuid(time: number): string {
  // With this zero the time fills its twelve digits until the year 2527.
  const digits = "0" + time.toString(16);
  const form = "________-____-7___-8___-____________";
  let id = "";
  for (let i = 0, used = 0; i < 36; i++) id += form[i] !== "_" ? form[i] : digits[used++] || (crypto.getRandomValues(new Uint8Array(1))[0]! & 15).toString(16);
  return id;
}
