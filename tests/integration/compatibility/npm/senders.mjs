// Sends events with one official SDK: "node senders.mjs SDK URL KEY". Views six products, the last three when a line comes in.
import { createInterface } from 'node:readline';

const [sdk, host, key] = process.argv.slice(2);
const product = (number) => ({ sku: `${sdk}-${number}`, name: 'Mug', price: 9.99 });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const SDKS = {
  async 'segment-node'() {
    const { Analytics } = await import('@segment/analytics-node');
    const analytics = new Analytics({ writeKey: key, host, flushInterval: 100, maxRetries: 30 });
    return {
      view: (number) =>
        analytics.track({ userId: sdk, event: 'Product Viewed', properties: product(number) }),
      close: () => analytics.closeAndFlush({ timeout: 60_000 }),
    };
  },
  async 'rudderstack-node'() {
    const { default: module } = await import('@rudderstack/rudder-sdk-node');
    const Analytics = module.default ?? module;
    const analytics = new Analytics(key, { dataPlaneUrl: host, flushAt: 1, retryCount: 30, logLevel: 'error' });
    const sent = [];
    return {
      view: (number) =>
        sent.push(
          new Promise((resolve) =>
            analytics.track({ userId: sdk, event: 'Product Viewed', properties: product(number) }, resolve),
          ),
        ),
      close: () => Promise.all(sent),
    };
  },
  async 'posthog-node'() {
    const { PostHog } = await import('posthog-node');
    const posthog = new PostHog(key, { host, fetchRetryCount: 30, fetchRetryDelay: 300, flushInterval: 100 });
    return {
      view: (number) =>
        posthog.capture({ distinctId: sdk, event: 'Product Viewed', properties: product(number) }),
      close: () => posthog.shutdown(60_000),
    };
  },
};

const { view, close } = await SDKS[sdk]();
for (const number of [1, 2, 3]) view(number);
await lines.next();
for (const number of [4, 5, 6]) view(number);
await close();
process.exit(0);
