/** What `init` was told. */
import type { Options } from "./api.js";
import { consent } from "./consent.js";
import { listen } from "./pages.js";
import { open } from "./store.js";

export let token: string;
export let options: Options = {};
/** Why nothing may be sent: so until `init`, by option, and by the visitor's wish. */
export let off = "no init";

let listening: unknown;

/** `init`, where `endpoint` is the address that holds unless the options name another. Throws nothing into the page. */
export function init(key: string, given: Options | undefined, endpoint: string | undefined): void {
  try {
    if (!listening) listen();
    listening = token = `${key}`;
    options = { __proto__: null, endpoint, ...given } as Options;
    off = options.disabled || (options.respect_privacy_signals && (+navigator.doNotTrack! || (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl)) ? "disabled" : options.endpoint == null ? "no endpoint" : "";
    open(token);
    consent(options.consent);
  } catch (error) {
    off = `${error}`;
  }
}
