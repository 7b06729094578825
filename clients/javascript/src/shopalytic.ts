/** The tag as a module: `import { init, track } from "shopalytic"`. */
import type { Shopalytic } from "./api.js";
import { listen } from "./pages.js";
import { start } from "./settings.js";

export type * from "./api.js";
export type * from "./catalogue.js";
export { alias, identify, reset, track } from "./tag.js";

let listening = false;

/** Starts the tag; without an endpoint, events go to the page's own host. */
export const init: Shopalytic["init"] = (token, options) => {
  if (!listening) listen();
  listening = true;
  start(token, { endpoint: "", ...options });
};
