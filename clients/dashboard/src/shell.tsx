/** The list of pages, the way between them, and the bar above each. */
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { forget } from "./answers";
import { Carts } from "./pages/carts";
import { Customers } from "./pages/customers";
import { Definitions } from "./pages/definitions";
import { Fulfilment } from "./pages/fulfilment";
import { Funnel } from "./pages/funnel";
import { Install } from "./pages/install";
import { Live } from "./pages/live";
import { Overview } from "./pages/overview";
import { Products } from "./pages/products";
import { Quarantine } from "./pages/quarantine";
import { Retention } from "./pages/retention";
import { Sales } from "./pages/sales";
import { Traffic } from "./pages/traffic";
import { link } from "./route";
import { theme, toggleTheme } from "./theme";

interface PageEntry {
  name: string;
  title: string;
  group: string;
  Page: ComponentType;
}

export const PAGES: PageEntry[] = [
  { name: "overview", title: "Overview", group: "", Page: Overview },
  { name: "customers", title: "Customers", group: "", Page: Customers },
  { name: "sales", title: "Sales", group: "The shop", Page: Sales },
  { name: "funnel", title: "Funnel", group: "The shop", Page: Funnel },
  { name: "products", title: "Products", group: "The shop", Page: Products },
  { name: "retention", title: "Retention", group: "The shop", Page: Retention },
  { name: "carts", title: "Carts", group: "The shop", Page: Carts },
  { name: "fulfilment", title: "Fulfilment", group: "The shop", Page: Fulfilment },
  { name: "traffic", title: "Traffic", group: "The shop", Page: Traffic },
  { name: "live", title: "Live", group: "Events", Page: Live },
  { name: "quarantine", title: "Quarantine", group: "Events", Page: Quarantine },
  { name: "install", title: "Install", group: "Events", Page: Install },
  { name: "definitions", title: "Definitions", group: "Events", Page: Definitions },
];

export function Nav({ page }: { page: string }) {
  const groups = [...new Set(PAGES.map((each) => each.group))];
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    // On narrow screens the bar scrolls sideways; where one is has to be seen.
    const here = bar.current?.querySelector<HTMLElement>("[aria-current]");
    if (!here || !bar.current) return;
    const { clientWidth } = bar.current;
    bar.current.scrollLeft = here.offsetLeft + here.offsetWidth > clientWidth ? here.offsetLeft - 16 : 0;
  }, [page]);
  return (
    <nav class="nav" aria-label="Pages" ref={bar}>
      <a class="brand" href={link("overview")}>
        <Mark />
        Shopalytic
      </a>
      {groups.map((group) => (
        <div class="nav-group" key={group}>
          {group && <span class="nav-head">{group}</span>}
          {PAGES.filter((each) => each.group === group).map((each) => (
            <a key={each.name} href={link(each.name)} aria-current={each.name === page ? "page" : undefined}>
              {each.title}
            </a>
          ))}
        </div>
      ))}
    </nav>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 16 16" aria-hidden="true">
      <rect width="16" height="16" rx="4" />
      <path d="M3.5 11.5 6.5 8l2 2 4-5" />
    </svg>
  );
}

export function Top({ title, project, signOut }: { title: string; project: string; signOut: () => void }) {
  const [dark, setDark] = useState(theme() === "dark");
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(location.href);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <header class="top">
      <h1>{title}</h1>
      {project && <span class="project">{project}</span>}
      <span class="top-actions">
        <button type="button" class="quiet" onClick={forget}>
          Refresh
        </button>
        {window.isSecureContext && (
          <button type="button" class="quiet" onClick={() => void copy()}>
            {copied ? "Copied" : "Copy link"}
          </button>
        )}
        <button
          type="button"
          class="quiet"
          onClick={() => {
            toggleTheme();
            setDark(theme() === "dark");
          }}
        >
          {dark ? "Light" : "Dark"}
        </button>
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </span>
    </header>
  );
}
