//! A message's bytes, checked against its rules and written as JSON, in one pass.
//! None everywhere means: not sure, ask Python.

use crate::tables::{Field, Kind, Message, Role, Tables, ROLES};
use crate::text::{put_json, put_time};
use crate::wire::{record, seconds_and_nanos, Record, Span};
use std::io::Write;

/// The fields that have a role, as they were met.
pub type Spots = [Option<Record>; ROLES];

pub struct Reader<'a> {
    pub tables: &'a Tables,
    pub all: &'a [u8],
    /// The last moment that a time may tell.
    pub latest_us: i64,
}

impl Reader<'_> {
    /// Writes a message; `spots` are filled in.
    pub fn object(&self, message: usize, span: Span, out: &mut Vec<u8>, spots: &mut Spots) -> Option<()> {
        let shape = self.tables.messages.get(message).filter(|shape| shape.is_sure)?;
        let (mut at, mut place, mut given) = (span.from, 0, 0u64);
        out.push(b'{');
        while at < span.to {
            let part = record(self.all, at, span.to)?;
            // Fields come in the order of their numbers, each once.
            place += shape.fields[place..].iter().position(|field| field.row.number >= part.number)?;
            let field = &shape.fields[place];
            if field.row.number != part.number {
                return None;
            }
            if given != 0 {
                out.push(b',');
            }
            given |= 1 << place;
            place += 1;
            out.extend_from_slice(&field.key);
            if field.role != Role::Other {
                spots[field.role as usize] = Some(part);
            }
            at = if field.row.repeated { self.list(field, at, span.to, out)? } else { self.one(field, &part, out)? };
        }
        Self::is_complete(shape, given).then(|| out.push(b'}'))
    }

    fn is_complete(shape: &Message, given: u64) -> bool {
        let has = |place: usize| given >> place & 1 == 1;
        shape.fields.iter().enumerate().all(|(place, field)| !field.row.required || has(place))
            && shape.needs.iter().all(|(if_given, field, needed)| has(*field) != *if_given || has(*needed))
    }

    /// All entries of a list, which follow each other; where the last one ends.
    fn list(&self, field: &Field, mut at: usize, end: usize, out: &mut Vec<u8>) -> Option<usize> {
        let mut count = 0;
        out.push(b'[');
        while let Some(part) = record(self.all, at, end).filter(|part| part.number == field.row.number) {
            if count > 0 {
                out.push(b',');
            }
            count += 1;
            if field.row.most > 0 && count > field.row.most || matches!(field.kind, Kind::Text) && part.span.len() == 0
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
        let (span, row) = (part.span, &field.row);
        match field.kind {
            Kind::Text if part.is_bytes => put_json(out, self.text(field, span)?)?,
            Kind::Int if !part.is_bytes && (part.value != 0 || row.presence) => {
                let value = i64::try_from(part.value).ok().filter(|value| (row.low..=row.high).contains(value))?;
                write!(out, "{value}").ok()?;
            }
            Kind::Bool if !part.is_bytes && part.value == 1 => out.extend_from_slice(b"true"),
            Kind::Bool if !part.is_bytes && part.value == 0 && row.presence => out.extend_from_slice(b"false"),
            Kind::Time if part.is_bytes => {
                let (seconds, nanos) = seconds_and_nanos(self.all, span)?;
                let micros = nanos / 1_000;
                if !(row.low..row.high).contains(&seconds) || seconds * 1_000_000 + micros > self.latest_us {
                    return None;
                }
                put_time(out, seconds, micros)?;
            }
            Kind::Message(message) if part.is_bytes => self.object(message, span, out, &mut [None; ROLES])?,
            _ => return None,
        }
        Some(span.to)
    }

    /// A text that keeps its field's rules.
    pub fn text(&self, field: &Field, span: Span) -> Option<&str> {
        let text = std::str::from_utf8(span.of(self.all)).ok()?;
        let (row, choices) = (&field.row, &field.row.choices);
        let fits = if text.is_empty() {
            row.presence && field.empty_fits
        } else {
            // Only what has more bytes may have more characters.
            (row.longest == 0 || text.len() <= row.longest || text.chars().count() <= row.longest)
                && field.form.fits(text)
                && (choices.is_empty() || choices.iter().any(|choice| choice == text))
        };
        fits.then_some(text)
    }
}
