/** The stub as a file, for pages whose Content-Security-Policy forbids inline scripts. */
import { install, type Stub } from "./stub.js";

// A module is no current script.
const { src, dataset } = (document.currentScript || document.querySelector("script[data-token]")) as HTMLScriptElement;
install(src.replace("-stub", ""));
if (dataset.token) {
  let options: object = {};
  try {
    options = JSON.parse(dataset.options || "{}");
  } catch {
    console.error("shopalytic: data-options is not JSON; the defaults are used");
  }
  (window as unknown as { shopalytic: Stub }).shopalytic.init(dataset.token, options);
}
