/** The tag as a module: `import { init, track } from "shopalytic"`. */
import type { Shopalytic } from "./api";
import { listen } from "./pages";
import { start } from "./settings";

export type * from "./api";
export type * from "./catalogue";
export { alias, identify, reset, track } from "./tag";

let listening = false;

/** Starts the tag; without an endpoint, events go to the page's own host. */
export const init: Shopalytic["init"] = (token, options) => {
  if (!listening) listen();
  listening = true;
  start(token, { endpoint: "", ...options });
};
