/** What `track` takes besides the event's own properties. */
export interface Envelope {
  identity?: string;
  tracking_id?: string;
  event_id?: string;
  occurred_at?: string | number;
  source?: string;
  sandbox?: boolean;
  tie_breaker?: number;
  context?: Record<string, unknown>;
}

export interface Event extends Envelope {
  type: string;
  properties: Record<string, unknown>;
}

export interface Verdict {
  event_id: string;
  status: 'ACCEPTED' | 'DUPLICATE' | 'CONFLICT' | 'QUARANTINED' | 'REJECTED';
  violations: { field: string; rule_id: string; message: string }[];
}

export interface Options {
  /** The gateway's address. Default: SHOPALYTIC_URL, else http://127.0.0.1:8080. */
  url?: string;
  /** A key of class server. Default: SHOPALYTIC_KEY. */
  key?: string;
  source?: string;
  sandbox?: boolean;
  disabled?: boolean;
  maxQueue?: number;
  batchSize?: number;
  lingerMs?: number;
  timeoutMs?: number;
  retryDeadlineMs?: number;
  closeTimeoutMs?: number;
  /** Events that are not stored as they are: the quarantine has them, with the verdict's reasons. */
  onRefused?: (verdict: Verdict, event: Event) => void;
  /** Events that were not delivered; `send` takes them again. */
  onLost?: (events: Event[], reason: string) => void;
  log?: Pick<Console, 'warn' | 'error'>;
}

export class Shopalytic {
  constructor(options?: Options);
  readonly stats: Record<string, number | string | null>;
  track(type: string, properties?: Record<string, unknown>, envelope?: Envelope): string;
  identify(identity: string, envelope?: Envelope): string;
  alias(identity: string, envelope?: Envelope): string;
  send(event: Event): string;
  flush(timeoutMs?: number): Promise<boolean>;
  close(timeoutMs?: number): Promise<{ delivered: number; undelivered: Event[] }>;
}

export function uuid7(now?: number): string;
