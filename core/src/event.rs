//! One event's bytes: its envelope, whom it is of, and its fingerprint.
//! None everywhere means: not sure, ask Python.

use crate::object::{Reader, Spot, Spots};
use crate::tables::{Field, Part, Role, ROLES};
use crate::text::uuid;
use crate::wire::{put_varint, record, seconds_and_nanos, Span};
use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest};
use sha2::Sha256;

// Events count from 1990 on; see `_EARLIEST_US` in Python.
const EARLIEST_US: i64 = 631_152_000_000_000;
// The last second that is surely within the years that a clock may tell.
const LAST_SECOND: i64 = 253_402_300_796;

/// What Python said of the request.
pub struct Rules {
    /// How far times are moved, where the sender's clock is off.
    pub moved_us: i64,
    /// The types that may be sent, by the numbers of their fields.
    pub allowed: u64,
    /// Whether an event whose browser asks not to be tracked is refused.
    pub privacy: bool,
}

/// What was read of an event. Its places are in the request's bytes, those of JSON in the writer's.
pub struct Draft {
    pub event: Span,
    pub payload: usize,
    pub key: [u8; 16],
    pub id: Span,
    pub occurred_us: i64,
    pub moved_us: i64,
    pub on_arrival: bool,
    pub sandbox: bool,
    pub tracking_id: Option<Span>,
    pub identity: Option<Span>,
    pub source: Option<Span>,
    pub tie_breaker: Option<i64>,
    pub subject: [u8; 16],
    pub fingerprint: [u8; 16],
    pub properties: Span,
    pub context: Option<Span>,
    pub user_agent: Option<Span>,
    pub address: Option<Span>,
    pub origin: Option<Span>,
}

/// The fields of Event, as they were met.
#[derive(Default)]
struct Envelope {
    id: Option<Span>,
    occurred: Option<(Spot, i64)>,
    tracking_id: Option<Span>,
    identity: Option<Span>,
    source: Option<Span>,
    sandbox: bool,
    context: Option<Spot>,
    on_arrival: bool,
    tie_breaker: Option<(Spot, i64)>,
    payload: Option<(usize, u32, Span)>,
}

