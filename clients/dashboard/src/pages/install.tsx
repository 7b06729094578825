/** What to paste into the shop's pages, and a check that waits until the first event has come. */
import { useState } from "preact/hooks";
import { Arrivals } from "../parts/arrivals";
import { KeyCheck } from "../parts/keycheck";
import { browserKey } from "../session";

const KEY = /^[A-Za-z0-9_-]+$/;

export function Install() {
  const [key, setKey] = useState(browserKey());
  return (
    <>
      <section class="card" aria-labelledby="paste">
        <header class="card-head">
          <h2 id="paste">1. Paste this into the head of every page</h2>
        </header>
        {!browserKey() && (
          <label class="field">
            <span>Browser key of the project</span>
            <input
              type="text"
              value={key}
              placeholder="shop_browser_…"
              spellcheck={false}
              autocomplete="off"
              onInput={(event) => setKey(event.currentTarget.value.trim())}
            />
            <small>
              On the server, <code>shopalytic key show browser</code> prints it. It is public: it can send events and read nothing.
            </small>
          </label>
        )}
        {!browserKey() && <KeyCheck given={key} />}
        <Snippet browserKey={KEY.test(key) ? key : "BROWSER_KEY"} />
        <p>Page views are sent by themselves. For the rest the shop calls the tag:</p>
        <pre tabindex={0} aria-label="Calls of the tag">
          {CALLS}
        </pre>
      </section>
      <section class="card" aria-labelledby="check">
        <header class="card-head">
          <h2 id="check">2. Open a page of the shop</h2>
        </header>
        <Arrivals />
      </section>
    </>
  );
}

const CALLS = `shopalytic.track("product_view", { sku: "MUG-1", name: "Blue mug", price: "9.99" });
shopalytic.identify("ada@shop.example");   // after signing in
shopalytic.reset();                        // after signing out`;

function Snippet({ browserKey: key }: { browserKey: string }) {
  const [copied, setCopied] = useState(false);
  const path = document.querySelector<HTMLMetaElement>("meta[name=shopalytic-script]")?.content ?? "/shopalytic.js";
  const text = `<script>\n${TAG_STUB.replace("SCRIPT_URL", location.origin + path)}\nshopalytic.init("${key}");\n</script>`;
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <div class="snippet">
      <pre tabindex={0} aria-label="The tag">
        {text}
      </pre>
      {window.isSecureContext && (
        <button type="button" class="primary" onClick={() => void copy()}>
          {copied ? "Copied" : "Copy"}
        </button>
      )}
    </div>
  );
}
