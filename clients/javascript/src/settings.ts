/** What `init` was told. */
import type { Options } from "./api.js";
import { look } from "./pages.js";
import { open } from "./store.js";

export let token: string;
export let options: Options = {};
/** Whether nothing may be sent: so until `init`, by option, and by the visitor's wish. */
export let off: unknown = true;

/** `init`, where the endpoint is known. */
export function start(key: string, given: Options): void {
  token = key;
  options = given;
  off = given.disabled || (given.respect_privacy_signals && (navigator.doNotTrack === "1" || (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl));
  open(key);
  look();
}
