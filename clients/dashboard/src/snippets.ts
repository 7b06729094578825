/** What to paste, for each way into the shop. */

/** Where and with which key. */
export interface Place {
  /** The gateway: https://stats.shop.example. */
  origin: string;
  /** Path of the tag's script on it. */
  script: string;
  /** The project's browser key. */
  key: string;
}

/** Where a text goes, and the text. */
export type Part = [where: string, text: string];

export interface Door {
  name: string;
  title: string;
  /** What it is for, in one or two sentences. */
  how: string;
  parts: (place: Place) => Part[];
}

const stubOf = ({ origin, script }: Place): string => `${origin}${script.replace(/[.]js$/, "-stub.js")}`;
const grpcOf = ({ origin }: Place): string => `${new URL(origin).hostname}:50051`;
const SECRET = "The key is secret and stays in the environment: on the server, shopalytic key show server prints it.";
const SHOW_KEY = "export SHOPALYTIC_KEY=$(shopalytic key show server)";

export const DOORS: Door[] = [
  {
    name: "html",
    title: "HTML",
    how: "Paste this into the head of every page. Page views are sent by themselves.",
    parts: (place) => [
      [
        "Page",
        `<script>\n${TAG_STUB.replace("SCRIPT_URL", place.origin + place.script)}\nshopalytic.init("${place.key}", { source: "web" });\n</script>`,
      ],
    ],
  },
  {
    name: "csp",
    title: "Strict CSP",
    how: "For pages whose policy forbids inline scripts. Calls of the tag stand in files of the shop.",
    parts: (place) => [
      ["Page", `<script src="${stubOf(place)}" data-token="${place.key}" data-options='{"source": "web"}'></script>`],
      ["Policy", `Content-Security-Policy: script-src 'self' ${place.origin}; connect-src 'self' ${place.origin}`],
    ],
  },
  {
    name: "npm",
    title: "npm",
    how: "For shops with a bundler. Imported on a server, it does nothing.",
    parts: (place) => [
      ["Shell", "npm install shopalytic"],
      [
        "Where the application starts",
        `import { init, track } from "shopalytic";\n\ninit("${place.key}", { endpoint: "${place.origin}", source: "web" });\n` +
          `track("product_view", { sku: "MUG-1", name: "Blue mug", price: "9.99" });`,
      ],
    ],
  },
  {
    name: "gtm",
    title: "Tag Manager",
    how: "A tag of the type Custom HTML, fired at Initialization on all pages. Tag Manager drops attributes of scripts, so this sets them.",
    parts: (place) => [
      [
        "Custom HTML",
        `<script>\n(function () {\n  var tag = document.createElement("script");\n  tag.src = "${stubOf(place)}";\n` +
          `  tag.setAttribute("data-token", "${place.key}");\n  tag.setAttribute("data-options", '{"source": "web"}');\n` +
          `  document.head.appendChild(tag);\n})();\n</script>`,
      ],
    ],
  },
  {
    name: "python",
    title: "Python",
    how: `For backends, over gRPC: shopalytic serve prints where it listens. ${SECRET}`,
    parts: (place) => [
      ["Shell", `pip install shopalytic\nexport SHOPALYTIC_TARGET=${grpcOf(place)}\n${SHOW_KEY}`],
      [
        "Program",
        `from shopalytic import Client\n\nwith Client() as shop:\n` +
          `    shop.track("page_view", {"url": "https://shop.example/", "referrer": ""}, tracking_id="browser-1")\n` +
          `    shop.identify("ada@shop.example", tracking_id="browser-1")\nprint(shop.stats)`,
      ],
    ],
  },
  {
    name: "node",
    title: "Node.js",
    how: `For backends. ${SECRET}`,
    parts: (place) => [
      ["Shell", `npm install @shopalytic/node\n${SHOW_KEY}`],
      [
        "Program",
        `import { Shopalytic } from "@shopalytic/node";\n\n` +
          `const shop = new Shopalytic({ url: "${place.origin}", key: process.env.SHOPALYTIC_KEY });\n` +
          `shop.track("page_view", { url: "https://shop.example/", referrer: "" }, { tracking_id: "browser-1" });\n` +
          `console.log(await shop.close());`,
      ],
    ],
  },
  {
    name: "go",
    title: "Go",
    how: `For backends. The client is the folder clients/go of the repository. ${SECRET}`,
    parts: (place) => [
      ["Shell", `go mod edit -require=shopalytic@v0.0.0 -replace=shopalytic=./third_party/shopalytic\n${SHOW_KEY}`],
      [
        "Program",
        `shop, err := shopalytic.New(shopalytic.Options{URL: "${place.origin}", Key: os.Getenv("SHOPALYTIC_KEY")})\n` +
          `if err != nil {\n\tlog.Fatal(err)\n}\nshop.Track("page_view",\n` +
          `\tshopalytic.Properties{"url": "https://shop.example/", "referrer": ""},\n` +
          `\tshopalytic.Envelope{TrackingID: "browser-1"})\nfmt.Println(shop.Close(context.Background()))`,
      ],
    ],
  },
  {
    name: "curl",
    title: "curl",
    how: "One event by hand. The answer says what became of it.",
    parts: (place) => [
      [
        "Shell",
        `curl ${place.origin}/collect -H 'Content-Type: application/json' -d '{\n  "token": "${place.key}",\n` +
          `  "events": [{"type": "page_view", "tracking_id": "by-hand",\n` +
          `    "properties": {"url": "https://shop.example/", "referrer": ""}}]}'`,
      ],
    ],
  },
];

/** Calls of the tag, where a page has one. */
export const CALLS = `shopalytic.track("product_view", { sku: "MUG-1", name: "Blue mug", price: "9.99" });
shopalytic.identify("ada@shop.example");   // after signing in
shopalytic.reset();                        // after signing out`;
