/** The events behind a number, over the page that shows the number. */
import { ReportService } from "contract/reports_pb";
import { useEffect, useRef } from "preact/hooks";
import { ask } from "../answers";
import { change } from "../route";
import { EventLine } from "./event";
import { Paged } from "./pages";

const PAGE_SIZE = 50;

export function Drawer({ token, of }: { token: string; of: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = (): void => change({ explain: null, of: null });
  const outside = (event: MouseEvent): void => {
    if (event.target === dialog.current) close();
  };
  return (
    <dialog class="drawer" ref={dialog} aria-labelledby="drawer-title" onClose={close} onClick={outside}>
      <div class="drawer-inside">
        <header>
          <h2 id="drawer-title">Events behind “{of || "this number"}”</h2>
          <button type="button" class="quiet" onClick={close}>
            Close
          </button>
        </header>
        <Paged
          name={token}
          empty="No events are behind this number"
          load={async (pageToken) => {
            const page = await ask(ReportService.method.listEvents, { explain: token, pageSize: PAGE_SIZE, pageToken });
            return { items: page.events, next: page.nextPageToken, total: page.totalEvents };
          }}
        >
          {(events, foot) => (
            <>
              {events.map((event) => (
                <EventLine key={event.eventId} event={event} />
              ))}
              {foot}
            </>
          )}
        </Paged>
      </div>
    </dialog>
  );
}
