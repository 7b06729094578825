/** One request to the endpoint, by whichever `fetch` the page has left working. */

const enum Limit {
  REQUEST_MS = 30_000,
}

/** What came back, with its JSON. */
export type Reply = Response & { answer_?: any };

/** Sends a request. With `other`, not by the page's own `fetch`, to which tracing libraries add headers. */
export async function send(url: string, init: RequestInit, other: unknown): Promise<Reply | undefined> {
  return {
    async then(settle: (reply?: Reply) => void) {
      let reply: Reply | undefined;
      // A `fetch` of the page's own may never end.
      setTimeout(settle, Limit.REQUEST_MS);
      try {
        let go = fetch;
        if (other) {
          // The browser's own, out of a frame that lives for this moment only.
          const frame = document.createElement("iframe");
          document.head.appendChild(frame);
          go = (frame.contentWindow as typeof window).fetch;
          frame.remove();
        }
        reply = await go.call(window, url, init);
        reply.answer_ = await reply.json();
      } catch {}
      settle(reply);
    },
  } as never;
}
