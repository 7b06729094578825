/** What to paste into the shop, by each way in, and a check that shows what becomes of its events. */
import { useState } from "preact/hooks";
import { Arrivals } from "../parts/arrivals";
import { Segments } from "../parts/controls";
import { KeyCheck } from "../parts/keycheck";
import { useRoute } from "../route";
import { browserKey } from "../session";
import { CALLS, DOORS, type Place } from "../snippets";

const KEY = /^[A-Za-z0-9_-]+$/;
const CHOICES = DOORS.map(({ name, title }): [string, string] => [name, title]);
/** Doors of pages that have the tag then. */
const WITH_TAG = new Set(["html", "csp", "gtm"]);

export function Install() {
  const [key, setKey] = useState(browserKey());
  const { params } = useRoute();
  const door = DOORS.find(({ name }) => name === params.get("with")) ?? DOORS[0]!;
  return (
    <>
      <section class="card" aria-labelledby="paste">
        <header class="card-head">
          <h2 id="paste">1. Let the shop send events</h2>
        </header>
        <Segments label="Way in" name="with" standard="html" choices={CHOICES} />
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
        <p>{door.how}</p>
        {door.parts(placeOf(KEY.test(key) ? key : "BROWSER_KEY")).map(([where, text]) => (
          <Snippet key={`${door.name} ${where}`} where={where} text={text} />
        ))}
        {WITH_TAG.has(door.name) && (
          <>
            <p>For the rest the shop calls the tag:</p>
            <pre tabindex={0} aria-label="Calls of the tag">
              {CALLS}
            </pre>
          </>
        )}
      </section>
      <section class="card" aria-labelledby="check">
        <header class="card-head">
          <h2 id="check">2. See what arrives</h2>
        </header>
        <Arrivals />
      </section>
    </>
  );
}

function placeOf(key: string): Place {
  const script = document.querySelector<HTMLMetaElement>("meta[name=shopalytic-script]")?.content ?? "/shopalytic.js";
  return { origin: location.origin, script, key };
}

function Snippet({ where, text }: { where: string; text: string }) {
  const [copied, setCopied] = useState("");
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(text);
  };
  return (
    <div class="snippet">
      <span class="note">{where}</span>
      <pre tabindex={0} aria-label={where}>
        {text}
      </pre>
      {window.isSecureContext && (
        <button type="button" class="primary" onClick={() => void copy()}>
          {copied === text ? "Copied" : "Copy"}
        </button>
      )}
    </div>
  );
}
