/** Types for pages that load the script: `window.shopalytic`. */
import type { Shopalytic } from "./api.js";

declare global {
  const shopalytic: Shopalytic;
  interface Window {
    shopalytic: Shopalytic;
  }
}
