//! Protobuf's bytes, in the one form that the usual senders give them.
//!
//! Whatever may be written in two ways is taken in the canonical one only: numbers in
//! their shortest form, fields in order. So bytes that are taken are those that Python's
//! protobuf would write again, and their hash is the event's fingerprint.

/// From where to where something is, in the request's bytes.
#[derive(Clone, Copy)]
pub struct Span {
    pub from: usize,
    pub to: usize,
}

impl Span {
    pub fn of<'a>(&self, all: &'a [u8]) -> &'a [u8] {
        &all[self.from..self.to]
    }
    pub fn len(&self) -> usize {
        self.to - self.from
    }
}

/// One field of a message: a number, or what is in `span`.
#[derive(Clone, Copy)]
pub struct Record {
    pub number: u32,
    pub is_bytes: bool,
    pub value: u64,
    /// Where its tag is.
    pub tag: usize,
    /// Its value, without the tag.
    pub span: Span,
}

/// The field that begins at a place of a message that ends at `end`.
#[inline]
pub fn record(all: &[u8], at: usize, end: usize) -> Option<Record> {
    let (tag, from) = varint(all, at, end)?;
    let (value, after) = varint(all, from, end)?;
    let number = u32::try_from(tag >> 3).ok()?;
    match tag & 7 {
        0 => Some(Record { number, is_bytes: false, value, tag: at, span: Span { from, to: after } }),
        2 => {
            let to = after.checked_add(usize::try_from(value).ok()?)?;
            (to <= end).then_some(Record { number, is_bytes: true, value: 0, tag: at, span: Span { from: after, to } })
        }
        _ => None,
    }
}

/// A number in its shortest form, and where it ends.
#[inline]
fn varint(all: &[u8], mut at: usize, end: usize) -> Option<(u64, usize)> {
    let bytes = all.get(..end)?;
    let first = *bytes.get(at)?;
    if first < 128 {
        return Some((u64::from(first), at + 1));
    }
    let (mut value, mut shift) = (u64::from(first & 127), 7);
    loop {
        at += 1;
        let byte = *bytes.get(at)?;
        if shift == 63 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return (byte != 0).then_some((value, at + 1));
        }
        shift += 7;
    }
}

pub fn put_varint(out: &mut Vec<u8>, mut value: usize) {
    while value > 127 {
        out.push((value & 127 | 128) as u8);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Seconds and nanoseconds of a time after 1970.
pub fn seconds_and_nanos(all: &[u8], span: Span) -> Option<(i64, i64)> {
    let (mut time, mut at, mut last) = ([0i64; 2], span.from, 0);
    while at < span.to {
        let part = record(all, at, span.to)?;
        // What is 0 is left out, and nothing comes twice.
        if part.is_bytes || part.number <= last || part.number > 2 || part.value == 0 {
            return None;
        }
        time[part.number as usize - 1] = i64::try_from(part.value).ok()?;
        (last, at) = (part.number, part.span.to);
    }
    (time[1] < 1_000_000_000).then_some((time[0], time[1]))
}
