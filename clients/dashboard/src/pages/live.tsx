/** Events as they are stored. */
import { useState } from "preact/hooks";
import { count } from "../amounts";
import { EVENT_TYPES } from "../catalogue";
import { Choice, Tick } from "../parts/controls";
import { EventLine } from "../parts/event";
import { Empty, Failed } from "../parts/states";
import { useTail } from "../parts/tail";
import { useRoute } from "../route";
import { useView } from "../view";

const GROUPS: Record<string, string[]> = {
  views: ["page_view", "product_list_view", "product_view", "search"],
  carts: ["cart_add", "cart_modify", "coupon", "checkout_step"],
  orders: ["order", "order_cancel", "refund"],
  parcels: ["shipment", "shipment_delivered"],
  people: ["customer_register", "customer_update", "identify", "alias"],
};
const GROUPED = new Set(Object.values(GROUPS).flat());
GROUPS.other = EVENT_TYPES.filter((type) => !GROUPED.has(type));

export function Live() {
  const { sandbox } = useView();
  const { params } = useRoute();
  const [paused, setPaused] = useState(false);
  const tail = useTail(GROUPS[params.get("kind") ?? ""] ?? [], sandbox, paused);
  const lasting = tail.error !== null && tail.state !== "listening";
  return (
    <>
      <div class="controls">
        <Choice
          label="Show"
          name="kind"
          standard=""
          choices={[["", "everything"], ...Object.keys(GROUPS).map((name): [string, string] => [name, name])]}
        />
        <Tick label="Sandbox events instead" name="sandbox" />
        <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {paused ? "Resume" : "Pause"}
        </button>
        <span class={`pulse ${tail.state}`} role="status" hidden={lasting}>
          {{ connecting: "Connecting…", listening: "Listening", paused: "Paused" }[tail.state]}
        </span>
      </div>
      {lasting && tail.error && <Failed error={tail.error} retry={tail.retry} />}
      {tail.missed > 0n && (
        <p class="note" role="status">
          {count(tail.missed)} events were left out because they came too fast.
        </p>
      )}
      {tail.events.length > 0 ? (
        <section class="card" aria-label="Events, the newest first">
          {tail.events.map((event) => (
            <EventLine key={event.eventId} event={event} clock />
          ))}
        </section>
      ) : (
        !lasting && <Empty title="Nothing has arrived since you came here">Events appear here the moment they are stored.</Empty>
      )}
    </>
  );
}
