/** Whether the visitor agreed to be counted, what the project does with those who did not, and what that allows. */
import type { Consent } from "./api.js";
import { wake } from "./delivery.js";
import { look } from "./pages.js";
import { forget, remember } from "./store.js";

/** What may be done with an event. */
export const enum May {
  /** All: send it, and know the visitor again. */
  ALL,
  /** Nothing until the shop says what the visitor chose. */
  WAIT,
  /** Send what is nobody's, and remember nothing. So too until an answer tells what the project does. */
  COUNT,
  /** Nothing: the project keeps nothing of it. */
  NOTHING,
}

/** What the visitor chose; undefined: not said. */
export let said: Consent | undefined;

/** What the project does with those who did not agree; undefined: not known. */
export let policy: string | undefined;

/** What may be done with events of a visitor who chose this. */
export function may(choice: string | undefined = said): May {
  if (choice === "pending") return May.WAIT;
  if (!choice || choice === "granted" || policy === "keep") return May.ALL;
  return policy === "drop" ? May.NOTHING : May.COUNT;
}

/** `consent`: takes what the visitor chose, and looks at the page with that in mind. */
export function consent(choice?: Consent): void {
  const before = may();
  said = choice || said;
  remember(!may());
  look(before === May.NOTHING);
  wake(0);
}

/** Takes what an answer to a denied event says of the project. A server from before says nothing. */
export function learn(answer: string | undefined): void {
  policy = answer || policy || "?";
  remember(!may());
  if (may()) forget();
}
