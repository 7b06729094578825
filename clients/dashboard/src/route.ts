/** The address holds the whole state of the view: #/page/item?name=value. */
import { useEffect, useState } from "preact/hooks";

export interface Route {
  page: string;
  item: string;
  params: URLSearchParams;
}

/** Several values of one name stand one after another; null takes the name away. */
export type Changes = Record<string, string | string[] | null>;

/** What stays when one goes from page to page. */
const SHARED = ["range", "compare", "tz", "currency", "source", "bots", "nofree", "sandbox", "asof", "samehour", "filter", "segment", "attribution"];

export function current(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [page = "", ...rest] = path.split("/");
  return { page: page || "overview", item: decodeURIComponent(rest.join("/")), params: new URLSearchParams(query) };
}

/** The address of a page, with what stays and these parameters. */
export function link(page: string, item = "", changes: Changes = {}): string {
  const kept = new URLSearchParams();
  const params = current().params;
  for (const name of SHARED) for (const value of params.getAll(name)) kept.append(name, value);
  return written(page, item, applied(kept, changes));
}

/** The address of this view with some parameters changed; null takes one away. */
export function changed(changes: Changes): string {
  const { page, item, params } = current();
  return written(page, item, applied(params, changes));
}

/** Goes to this view with some parameters changed. */
export function change(changes: Changes, how: "push" | "replace" = "push"): void {
  const target = changed(changes);
  if (target === (location.hash || "#/")) return;
  if (how === "push") location.hash = target;
  else {
    history.replaceState(history.state, "", target);
    dispatchEvent(new HashChangeEvent("hashchange"));
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(current);
  useEffect(() => {
    const listen = (): void => setRoute(current());
    addEventListener("hashchange", listen);
    return () => removeEventListener("hashchange", listen);
  }, []);
  return route;
}

function applied(params: URLSearchParams, changes: Changes): URLSearchParams {
  const result = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    result.delete(name);
    for (const each of Array.isArray(value) ? value : [value ?? ""]) if (each !== "") result.append(name, each);
  }
  return result;
}

function written(page: string, item: string, params: URLSearchParams): string {
  // Colons, slashes and commas may stand in a fragment, and read better so.
  const query = params.toString().replace(/%3A/g, ":").replace(/%2F/g, "/").replace(/%2C/g, ",");
  return `#/${page}${item ? `/${encodeURIComponent(item)}` : ""}${query ? `?${query}` : ""}`;
}