impl Reader<'_> {
    /// The event at a place; its JSON is added to `json`.
    pub fn event(&self, event: Span, rules: &Rules, json: &mut Vec<u8>) -> Option<Draft> {
        let found = self.envelope(event)?;
        let (payload, number, span) = found.payload?;
        if rules.allowed >> number & 1 == 0 {
            return None;
        }
        let moved_us = if found.on_arrival { 0 } else { rules.moved_us };
        let occurred_us = found.occurred?.1.checked_add(moved_us)?;
        if !(EARLIEST_US..=self.latest_us).contains(&occurred_us) {
            return None;
        }
        let kind = &self.tables.payloads[payload];
        let mut spots: Spots = [None; ROLES];
        let begin = json.len();
        json.push(1);
        self.object(kind.message, span, json, &mut spots)?;
        let properties = Span { from: begin, to: json.len() };
        let context = match found.context {
            Some(spot) => {
                json.push(1);
                self.object(self.tables.context, spot.span, json, &mut spots)?;
                Some(Span { from: properties.to, to: json.len() })
            }
            None => None,
        };
        self.is_usual(&spots, rules)?;
        found.tracking_id.or(found.identity)?;
        let own = found.identity;
        let identity =
            if kind.is_identify { self.identified(own, spots[Role::Identity as usize])? } else { own };
        let span_of = |role: Role| spots[role as usize].map(|spot: Spot| spot.span);
        Some(Draft {
            event,
            payload,
            id: found.id?,
            key: uuid(found.id?.of(self.all))?,
            occurred_us,
            moved_us,
            on_arrival: found.on_arrival,
            sandbox: found.sandbox,
            tracking_id: found.tracking_id,
            identity,
            source: found.source,
            tie_breaker: found.tie_breaker.map(|(_, number)| number),
            subject: self.subject(found.tracking_id, identity)?,
            fingerprint: self.fingerprint(event, &found, &spots)?,
            properties,
            context,
            user_agent: span_of(Role::UserAgent).filter(|span| !span.is_empty()),
            address: span_of(Role::Address),
            origin: span_of(Role::Origin),
        })
    }

    fn envelope(&self, event: Span) -> Option<Envelope> {
        let mut found = Envelope::default();
        let (mut at, mut last) = (event.from, 0);
        while at < event.to {
            let part = record(self.all, at, event.to)?;
            if part.number <= last {
                return None;
            }
            last = part.number;
            let spot = Spot { tag: at, span: part.span, value: part.value };
            let is_one = !part.is_bytes && part.value == 1;
            match (self.tables.parts.get(part.number as usize)?, part.is_bytes) {
                (Part::EventId, true) => found.id = Some(part.span),
                (Part::OccurredAt, true) => found.occurred = Some((spot, self.moment(part.span)?)),
                (Part::TrackingId, true) => {
                    found.tracking_id = Some(self.id(&self.tables.tracking_id, part.span)?)
                }
                (Part::Identity, true) => found.identity = Some(self.id(&self.tables.identity, part.span)?),
                (Part::Source, true) => found.source = Some(self.id(&self.tables.source, part.span)?),
                (Part::Sandbox, false) if is_one => found.sandbox = true,
                (Part::Context, true) => found.context = Some(spot),
                (Part::TimedOnArrival, false) if is_one => found.on_arrival = true,
                (Part::TieBreaker, false) => found.tie_breaker = Some((spot, part.value as i64)),
                (Part::Payload(payload), true) if found.payload.is_none() => {
                    found.payload = Some((*payload, part.number, part.span));
                }
                _ => return None,
            }
            at = part.span.to;
        }
        Some(found)
    }

    fn moment(&self, span: Span) -> Option<i64> {
        let (seconds, nanos) = seconds_and_nanos(self.all, span)?;
        (seconds < LAST_SECOND).then_some(seconds * 1_000_000 + nanos / 1_000)
    }

    /// A text of the envelope, which is not empty and has no U+0000.
    fn id(&self, field: &Field, span: Span) -> Option<Span> {
        let text = self.text(field, span)?;
        (!text.is_empty() && !text.contains('\0')).then_some(span)
    }

    /// Whether the context says nothing that needs a decision.
    fn is_usual(&self, spots: &Spots, rules: &Rules) -> Option<()> {
        let consents = spots[Role::Consent as usize].is_none_or(|spot| spot.span.of(self.all) == b"granted");
        let is_private = spots[Role::PrivacySignal as usize].is_some_and(|spot| spot.value == 1);
        let automated = spots[Role::Automated as usize].is_some();
        (consents && !automated && !(is_private && rules.privacy)).then_some(())
    }

    /// Whose an identify is: it may say it twice, but not differently.
    fn identified(&self, own: Option<Span>, said: Option<Spot>) -> Option<Option<Span>> {
        let said = said?.span;
        match own {
            Some(own) if own.of(self.all) != said.of(self.all) => None,
            _ => Some(Some(said)),
        }
    }

    fn subject(&self, tracking_id: Option<Span>, identity: Option<Span>) -> Option<[u8; 16]> {
        let (prefix, span) = match (identity, tracking_id) {
            (Some(span), _) => (b"i:", span),
            (None, Some(span)) => (b"t:", span),
            (None, None) => return None,
        };
        let hash = Sha256::new().chain_update(prefix).chain_update(span.of(self.all)).finalize();
        hash[..16].try_into().ok()
    }

    /// The hash of the event as it was sent: without what our side of the wire put in.
    fn fingerprint(&self, event: Span, found: &Envelope, spots: &Spots) -> Option<[u8; 16]> {
        let mut hash = Blake2b::<U16>::new();
        let mut done = event.from;
        let mut skip = |hash: &mut Blake2b<U16>, tag: usize, end: usize| {
            hash.update(&self.all[done..tag]);
            done = end;
        };
        if let (true, Some((spot, _))) = (found.on_arrival, found.occurred) {
            skip(&mut hash, spot.tag, spot.span.to);
        }
        let set_by_gateway = [Role::Address, Role::Origin, Role::PrivacySignal];
        let cut: Vec<Spot> = set_by_gateway.iter().filter_map(|role| spots[*role as usize]).collect();
        if let (Some(context), false) = (found.context, cut.is_empty()) {
            let size: usize = cut.iter().map(|spot| spot.span.to - spot.tag).sum();
            let mut head = Vec::with_capacity(8);
            put_varint(&mut head, self.all[context.tag] as usize);
            put_varint(&mut head, context.span.to - context.span.from - size);
            skip(&mut hash, context.tag, context.span.from);
            hash.update(&head);
            for spot in cut {
                skip(&mut hash, spot.tag, spot.span.to);
            }
        }
        if let Some((spot, _)) = found.tie_breaker {
            skip(&mut hash, spot.tag, spot.span.to);
        }
        skip(&mut hash, event.to, event.to);
        hash.finalize()[..].try_into().ok()
    }
}
