/** Events that were not accepted, whole and with the reasons. */
import { toJsonString } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { AdminService, type QuarantinedEvent } from "contract/admin_pb";
import { EventStatus } from "contract/collector_pb";
import { EventSchema } from "contract/events_pb";
import { ask } from "../answers";
import { Entry, Tick } from "../parts/controls";
import { Paged } from "../parts/pages";
import { useRoute } from "../route";
import { useView } from "../view";
import { moment } from "../zones";

const PAGE_SIZE = 50;

export function Quarantine() {
  const { sandbox } = useView();
  const { params } = useRoute();
  const ruleId = params.get("rule") ?? "";
  return (
    <>
      <div class="controls">
        <Entry
          label="Rule"
          name="rule"
          placeholder="every rule"
          suggestions={["required", "email.taken", "event_id.conflict", "identity.taken"]}
        />
        <Tick label="Sandbox events instead" name="sandbox" />
      </div>
      <Paged
        name={`${ruleId} ${sandbox}`}
        empty={ruleId ? "No event breaks this rule" : "Nothing is in quarantine"}
        load={async (pageToken) => {
          const page = await ask(AdminService.method.listQuarantine, { pageSize: PAGE_SIZE, pageToken, sandbox, ruleId });
          return { items: page.events, next: page.nextPageToken };
        }}
      >
        {(events) => (
          <section class="card" aria-label="Events, the newest first">
            {events.map((event) => (
              <Line key={event.quarantineId} event={event} />
            ))}
          </section>
        )}
      </Paged>
    </>
  );
}

function Line({ event }: { event: QuarantinedEvent }) {
  const { zone } = useView();
  const [first, ...others] = event.violations;
  return (
    <details class="event">
      <summary>
        <time>{event.receivedAt && moment(timestampDate(event.receivedAt), zone)}</time>
        <span class="kind">{kind(event)}</span>
        <span class="what">
          {first && (
            <>
              <code>{first.field || "event"}</code> {first.message}
            </>
          )}
          {others.length > 0 && ` and ${others.length} more`}
        </span>
        <span class={`kind ${event.status === EventStatus.CONFLICT ? "conflict" : "broken"}`}>
          {event.status === EventStatus.CONFLICT ? "conflict" : "invalid"}
        </span>
      </summary>
      <div class="event-details">
        <ul>
          {event.violations.map((violation, index) => (
            <li key={index}>
              <code>{violation.field || "event"}</code> {violation.message}{" "}
              <a href={`#/quarantine?rule=${encodeURIComponent(violation.ruleId)}`}>{violation.ruleId}</a>
            </li>
          ))}
        </ul>
        {event.event && (
          <pre tabindex={0} aria-label="The event as it was sent">
            {toJsonString(EventSchema, event.event, { prettySpaces: 2, useProtoFieldName: true })}
          </pre>
        )}
      </div>
    </details>
  );
}

function kind({ event }: QuarantinedEvent): string {
  return event?.payload.case?.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`) ?? "event";
}
