// Calls the gateway with the official client, in both codecs, and prints what came back as JSON.
import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { CollectorService, EventStatus, TrackRequestSchema } from "./generated/shopalytic/v1/collector_pb.js";
import { ReportService } from "./generated/shopalytic/v1/reports_pb.js";

const [baseUrl, serverKey, reportsKey] = process.argv.slice(2);

function bearer(key) {
  return { headers: { authorization: `Bearer ${key}` } };
}

async function codeOf(call) {
  try {
    await call();
    return "none";
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
}

// The first event that a watcher is told of; pages are seen until the watching has begun.
async function watchedPage(collector, reports) {
  const url = `https://shop.example/${crypto.randomUUID()}`;
  const watching = new AbortController();
  const told = (async () => {
    const options = { ...bearer(reportsKey), signal: watching.signal };
    for await (const { item } of reports.tailEvents({ types: ["page_view"] }, options)) {
      if (item.case === "event" && item.value.properties.url === url) return item.value.type;
    }
  })();
  let type;
  told.then((found) => (type = found));
  while (type === undefined) {
    const event = { eventId: crypto.randomUUID(), occurredAt: timestampNow(), trackingId: "watched" };
    const payload = { case: "pageView", value: { url, referrer: "" } };
    await collector.track(create(TrackRequestSchema, { events: [{ ...event, payload }] }), bearer(serverKey));
  }
  watching.abort();
  return type;
}

async function everything(useBinaryFormat) {
  const transport = createConnectTransport({ baseUrl, useBinaryFormat });
  const collector = createClient(CollectorService, transport);
  const reports = createClient(ReportService, transport);
  const identity = `connect-${crypto.randomUUID()}`;
  const request = create(TrackRequestSchema, {
    events: [
      {
        eventId: crypto.randomUUID(),
        occurredAt: timestampNow(),
        trackingId: crypto.randomUUID(),
        payload: { case: "identify", value: { identity } },
      },
      { eventId: "not a uuid", payload: { case: "pageView", value: {} } },
    ],
  });
  const tracked = await collector.track(request, bearer(serverKey));
  const by = { customer: { by: { case: "identity", value: identity } } };
  const found = await reports.getCustomer(by, bearer(reportsKey));
  const nobody = { customer: { by: { case: "identity", value: "nobody at all" } } };
  return {
    watched: await watchedPage(collector, reports),
    statuses: tracked.results.map((result) => EventStatus[result.status]),
    rules: tracked.results[1].violations.map((violation) => violation.ruleId).sort(),
    identities: found.customer.identities.map((each) => each.identity ?? each),
    asked: identity,
    missing: await codeOf(() => reports.getCustomer(nobody, bearer(reportsKey))),
    wrongKey: await codeOf(() => reports.getCustomer(by, bearer("shop_reports_wrong"))),
    empty: await codeOf(() => collector.track({ events: [] }, bearer(serverKey))),
  };
}

console.log(JSON.stringify([await everything(false), await everything(true)]));
