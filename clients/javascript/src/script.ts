/** The script that pages load: takes the place of the stub and does what it has queued. */
import type { Call } from "./stub.js";
import { own } from "./json.js";
import { consent } from "./consent.js";
import { init } from "./settings.js";
import { alias, identify, reset, track } from "./tag.js";

declare const VERSION: string;

const NAME = "shopalytic";

const page = window as any;
// An element of this id is also a property of the window, but not its own.
const stub = own(page, NAME);

if (!own(stub, "version")) {
  const endpoint = home();
  // Waited for, not passed on: that would need the `then` that every promise has, which the page may have changed.
  const push = async (call: Call): Promise<void> => call[2](await tag[call[0]](call[1][0], call[1][1], call[1][2]));
  const tag: any = (page[NAME] = {
    version: VERSION,
    q: { push },
    init: (token: string, options?: object) => init(token, options, endpoint),
    consent,
    track,
    identify,
    alias,
    reset,
  });
  const queued: Call[] = own(stub, "q");
  if (queued) {
    // Pages may have taken the stub's functions.
    stub.q = tag.q;
    for (let i = 0; i < queued.length; i++) push(queued[i]!);
  }
}

/** The folder that this script came from. A module is no current script, but an error tells where it was made. */
function home(): string | undefined {
  const found = /(http.*)\/.*?\.js/.exec((document.currentScript as HTMLScriptElement | null)?.src || Error().stack!);
  return found?.[1];
}
