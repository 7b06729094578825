//! What PostgreSQL takes of events, in its binary forms: rows of COPY, and arrays.
//! <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".

use crate::prepared::Prepared;
use pyo3::prelude::*;

// PostgreSQL counts microseconds from 2000 on.
const EPOCH_US: i64 = 946_684_800_000_000;
const COLUMNS: i16 = 19;
const UUID: i32 = 2950;

fn put(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(&(value.len() as i32).to_be_bytes());
    out.extend_from_slice(value);
}

fn put_or_null(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(value) => put(out, value),
        None => out.extend_from_slice(&(-1i32).to_be_bytes()),
    }
}

fn put_time(out: &mut Vec<u8>, time_us: Option<i64>) {
    put_or_null(out, time_us.map(|time| (time - EPOCH_US).to_be_bytes()).as_ref().map(|bytes| &bytes[..]));
}

/// What a COPY begins with.
pub fn begin() -> Vec<u8> {
    let mut out = b"PGCOPY\n\xff\r\n\0".to_vec();
    out.extend_from_slice(&[0; 8]);
    out
}

/// What it ends with.
pub fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1i16).to_be_bytes());
}

/// A row of `events`, with the columns of `copyrows.COLUMNS`.
pub fn row(py: Python<'_>, item: &Prepared, out: &mut Vec<u8>) {
    let (draft, shared) = (&item.draft, &item.shared);
    out.extend_from_slice(&COLUMNS.to_be_bytes());
    put(out, &item.dataset().to_be_bytes());
    put_time(out, Some(shared.received_us));
    put_time(out, shared.sent_us);
    put(out, shared.core.get().tables.payloads[draft.payload].name.as_bytes());
    put_or_null(out, draft.source.map(|span| item.sent(py, span)));
    put(out, &[0]); // bot
    put_or_null(
        out,
        shared.key_class.as_ref().and_then(|name| name.bind(py).to_str().ok()).map(str::as_bytes),
    );
    put_or_null(out, None); // identity_signed
    put(out, &draft.subject);
    put_time(out, Some(draft.occurred_us));
    put(out, &draft.key);
    put_time(out, item.corrected_us());
    put_time(out, (draft.moved_us != 0).then(|| draft.occurred_us - draft.moved_us));
    put_or_null(out, draft.tie_breaker.map(i64::to_be_bytes).as_ref().map(|bytes| &bytes[..]));
    put_or_null(out, None); // plain_dates
    put_or_null(out, draft.tracking_id.map(|span| item.sent(py, span)));
    put_or_null(out, draft.identity.map(|span| item.sent(py, span)));
    put(out, item.properties_json());
    put_or_null(out, item.context_json());
}

/// A `uuid[]`.
pub fn uuids<'a>(values: impl ExactSizeIterator<Item = &'a [u8; 16]>) -> Vec<u8> {
    let count = values.len() as i32;
    let mut out = Vec::with_capacity(20 + 20 * values.len());
    // Dimensions (an empty array has none), flags (no nulls), type; length, lower bound.
    for number in [i32::from(count > 0), 0, UUID] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    if count > 0 {
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(&1i32.to_be_bytes());
    }
    for value in values {
        put(&mut out, value);
    }
    out
}
