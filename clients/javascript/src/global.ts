/** Types for pages that load the script: `window.shopalytic`. */
import type { Shopalytic } from "./api";

declare global {
  const shopalytic: Shopalytic;
  interface Window {
    shopalytic: Shopalytic;
  }
}
