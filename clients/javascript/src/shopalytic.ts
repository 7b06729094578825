/** The tag as a module: `import { init, track } from "shopalytic"`. */
import type { Shopalytic } from "./api.js";
import { init as start } from "./settings.js";

export type * from "./api.js";
export type * from "./catalogue.js";
export { consent } from "./consent.js";
export { alias, identify, reset, track } from "./tag.js";

/** Starts the tag; without an endpoint, events go to the page's own host. */
export const init: Shopalytic["init"] = (token, options) => start(token, options, "");
