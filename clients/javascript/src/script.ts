/** The script that pages load: takes the place of the stub and does what it has queued. */
import type { Shopalytic } from "./api.js";
import type { Call, Stub } from "./stub.js";
import { listen } from "./pages.js";
import { start } from "./settings.js";
import { alias, identify, reset, track } from "./tag.js";

declare const VERSION: string;

const page = window as unknown as { shopalytic?: Partial<Stub> };
const tag = (page.shopalytic ||= {});

if (!tag.version) {
  listen();
  const endpoint = (document.currentScript as HTMLScriptElement).src.replace(/\/[^/]*$/, "");
  const api: Shopalytic = {
    init: (token, options) => start(token, { endpoint, ...options }),
    track,
    identify,
    alias,
    reset,
  };
  const run = ([name, args, resolve]: Call): void => resolve((api[name] as (...args: unknown[]) => never)(...args));
  const queued = tag.q as Call[] | undefined;
  Object.assign(tag, api, { version: VERSION, q: { push: run } });
  queued?.forEach(run);
}
