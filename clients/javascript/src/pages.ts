/** Notices which pages are seen: the first, those of in-page navigation, and those come back to. */
import { may, May } from "./consent.js";
import { Longest } from "./context.js";
import { hide, resume, wake } from "./delivery.js";
import { cut, json } from "./json.js";
import { off, options } from "./settings.js";
import { view } from "./tag.js";

let seen: string | undefined;
let current: string | undefined;

/** The page before this one: another site's or ours, in-page navigation counted. */
export let referrer: string | undefined;

/** Begins to listen to the page. */
export function listen(): void {
  referrer = current = document.referrer;
  // An element of this id is also a property of the window.
  const { navigation } = window as { navigation?: EventTarget & { currentEntry?: unknown } };
  const tells = navigation?.currentEntry;
  if (tells) navigation!.addEventListener("currententrychange", notice);
  for (const type in { __proto__: null, pagehide: 1, online: 1, popstate: 1, visibilitychange: 1, pageshow: 1, pushState: 1, replaceState: 1 }) {
    // Browsers without the Navigation API do not tell when a script changes the address.
    const original = !tells && history[type as "pushState"];
    if (original)
      history[type as "pushState"] = (state, unused, url) => {
        original.call(history, state, unused, url);
        look();
      };
    else addEventListener(type, notice);
  }
}

function notice({ type, persisted }: Event & { persisted?: boolean }): void {
  if (type === "pagehide" || (type === "visibilitychange" && document.hidden)) return hide();
  // Come back to.
  if (persisted) current = referrer;
  look(persisted);
  if (persisted || type === "online") resume();
  else wake(0);
}

/** Sends a page view if this page has not been seen yet, or `anew`. */
export function look(anew?: boolean): void {
  if (off || options.autotrack === false || document.hidden || may() === May.NOTHING) return;
  const url = location.href;
  // What makes an address a page of its own: not its query, and its fragment only where that is a route.
  const parts = /([^?#]*)(\?[^#]*)?((#[/!][^?]*).*)?/.exec(url)!;
  const page = parts[1] + (options.autotrack === "query" ? parts[2]! + parts[3] : parts[4]!);
  const before = current;
  current = url;
  if (page === seen && !anew) return;
  seen = page;
  referrer = before;
  void view("page_view", () =>
    json({
      url: cut(url, Longest.ADDRESS),
      referrer: cut(before, Longest.ADDRESS) || "",
      // Read when the event is sent: pages set their title some time after the address.
      title: cut(document.title, Longest.TITLE),
    }),
  );
}
