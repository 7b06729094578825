/** Notices which pages are seen: the first, those of in-page navigation, and those come back to. */
import { hide, resume, wake } from "./delivery.js";
import { off, options } from "./settings.js";
import { view } from "./tag.js";

let seen: string | undefined;
let current: string;

const LISTENERS: Record<string, (event: Event & { persisted?: boolean }) => void> = {
  pagehide: hide,
  online: resume,
  popstate: look,
  visibilitychange() {
    if (document.hidden) hide();
    else {
      look();
      wake(0);
    }
  },
  pageshow({ persisted }) {
    if (!persisted) return;
    seen = "";
    current = referrer;
    look();
    resume();
  },
};

/** The page before this one: another site's or ours, in-page navigation counted. */
export let referrer: string;

/** Begins to listen to the page. */
export function listen(): void {
  referrer = current = document.referrer;
  for (const type in LISTENERS) addEventListener(type, LISTENERS[type]!);
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = (...args) => {
      original.apply(history, args);
      look();
    };
  }
}

/** Sends a page view if this page has not been seen yet. */
export function look(): void {
  const url = location.href;
  // A fragment is another page only where it is used as an address.
  const page = url.replace(/#(?![/!]).*/, "");
  if (off || options.autotrack === false || document.hidden || page === seen) return;
  seen = page;
  referrer = current;
  current = url;
  void view("page_view", {
    url,
    referrer,
    // Read when the event is sent: pages set their title some time after the address.
    get title() {
      return document.title.slice(0, 1000);
    },
  });
}
