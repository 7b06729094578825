/** What the tag knows of the page and the device, by the names of the contract's Context. */
import { referrer } from "./pages.js";

declare const VERSION: string;

/** An event's context. A value that is too long here must not cost the event. */
export function context(): Record<string, unknown> {
  const known: Record<string, unknown> = {
    url: location.href.slice(0, 8000),
    referrer: referrer.slice(0, 8000),
    language: navigator.language,
    screen_width: screen.width,
    screen_height: screen.height,
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    library_name: "shopalytic-js",
    library_version: VERSION,
    automated: navigator.webdriver,
  };
  new URLSearchParams(location.search).forEach((value, name) => {
    if (/^utm_(source|medium|campaign|term|content)$/.test(name)) known[name] = value.slice(0, 500);
  });
  return known;
}
