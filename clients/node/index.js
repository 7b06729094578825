// Sends a shop's events from a Node.js backend: the call queues, delivery goes on in order beside it.
// Needs nothing but Node.js 20. Events are those of the catalogue, as the browser's tag and the Python client take them.

import { randomBytes } from 'node:crypto';

const MOST_EVENTS = 1_000;
const MOST_BYTES = 400_000; // the gateway takes 512,000 bytes
const RETRIED = new Set([408, 429, 500, 502, 503, 504]);
const STORED = new Set(['ACCEPTED', 'DUPLICATE']);
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const QUIET_MS = 60_000;
const NOBODYS = {
  field: 'tracking_id',
  rule_id: 'tracking_id.or_identity',
  message: 'give a tracking_id, an identity, or both',
};

/** A new UUID of version 7 (RFC 9562): in order of time, which is stored fastest. */
export function uuid7(now = Date.now()) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export class Shopalytic {
  #queue = [];
  #inFlight = [];
  #instance = randomBytes(8).toString('hex');
  #number = 0;
  #dropped = { queue_full: 0, expired: 0, refused: 0, too_large: 0 };
  #lostAtClose = [];
  #waiters = [];
  #running = false;
  #hurry = 0;
  #closed = false;
  #abandoned = false;
  #stopping = new AbortController();
  #nextLine = 0;
  #failing = false;
  #batchSize;

  constructor(options = {}) {
    const {
      url = process.env.SHOPALYTIC_URL ?? 'http://127.0.0.1:8080',
      key = process.env.SHOPALYTIC_KEY,
      source,
      sandbox = false,
      disabled = /^(1|true|yes|on)$/i.test(process.env.SHOPALYTIC_DISABLED ?? ''),
      maxQueue = 10_000,
      batchSize = MOST_EVENTS,
      lingerMs = 50,
      timeoutMs = 15_000,
      retryDeadlineMs = 300_000,
      closeTimeoutMs = 5_000,
      onRefused,
      onLost,
      log = console,
    } = options;
    this.disabled = disabled || !key;
    if (!disabled && !key) log.warn('shopalytic: no events are sent: there is no key. Give key or set SHOPALYTIC_KEY.');
    Object.assign(this, { source, sandbox, maxQueue, lingerMs, timeoutMs, retryDeadlineMs, closeTimeoutMs, onRefused, onLost, log });
    this.address = `${String(url).replace(/\/+$/, '')}/collect`;
    this.#batchSize = Math.max(1, Math.min(batchSize, MOST_EVENTS));
    this.headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    this.stats = { queued: 0, accepted: 0, duplicate: 0, conflict: 0, quarantined: 0, rejected: 0, lost: 0, retries: 0, lastError: null };
  }

  /** Queues an event and returns its id. Never throws and never waits: what cannot be taken goes to onLost. */
  track(type, properties = {}, envelope = {}) {
    const event = { type, properties, event_id: uuid7(), occurred_at: new Date().toISOString(), ...envelope };
    if (event.source === undefined && this.source !== undefined) event.source = this.source;
    if (event.sandbox === undefined && this.sandbox) event.sandbox = true;
    return this.send(event);
  }

  /** Says that a device is used by a customer. */
  identify(identity, envelope = {}) {
    const owner = envelope.tracking_id ? {} : { identity };
    return this.track('identify', { identity }, { ...owner, ...envelope });
  }

  /** Gives a customer a further identity: the envelope says whose. */
  alias(identity, envelope = {}) {
    return this.track('alias', { identity }, envelope);
  }

  /** Queues a whole event, such as one that onLost or close gave back. */
  send(event) {
    if (this.disabled) return event.event_id;
    if (!event.tracking_id && !event.identity) {
      // The gateway would make a visitor of it, which is right for a browser only.
      this.#refuse({ event_id: event.event_id, status: 'REJECTED', violations: [NOBODYS] }, event);
      return event.event_id;
    }
    let text;
    try {
      text = JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    } catch (error) {
      this.#lose([{ event }], `it cannot be written as JSON: ${error.message}`);
      return event.event_id;
    }
    if (this.#closed) {
      this.#lose([{ event }], 'the client is closed');
      return event.event_id;
    }
    if (this.#queue.length >= this.maxQueue) {
      this.#dropped.queue_full += 1;
      this.#lose([this.#queue.shift()], 'the queue is full');
      this.#settle([]);
    }
    this.#number += 1;
    this.#queue.push({ event, text, number: this.#number, bytes: Buffer.byteLength(text) + 1, at: Date.now() });
    this.stats.queued += 1;
    if (!this.#running) {
      this.#running = true;
      this.#run();
    }
    return event.event_id;
  }

  /** Waits until every event queued before has its verdict, at most so long; true if so. */
  async flush(timeoutMs = Infinity) {
    this.#hurry += 1;
    try {
      return await this.#settled(timeoutMs);
    } finally {
      this.#hurry -= 1;
    }
  }

  /**
   * Takes no more events, delivers what waits, and tells what was not delivered: {delivered, undelivered}.
   * Gives up when there was no outcome for so long.
   */
  async close(timeoutMs = this.closeTimeoutMs) {
    if (this.#closed) return { delivered: 0, undelivered: [] };
    this.#closed = true;
    const waited = this.#open();
    this.#hurry += 1;
    await this.#settled(timeoutMs, true);
    this.#abandoned = true;
    this.#stopping.abort();
    const left = [...this.#inFlight.splice(0), ...this.#queue.splice(0)];
    if (left.length) this.#lose(left, `the client was closed${this.stats.lastError ? `; ${this.stats.lastError}` : ''}`);
    return { delivered: waited - this.#lostAtClose.length, undelivered: this.#lostAtClose };
  }

  /** Waits for what was queued so far; with `patient` as long as there is an outcome within the time. */
  #settled(timeoutMs, patient = false) {
    const through = this.#number;
    if (this.#oldest() > through) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter = { through, resolve, timer: undefined, patient };
      waiter.start = () => {
        clearTimeout(waiter.timer);
        if (!Number.isFinite(timeoutMs)) return;
        waiter.timer = setTimeout(() => {
          this.#waiters = this.#waiters.filter((each) => each !== waiter);
          resolve(false);
        }, timeoutMs);
      };
      waiter.start();
      this.#waiters.push(waiter);
    });
  }

  /** The number of the oldest event without an outcome; one past the last where there is none. */
  #oldest() {
    return (this.#inFlight[0] ?? this.#queue[0])?.number ?? this.#number + 1;
  }

  /** How many events have no outcome yet. */
  #open() {
    return this.#inFlight.length + this.#queue.length;
  }

  async #run() {
    while (this.#queue.length && !this.#abandoned) {
      const wait = this.#queue[0].at + this.lingerMs - Date.now();
      if (wait > 0 && !this.#hurry && this.#queue.length < this.#batchSize) await this.#sleep(Math.min(wait, 10));
      else await this.#deliver(this.#taken());
    }
    this.#running = false;
  }

  /** Takes the next batch out of the queue, so that a full one drops nothing that may be stored already. */
  #taken() {
    let bytes = 0;
    let count = 0;
    for (const { bytes: size } of this.#queue) {
      if (count === this.#batchSize || (count && bytes + size > MOST_BYTES)) break;
      bytes += size;
      count += 1;
    }
    this.#inFlight = this.#queue.splice(0, count);
    return this.#inFlight;
  }

  /** Sends one batch until it has its verdicts, or cannot have any. */
  async #deliver(batch) {
    const expires = batch.at(-1).at + this.retryDeadlineMs;
    for (let attempt = 0; !this.#abandoned; attempt += 1) {
      const { verdicts, status, after, cause } = await this.#attempt(batch);
      if (this.#abandoned) return; // close has given the events back
      if (verdicts) return this.#answered(batch, verdicts);
      this.stats.lastError = cause;
      if (status === 413 && batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        await this.#deliver(batch.slice(0, half));
        return this.#deliver(batch.slice(half));
      }
      const pause = after ?? Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
      if ((status && !RETRIED.has(status)) || Date.now() + pause > expires) {
        this.#dropped[!status || RETRIED.has(status) ? 'expired' : status === 413 ? 'too_large' : 'refused'] += batch.length;
        this.#settle(batch);
        return this.#lose(batch, cause);
      }
      this.#say(cause);
      this.stats.retries += 1;
      await this.#sleep(pause);
    }
  }

  async #attempt(batch) {
    const sent = JSON.stringify(new Date().toISOString());
    const { number } = batch[0];
    const told = { instance: this.#instance, source: this.source, first_sequence: number, count: batch.length, dropped: this.#dropped };
    const numbers = JSON.stringify([told]);
    const body = `{"cookie":false,"sent_at":${sent},"deliveries":${numbers},"events":[${batch.map(({ text }) => text).join(',')}]}`;
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(this.timeoutMs), this.#stopping.signal]);
      const response = await fetch(this.address, { method: 'POST', headers: this.headers, body, signal });
      const answer = await response.json().catch(() => null);
      if (response.ok && answer?.results?.length === batch.length) return { verdicts: answer.results };
      if (response.ok) return { status: 400, cause: `${this.address} is not a Shopalytic gateway` };
      const seconds = Number(response.headers.get('retry-after'));
      return {
        status: response.status,
        after: seconds > 0 ? seconds * 1_000 : undefined,
        cause: answer?.error?.message ?? `${this.address} answers ${response.status}`,
      };
    } catch (error) {
      return { cause: causeOf(error, this.address) };
    }
  }

  #answered(batch, verdicts) {
    this.#settle(batch);
    if (this.#failing) {
      this.#failing = false;
      this.log.warn('shopalytic: events are delivered again.');
    }
    verdicts.forEach((verdict, index) => {
      const word = verdict.status.toLowerCase();
      if (word in this.stats) this.stats[word] += 1;
      if (!STORED.has(verdict.status)) this.#refuse(verdict, batch[index].event);
    });
  }

  #refuse(verdict, event) {
    if (this.onRefused) return this.#guard(() => this.onRefused(verdict, event));
    const rules = verdict.violations.map(({ field, rule_id: rule }) => `${field || 'event'} ${rule}`);
    this.log.warn(`shopalytic: event ${verdict.event_id} is ${verdict.status}: ${rules.join(', ')}`);
  }

  #settle(batch) {
    const gone = new Set(batch);
    this.#inFlight = this.#inFlight.filter((entry) => !gone.has(entry));
    const oldest = this.#oldest();
    for (const waiter of this.#waiters.splice(0)) {
      if (oldest <= waiter.through) {
        if (waiter.patient) waiter.start();
        this.#waiters.push(waiter);
      } else {
        clearTimeout(waiter.timer);
        waiter.resolve(true);
      }
    }
  }

  #lose(entries, reason) {
    this.stats.lost += entries.length;
    const events = entries.map(({ event }) => event);
    if (this.#closed && reason !== 'the client is closed') this.#lostAtClose.push(...events);
    if (this.onLost) this.#guard(() => this.onLost(events, reason));
    else this.log.error(`shopalytic: ${events.length} events were not delivered: ${reason}`);
  }

  #say(cause) {
    if (this.#failing && Date.now() < this.#nextLine) return;
    this.#failing = true;
    this.#nextLine = Date.now() + QUIET_MS;
    this.log.warn(`shopalytic: events wait and are sent again: ${cause}`);
  }

  #guard(callback) {
    try {
      callback();
    } catch (error) {
      this.log.error('shopalytic: a callback failed; delivery goes on.', error);
    }
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#stopping.signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
}

function causeOf(error, address) {
  const code = error?.cause?.code;
  if (code === 'ECONNREFUSED') return `nothing listens at ${address}; start the gateway, or correct the address`;
  if (code === 'ENOTFOUND') return `there is no host of the name in ${address}`;
  if (error?.name === 'TimeoutError') return `${address} did not answer in time`;
  return `${address} could not be reached (${code ?? error?.name ?? 'unknown'})`;
}
