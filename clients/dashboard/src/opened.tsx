/** The pages themselves, each loaded when it is opened. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Empty, Loading } from "./parts/states";

const LOAD: Record<string, () => Promise<ComponentType>> = {
  overview: async () => (await import("./pages/overview")).Overview,
  customers: async () => (await import("./pages/customers")).Customers,
  sales: async () => (await import("./pages/sales")).Sales,
  funnel: async () => (await import("./pages/funnel")).Funnel,
  products: async () => (await import("./pages/products")).Products,
  retention: async () => (await import("./pages/retention")).Retention,
  carts: async () => (await import("./pages/carts")).Carts,
  fulfilment: async () => (await import("./pages/fulfilment")).Fulfilment,
  conversion: async () => (await import("./pages/conversion")).Conversion,
  searches: async () => (await import("./pages/searches")).Searches,
  coupons: async () => (await import("./pages/coupons")).Coupons,
  segments: async () => (await import("./pages/segments")).Segments,
  lifetime: async () => (await import("./pages/lifetime")).Lifetime,
  traffic: async () => (await import("./pages/traffic")).Traffic,
  live: async () => (await import("./pages/live")).Live,
  quarantine: async () => (await import("./pages/quarantine")).Quarantine,
  install: async () => (await import("./pages/install")).Install,
  import: async () => (await import("./pages/import")).Import,
  definitions: async () => (await import("./pages/definitions")).Definitions,
};

const loaded = new Map<string, ComponentType>();

export function Opened({ name }: { name: string }) {
  const [state, setState] = useState<"loading" | "failed" | "ready">(loaded.has(name) ? "ready" : "loading");
  const load = (): void => {
    setState("loading");
    LOAD[name]?.().then(
      (Page) => {
        loaded.set(name, Page);
        setState("ready");
      },
      () => setState("failed"),
    );
  };
  useEffect(() => {
    if (!loaded.has(name)) load();
  }, [name]);
  const Page = loaded.get(name);
  if (Page) return <Page />;
  if (state === "loading") return <Loading />;
  return (
    <Empty title="This page could not be loaded">
      The service may be away, or have been updated since.{" "}
      <button type="button" onClick={load}>
        Try again
      </button>{" "}
      <button type="button" onClick={() => location.reload()}>
        Reload
      </button>
    </Empty>
  );
}
