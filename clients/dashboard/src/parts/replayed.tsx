/** What became of events that were replayed, in words. */
import type { QuarantinedEvent } from "contract/admin_pb";
import { EventStatus } from "contract/collector_pb";
import { useEffect, useRef } from "preact/hooks";
import { count } from "../amounts";
import { type Outcome, refused, sentences } from "../replays";
import { link } from "../route";

const MOST_TOLD = 10;

export function Replayed({ outcome, events, close }: { outcome: Outcome; events: QuarantinedEvent[]; close: () => void }) {
  const place = useRef<HTMLElement>(null);
  // The button that was pressed is gone with its event.
  useEffect(() => place.current?.focus(), [outcome]);
  const failing = refused(outcome);
  const people = customers(outcome, events);
  return (
    <section class="card" ref={place} tabindex={-1} aria-label="What became of the events">
      <div class="card-head">
        <h2>Replayed</h2>
        <button type="button" class="quiet" onClick={close}>
          Close
        </button>
      </div>
      <p role="status">{sentences(outcome, false).join(" ")}</p>
      {failing.length > 0 && (
        <ul>
          {failing.slice(0, MOST_TOLD).map((result, index) => (
            <li key={index}>
              <code>{result.eventId}</code>:{" "}
              {result.violations.map((violation, at) => (
                <span key={at}>
                  {at > 0 && "; "}
                  <code>{violation.field || "event"}</code> {violation.message}
                </span>
              ))}
            </li>
          ))}
          {failing.length > MOST_TOLD && <li>and {count(failing.length - MOST_TOLD)} more</li>}
        </ul>
      )}
      {people.length > 0 && (
        <p>
          What was stored is now on the page of{" "}
          {people.map((person, index) => (
            <span key={person}>
              {index > 0 && ", "}
              <a href={link("customers", person)}>{person}</a>
            </span>
          ))}
          .
        </p>
      )}
    </section>
  );
}

/** Whose events were stored, as far as the list knows: a few, to look at. */
function customers({ results }: Outcome, events: QuarantinedEvent[]): string[] {
  const stored = new Set(results.filter(({ status }) => status === EventStatus.ACCEPTED).map(({ eventId }) => eventId));
  const people = events.filter(({ event }) => event && stored.has(event.eventId)).map(({ event }) => event?.identity || event?.trackingId || "");
  return [...new Set(people)].filter(Boolean).slice(0, 5);
}
