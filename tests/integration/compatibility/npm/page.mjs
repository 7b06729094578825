// What a shop's page has: both SDKs by their usual calls. The test puts URLS and KEY before it.
import { AnalyticsBrowser } from '@segment/analytics-next';
import posthog from 'posthog-js';

window.useSegment = () => {
  window.analytics = AnalyticsBrowser.load({ writeKey: KEY, cdnURL: URLS.segment });
};
window.usePosthog = () => {
  posthog.init(KEY, {
    api_host: URLS.posthog,
    capture_pageview: false,
    opt_out_useragent_filter: true, // it sends nothing of a browser that a test drives
    request_batching: false,
    person_profiles: 'always',
  });
  window.posthog = posthog;
};
