//! One event's bytes: its envelope, whom it is of, and its fingerprint.
//! None everywhere means: not sure, ask Python.

use crate::object::{Reader, Spots};
use crate::tables::{Field, Kind, Part, Role, ROLES};
use crate::text::uuid;
use crate::wire::{put_varint, record, seconds_and_nanos, Record, Span};
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
    /// The place of its type.
    pub kind: usize,
    pub spots: Spots,
    pub key: [u8; 16],
    pub occurred_us: i64,
    pub moved_us: i64,
    pub identity: Option<Span>,
    pub subject: [u8; 16],
    pub fingerprint: [u8; 16],
    pub properties: Span,
    pub context: Option<Span>,
}

impl Draft {
    pub fn span(&self, role: Role) -> Option<Span> {
        self.spots[role as usize].map(|part| part.span)
    }
}

impl Reader<'_> {
    /// The event at a place; its JSON is added to `json`.
    pub fn event(&self, event: Span, rules: &Rules, json: &mut Vec<u8>) -> Option<Draft> {
        let mut spots: Spots = [None; ROLES];
        let (payload, kind, message) = self.envelope(event, &mut spots)?;
        (rules.allowed >> payload.number & 1 == 1).then_some(())?;
        let span_of = |spots: &Spots, role: Role| spots[role as usize].map(|part| part.span);
        let moved_us = if span_of(&spots, Role::TimedOnArrival).is_some() { 0 } else { rules.moved_us };
        let (seconds, nanos) = seconds_and_nanos(self.all, span_of(&spots, Role::OccurredAt)?)?;
        let stated_us = (seconds < LAST_SECOND).then_some(seconds * 1_000_000 + nanos / 1_000)?;
        let occurred_us = stated_us.checked_add(moved_us)?;
        if !(EARLIEST_US..=self.latest_us).contains(&occurred_us) {
            return None;
        }
        let begin = json.len();
        json.push(1);
        self.object(message, payload.span, json, &mut spots)?;
        let properties = Span { from: begin, to: json.len() };
        let mut context = None;
        if let Some(span) = span_of(&spots, Role::Context) {
            json.push(1);
            self.object(self.tables.context, span, json, &mut spots)?;
            context = Some(Span { from: properties.to, to: json.len() });
        }
        self.is_usual(&spots, rules)?;
        let identity = self.identity(&self.tables.types[kind], &spots)?;
        Some(Draft {
            event,
            kind,
            key: uuid(span_of(&spots, Role::EventId)?.of(self.all))?,
            occurred_us,
            moved_us,
            identity,
            subject: self.subject(span_of(&spots, Role::TrackingId), identity)?,
            fingerprint: self.fingerprint(event, &spots)?,
            properties,
            context,
            spots,
        })
    }

    /// The payload, its type and its message; fields beside it are noted.
    fn envelope(&self, event: Span, spots: &mut Spots) -> Option<(Record, usize, usize)> {
        let (mut at, mut last, mut payload) = (event.from, 0, None);
        while at < event.to {
            let part = record(self.all, at, event.to)?;
            match self.tables.parts.get(part.number as usize)? {
                _ if part.number <= last => return None,
                Part::Field(field) => {
                    self.is_right(field, &part)?;
                    spots[field.role as usize] = Some(part);
                }
                Part::Payload(kind, message) if part.is_bytes && payload.is_none() => {
                    payload = Some((part, *kind, *message));
                }
                _ => return None,
            }
            (last, at) = (part.number, part.span.to);
        }
        payload
    }

    /// Whether a field of the envelope is one that is known here, and is as it should be.
    fn is_right(&self, field: &Field, part: &Record) -> Option<()> {
        let right = match (field.role, &field.kind) {
            (Role::Other, _) => false,
            (_, Kind::Bool) => !part.is_bytes && part.value == 1,
            (_, Kind::Text) => part.is_bytes && part.span.len() > 0 && !self.text(field, part.span)?.contains('\0'),
            _ => part.is_bytes,
        };
        right.then_some(())
    }

    /// Whether the context says nothing that needs a decision.
    fn is_usual(&self, spots: &Spots, rules: &Rules) -> Option<()> {
        let consents = spots[Role::Consent as usize].is_none_or(|part| part.span.of(self.all) == b"granted");
        let is_private = spots[Role::PrivacySignal as usize].is_some_and(|part| part.value == 1);
        let automated = spots[Role::Automated as usize].is_some();
        (consents && !automated && !(is_private && rules.privacy)).then_some(())
    }

    /// Whose an event is: an identify may say it twice, but not differently.
    fn identity(&self, kind: &str, spots: &Spots) -> Option<Option<Span>> {
        let own = spots[Role::Identity as usize].map(|part| part.span);
        own.or(spots[Role::TrackingId as usize].map(|part| part.span))?;
        if kind != "identify" {
            return Some(own);
        }
        let said = spots[Role::Identified as usize]?.span;
        own.is_none_or(|own| own.of(self.all) == said.of(self.all)).then_some(Some(said))
    }

    fn subject(&self, tracking_id: Option<Span>, identity: Option<Span>) -> Option<[u8; 16]> {
        let (prefix, span) = identity.map(|span| (b"i:", span)).or(tracking_id.map(|span| (b"t:", span)))?;
        let hash = Sha256::new().chain_update(prefix).chain_update(span.of(self.all)).finalize();
        hash[..16].try_into().ok()
    }

    /// The hash of the event as it was sent.
    fn fingerprint(&self, event: Span, spots: &Spots) -> Option<[u8; 16]> {
        let (mut hash, mut done) = (Blake2b::<U16>::new(), event.from);
        let mut skip = |hash: &mut Blake2b<U16>, tag: usize, end: usize| {
            hash.update(&self.all[done..tag]);
            done = end;
        };
        if let (Some(_), Some(part)) = (spots[Role::TimedOnArrival as usize], spots[Role::OccurredAt as usize]) {
            skip(&mut hash, part.tag, part.span.to);
        }
        // What our side of the wire puts in is no part of what makes two events the same.
        let cut: Vec<_> = spots[Role::Address as usize..=Role::NetworkCity as usize].iter().flatten().collect();
        if let (Some(context), false) = (spots[Role::Context as usize], cut.is_empty()) {
            let size: usize = cut.iter().map(|part| part.span.to - part.tag).sum();
            let mut head = Vec::with_capacity(8);
            put_varint(&mut head, (context.number << 3 | 2) as usize);
            put_varint(&mut head, context.span.len() - size);
            skip(&mut hash, context.tag, context.span.from);
            hash.update(&head);
            for part in cut {
                skip(&mut hash, part.tag, part.span.to);
            }
        }
        skip(&mut hash, event.to, event.to);
        hash.finalize()[..].try_into().ok()
    }
}
