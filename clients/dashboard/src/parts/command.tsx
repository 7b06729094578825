/** One box that finds pages, customers, orders, parcels and products. */
import { type Customer, type ProductRow, ReportService } from "contract/reports_pb";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../answers";
import { pages as allPages } from "../pagelist";
import { nameOf } from "../names";
import { link } from "../route";
import { mayCall } from "../session";
import { useView } from "../view";

const PAUSE_MS = 150;
const MOST = 6;
const SHORTEST = 2;

interface Found {
  kind: string;
  label: string;
  note: string;
  address: string;
}

export function CommandBox({ close }: { close: () => void }) {
  const view = useView();
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [others, setOthers] = useState<{ text: string; found: Found[] }>({ text: "", found: [] });
  const [at, setAt] = useState(0);
  useEffect(() => dialog.current?.showModal(), []);
  const wanted = text.trim();
  useEffect(() => {
    setAt(0);
    if (wanted.length < SHORTEST) return;
    let current = true;
    const timer = setTimeout(() => {
      const customers = mayCall("ReportService/ListCustomers")
        ? ask(ReportService.method.listCustomers, { search: wanted, sandbox: view.sandbox, pageSize: MOST })
        : Promise.reject();
      const products = mayCall("ReportService/GetProductReport")
        ? ask(ReportService.method.getProductReport, { scope: view.over(view.range, ""), search: wanted, limit: MOST })
        : Promise.reject();
      void Promise.allSettled([customers, products]).then(([people, goods]) => {
        if (!current) return;
        const found = people.status === "fulfilled" ? people.value.customers.map((each) => customer(each, wanted)) : [];
        const rows = goods.status === "fulfilled" ? goods.value.reports.flatMap((each) => each.rows) : [];
        setOthers({ text: wanted, found: [...found, ...unique(rows).map(product)] });
      });
    }, PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [wanted]);
  const pages = allPages().filter(({ title }) => title.toLowerCase().includes(wanted.toLowerCase())).map(
    ({ name, title, letter }): Found => ({ kind: "Page", label: title, note: `g ${letter}`, address: link(name) }),
  );
  const searching = wanted.length >= SHORTEST && others.text !== wanted;
  const found = [...pages, ...(wanted.length >= SHORTEST && !searching ? others.found : [])];
  const go = (one: Found | undefined): void => {
    if (!one) return;
    close();
    location.hash = one.address;
  };
  const press = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && found.length) setAt((at + step + found.length) % found.length);
    else if (event.key === "Enter") go(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog class="command" ref={dialog} aria-label="Go to" onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      <input
        type="search"
        role="combobox"
        list={undefined}
        aria-expanded="true"
        aria-controls="command-list"
        aria-activedescendant={found[at] ? `command-${at}` : undefined}
        aria-label="Page, customer, order, parcel or product"
        placeholder="page, customer, order, parcel or product"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={press}
      />
      <ul id="command-list" role="listbox" aria-label="Found">
        {found.map((one, index) => (
          <li key={one.address} id={`command-${index}`} role="option" aria-selected={index === at} onClick={() => go(one)}>
            <span class="kind">{one.kind}</span> {one.label} <small>{one.note}</small>
          </li>
        ))}
      </ul>
      <p class="note" role="status">
        {searching ? "Searching…" : found.length === 0 ? `Nothing found for “${wanted}”` : "Enter opens, ↑ ↓ choose, / opens this box, ← → move the range"}
      </p>
    </dialog>
  );
}

function customer(found: Customer, wanted: string): Found {
  const name = nameOf(found);
  const note = [found.profile?.email, ...found.identities].find((each) => each && each !== name) ?? "";
  const says = `${name} ${note} ${found.identities.join(" ")}`.toLowerCase().includes(wanted.toLowerCase());
  // Who was found by a number has it on an order or a parcel.
  return { kind: says ? "Customer" : "Order or parcel", label: name, note: says ? note : wanted, address: link("customers", found.customerId) };
}

function product({ sku, name }: ProductRow): Found {
  return { kind: "Product", label: name || sku, note: name ? sku : "", address: link("products", "", { find: sku }) };
}

/** A product that was sold in two currencies once. */
function unique(rows: ProductRow[]): ProductRow[] {
  return [...new Map(rows.map((row) => [row.sku, row])).values()].slice(0, MOST);
}
