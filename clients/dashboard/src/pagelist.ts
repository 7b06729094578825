/** Which pages there are, and how they are reached by the keyboard: g, then the letter. */
export interface PageName {
  name: string;
  title: string;
  group: string;
  letter: string;
}

export const PAGES: PageName[] = [
  { name: "overview", title: "Overview", group: "", letter: "o" },
  { name: "customers", title: "Customers", group: "", letter: "c" },
  { name: "sales", title: "Sales", group: "The shop", letter: "s" },
  { name: "funnel", title: "Funnel", group: "The shop", letter: "f" },
  { name: "products", title: "Products", group: "The shop", letter: "p" },
  { name: "retention", title: "Retention", group: "The shop", letter: "r" },
  { name: "carts", title: "Carts", group: "The shop", letter: "a" },
  { name: "fulfilment", title: "Fulfilment", group: "The shop", letter: "u" },
  { name: "traffic", title: "Traffic", group: "The shop", letter: "t" },
  { name: "live", title: "Live", group: "Events", letter: "l" },
  { name: "quarantine", title: "Quarantine", group: "Events", letter: "q" },
  { name: "install", title: "Install", group: "Events", letter: "i" },
  { name: "definitions", title: "Definitions", group: "Events", letter: "d" },
];
