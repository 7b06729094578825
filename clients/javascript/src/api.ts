/** The calls of the tag as pages see them. */
import type { EventProperties } from "./catalogue.js";

/** The name of an event. */
export type EventType = keyof EventProperties;

/** What a visitor chose: to be counted for analytics, or not; "pending": events wait until it is known. */
export type Consent = "granted" | "denied" | "pending";

/** How the tag is set up. Every option may be left out. */
export interface Options {
  /** Send nothing, store nothing and let no cookie be set. Default: false. */
  disabled?: boolean;
  /** Free label of where events come from, such as "web". Default: none. */
  source?: string;
  /** Print each call and the server's verdict to the console. Default: false. */
  debug?: boolean;
  /** Keep these events apart from real data and send each at once. Default: false. */
  sandbox?: boolean;
  /** Let the shop's sub-domains share one visitor. Default: true. */
  cross_subdomain_cookie?: boolean;
  /** Address that events go to, less its last part "/collect". Default: where the script came from. */
  endpoint?: string;
  /**
   * Send a page_view on load and on each in-page navigation to another path; "query": also where only the query
   * (`?…`) changes. Default: true.
   */
  autotrack?: boolean | "query";
  /** What the visitor chose. Default: not said, which counts as granted. */
  consent?: Consent | undefined;
  /** Act as if disabled for visitors who send Do Not Track or Global Privacy Control. Default: false. */
  respect_privacy_signals?: boolean;
}

/** Why an event was not accepted. */
export interface Violation {
  /** Path of the field, such as "order.line_items[0].price". Empty: the event as a whole. */
  field: string;
  /** Stable name of the rule, such as "string.max_len". Those that begin with "tag." are the tag's own. */
  rule_id: string;
  /** What is wrong and what to do, as a sentence. */
  message: string;
}

/** What became of an event. */
export interface Verdict {
  /** The event's id. */
  event_id: string;
  /** ACCEPTED and DUPLICATE are stored; CONFLICT and QUARANTINED are kept for repair; REJECTED is not kept. */
  status: "ACCEPTED" | "DUPLICATE" | "CONFLICT" | "QUARANTINED" | "REJECTED";
  /** Why, when it was not accepted. */
  violations: Violation[];
}

/** The tag. None of its calls ever throws. */
export interface Shopalytic {
  /** Starts the tag. Calls made before it wait for it; called again it replaces the options. */
  init(token: string, options?: Options): void;
  /** Says what the visitor chose; it holds for what follows, and for what waits for it. The next page must be told, too. */
  consent(state: Consent): void;
  /** Sends an event. The promise waits for the server's verdict, as long as that takes. */
  track<T extends EventType>(type: T, properties: EventProperties[T]): Promise<Verdict>;
  /**
   * Says who the visitor is; until `reset` their events carry this identity. A project may demand the
   * signature of it that a backend makes.
   */
  identify(identity: string, signature?: string): Promise<Verdict>;
  /** Gives the customer a further identity, with its signature where one is demanded. */
  alias(identity: string, signature?: string): Promise<Verdict>;
  /** Logout: forgets the identity and asks for a new tracking id. */
  reset(): Promise<unknown>;
}
