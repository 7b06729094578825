"""The HTTP surfaces of other tools: Segment and RudderStack, PostHog, Google Analytics 4.

A shop keeps the SDK that it has and gives it our address. `route` answers a
request; `segment`, `posthog` and `ga4` read it into `Message`s, each by its
tool's rules; `catalogue` is the one table of their names and ours, and
`translation` makes our events by it.
"""
