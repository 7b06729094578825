/** What the tag knows of the page and the device, by the names of the contract's Context. */
import { cut } from "./json.js";
import { referrer } from "./pages.js";

declare const VERSION: string;

export const enum Longest {
  ADDRESS = 8_192,
  CAMPAIGN = 500,
  NAME = 100,
  TITLE = 1_000,
}

const CAMPAIGN = { __proto__: null, source: 1, medium: 1, campaign: 1, term: 1, content: 1 };

/** An event's context. A value that is too long or too strange here must not cost the event. */
export function context(): Record<string, unknown> {
  const known: Record<string, unknown> = {
    url: cut(location.href, Longest.ADDRESS),
    referrer: cut(referrer, Longest.ADDRESS),
    language: cut(navigator.language, Longest.NAME),
    screen_width: screen.width,
    screen_height: screen.height,
    library_name: "shopalytic-js",
    library_version: VERSION,
    automated: navigator.webdriver,
  };
  try {
    known.time_zone = cut(Intl.DateTimeFormat().resolvedOptions().timeZone, Longest.NAME);
    const query = new URLSearchParams(location.search);
    for (const name in CAMPAIGN) known["utm_" + name] = cut(query.get("utm_" + name), Longest.CAMPAIGN);
  } catch {}
  return known;
}
