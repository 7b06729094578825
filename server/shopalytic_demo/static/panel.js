// The live panel: listens to what the tag sends and what is answered, and asks what the shop's backend sent.
"use strict";

(() => {
  const KEPT = 60;
  const STORAGE = "demo-panel";
  const ASK_AFTER_MS = [150, 600, 2000];
  const STORED = { ACCEPTED: "good", DUPLICATE: "good", CONFLICT: "warn", QUARANTINED: "warn", REJECTED: "bad" };
  let entries = read();
  let list;

  function read() {
    try {
      return JSON.parse(sessionStorage.getItem(STORAGE)) ?? [];
    } catch {
      return [];
    }
  }

  function write() {
    entries = entries.slice(0, KEPT);
    try {
      sessionStorage.setItem(STORAGE, JSON.stringify(entries));
    } catch {
      // The panel then begins anew on each page.
    }
    draw();
  }

  /** Adds an event or, when it is sent again, keeps its place. */
  function note(event, door) {
    let entry = entries.find(({ id }) => id === event.event_id);
    if (!entry) {
      const time = new Date().toTimeString().slice(0, 8);
      entry = { id: event.event_id, time, door, type: event.type, properties: event.properties };
      entries.unshift(entry);
    }
    return entry;
  }

  function settle(entry, status, violations) {
    // Sent on leaving a page and again on the next: the second answer does not make the first untrue.
    if (entry.status === "ACCEPTED" && status === "DUPLICATE") return;
    entry.status = status;
    entry.violations = violations;
  }

  const original = window.fetch;
  window.fetch = async function (resource, options) {
    const sent = eventsIn(options?.body);
    if (!sent) return original.apply(this, arguments);
    const noted = sent.map((event) => note(event, "tag"));
    write();
    const response = await original.apply(this, arguments);
    const answer = await response.clone().json().catch(() => ({}));
    noted.forEach((entry, i) => {
      const result = answer.results?.[i];
      if (result) settle(entry, result.status, result.violations);
      else settle(entry, `HTTP ${response.status}`, [{ field: "", message: answer.error?.message ?? "No answer." }]);
    });
    write();
    return response;
  };

  /** The events of one of the tag's requests; nothing for other requests. */
  function eventsIn(body) {
    if (typeof body !== "string" || !body.startsWith('{"token"')) return undefined;
    return JSON.parse(body).events;
  }

  /** What the backend sent for this visit; its verdicts come a moment later. */
  async function askBackend() {
    const answer = await original("/demo/backend-events").then((response) => response.json()).catch(() => ({}));
    for (const event of answer.events ?? []) {
      if (event.status || !entries.some(({ id }) => id === event.event_id)) {
        settle(note(event, "backend"), event.status, event.violations);
      }
    }
    write();
  }

  function element(name, className, text) {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function drawn(entry) {
    const item = document.createElement("li");
    item.dataset.type = entry.type;
    item.dataset.status = entry.status ?? "";
    const head = element("div", "event", "");
    head.append(
      element("code", "type", entry.type),
      element("span", `verdict ${STORED[entry.status] ?? (entry.status ? "bad" : "open")}`, entry.status || "sent …"),
    );
    const door = entry.door === "tag" ? "browser tag · HTTP" : "shop’s backend · gRPC";
    item.append(head, element("p", "door", `${entry.time} · ${door}`));
    for (const { field, message } of entry.violations ?? []) {
      item.append(element("p", "violation", field ? `${field}: ${message}` : message));
    }
    const details = document.createElement("details");
    details.append(element("summary", "", "Properties"), element("pre", "", JSON.stringify(entry.properties, null, 1)));
    item.append(details);
    return item;
  }

  function draw() {
    if (!list) return;
    const opened = new Set([...list.querySelectorAll("details[open]")].map((box) => box.parentElement.dataset.id));
    list.replaceChildren(
      ...entries.map((entry) => {
        const item = drawn(entry);
        item.dataset.id = entry.id;
        item.querySelector("details").open = opened.has(entry.id);
        return item;
      }),
    );
    document.querySelector(".panel-empty").hidden = entries.length > 0;
  }

  document.addEventListener("DOMContentLoaded", () => {
    list = document.getElementById("panel");
    // On a phone the panel lies below the shop and is opened by whoever wants it.
    if (matchMedia("(max-width: 56rem)").matches) document.querySelector(".panel details").open = false;
    document.getElementById("panel-clear").addEventListener("click", () => {
      entries = [];
      write();
    });
    draw();
    for (const delay of ASK_AFTER_MS) setTimeout(askBackend, delay);
  });
})();
