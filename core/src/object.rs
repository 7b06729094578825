//! A message's bytes, checked against its rules and written as JSON, in one pass.
//! None everywhere means: not sure, ask Python.

use crate::tables::{Field, Kind, Message, Role, Tables, ROLES};
use crate::text::{is_within, put_json, put_number, put_time};
use crate::wire::{record, seconds_and_nanos, Record, Span};

/// Where something is: its value, and the place of its tag.
#[derive(Clone, Copy)]
pub struct Spot {
    pub tag: usize,
    pub span: Span,
    pub value: u64,
}

/// The fields that have a role, as they were met.
pub type Spots = [Option<Spot>; ROLES];

pub struct Reader<'a> {
    pub tables: &'a Tables,
    pub all: &'a [u8],
    /// The last moment that a time may tell.
    pub latest_us: i64,
}

impl Reader<'_> {
    /// Writes a message; `spots` are filled in.
    pub fn object(&self, message: usize, span: Span, out: &mut Vec<u8>, spots: &mut Spots) -> Option<()> {
        let shape = self.tables.messages.get(message)?;
        if !shape.is_sure {
            return None;
        }
        let (mut at, mut place, mut given) = (span.from, 0, 0u64);
        out.push(b'{');
        while at < span.to {
            let part = record(self.all, at, span.to)?;
            // Fields come in the order of their numbers, each once.
            place += shape.fields[place..].iter().position(|field| field.number >= part.number)?;
            let field = &shape.fields[place];
            if field.number != part.number {
                return None;
            }
            if given != 0 {
                out.push(b',');
            }
            given |= 1 << place;
            place += 1;
            out.extend_from_slice(&field.key);
            if field.role != Role::Other {
                spots[field.role as usize] = Some(Spot { tag: at, span: part.span, value: part.value });
            }
            at = if field.repeated {
                self.list(field, at, span.to, out)?
            } else {
                self.one(field, &part, out)?
            };
        }
        self.is_complete(shape, given, span).then(|| out.push(b'}'))
    }

    fn is_complete(&self, shape: &Message, given: u64, span: Span) -> bool {
        let has = |place: usize| given >> place & 1 == 1;
        let required = shape.fields.iter().enumerate().all(|(place, field)| !field.required || has(place));
        required
            && shape.needs.iter().all(|need| {
                let met = has(need.field) == need.given
                    && (need.value.is_empty()
                        || self.is_value(shape.fields[need.field].number, &need.value, span));
                !met || has(need.needed)
            })
    }

    /// Whether a field that is there has this text.
    fn is_value(&self, number: u32, text: &str, span: Span) -> bool {
        let mut at = span.from;
        while let Some(part) = record(self.all, at, span.to) {
            if part.number == number {
                return part.span.of(self.all) == text.as_bytes();
            }
            at = part.span.to;
        }
        false
    }

    /// All entries of a list, which follow each other; where the last one ends.
    fn list(&self, field: &Field, mut at: usize, end: usize, out: &mut Vec<u8>) -> Option<usize> {
        let mut count = 0;
        out.push(b'[');
        while at < end {
            let part = record(self.all, at, end)?;
            if part.number != field.number {
                break;
            }
            if count > 0 {
                out.push(b',');
            }
            count += 1;
            if field.most > 0 && count > field.most
                || matches!(field.kind, Kind::Text) && part.span.is_empty()
            {
                return None;
            }
            at = self.one(field, &part, out)?;
        }
        out.push(b']');
        Some(at)
    }

    /// One value; where it ends.
    fn one(&self, field: &Field, part: &Record, out: &mut Vec<u8>) -> Option<usize> {
        let span = part.span;
        match field.kind {
            Kind::Text if part.is_bytes => put_json(out, self.text(field, span)?)?,
            Kind::Int if !part.is_bytes => {
                let value = i64::try_from(part.value).ok()?;
                if value < field.low || value > field.high || (value == 0 && !field.presence) {
                    return None;
                }
                put_number(out, part.value);
            }
            Kind::Bool if !part.is_bytes => match part.value {
                1 => out.extend_from_slice(b"true"),
                0 if field.presence => out.extend_from_slice(b"false"),
                _ => return None,
            },
            Kind::Time if part.is_bytes => {
                let (seconds, nanos) = seconds_and_nanos(self.all, span)?;
                let micros = nanos / 1_000;
                if !(field.low..field.high).contains(&seconds)
                    || seconds * 1_000_000 + micros > self.latest_us
                {
                    return None;
                }
                put_time(out, seconds, micros);
            }
            Kind::Message(message) if part.is_bytes => {
                self.object(message, span, out, &mut [None; ROLES])?;
            }
            _ => return None,
        }
        Some(span.to)
    }

    /// A text that keeps its field's rules.
    pub fn text(&self, field: &Field, span: Span) -> Option<&str> {
        let text = std::str::from_utf8(span.of(self.all)).ok()?;
        let fits = if text.is_empty() {
            field.presence && field.empty_fits
        } else {
            (field.longest == 0 || is_within(text, field.longest))
                && field.form.fits(text)
                && (field.choices.is_empty() || field.choices.iter().any(|choice| choice == text))
        };
        fits.then_some(text)
    }
}
