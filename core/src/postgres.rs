//! What PostgreSQL takes of events, in its binary forms: rows of COPY, and arrays.
//! <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".

use crate::prepared::Prepared;
use crate::tables::Role;
use pyo3::prelude::*;

// PostgreSQL counts microseconds from 2000 on.
const EPOCH_US: i64 = 946_684_800_000_000;
const COLUMNS: i16 = 19;
const UUID: i32 = 2950;
/// The types of a row's columns after the first, by their object ids:
/// <https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat>
const TYPES: [i32; 18] = [1184, 1184, 25, 25, 16, 25, 16, 2950, 1184, 2950, 1184, 1184, 20, 1009, 25, 25, 3802, 3802];
/// What a COPY begins and ends with.
pub const BEGIN: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
pub const END: &[u8] = b"\xff\xff";

fn put(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(&(value.len() as i32).to_be_bytes());
    out.extend_from_slice(value);
}

fn put_or_null(out: &mut Vec<u8>, value: Option<&[u8]>) {
    out.extend_from_slice(&value.map_or(-1, |value| value.len() as i32).to_be_bytes());
    out.extend_from_slice(value.unwrap_or_default());
}

fn put_number(out: &mut Vec<u8>, number: Option<i64>) {
    put_or_null(out, number.map(i64::to_be_bytes).as_ref().map(|bytes| &bytes[..]));
}

/// A row of `events`, with the columns of `copyrows.COLUMNS`.
pub fn row(py: Python<'_>, item: &Prepared, out: &mut Vec<u8>) {
    let (draft, shared) = (&item.draft, &item.shared);
    let time = |time_us: i64| Some(time_us - EPOCH_US);
    let sent = |role: Role| draft.span(role).map(|span| item.sent(py, span));
    out.extend_from_slice(&COLUMNS.to_be_bytes());
    put(out, &item.dataset_id.to_be_bytes());
    put_number(out, time(shared.clock.received_us));
    put_number(out, shared.clock.sent_us.and_then(time));
    put(out, shared.core.get().tables.types[draft.kind].as_bytes());
    put_or_null(out, sent(Role::Source));
    put(out, &[0]); // bot
    put_or_null(out, shared.key_class.as_ref().and_then(|name| name.bind(py).to_str().ok()).map(str::as_bytes));
    put_or_null(out, None); // identity_signed
    put(out, &draft.subject);
    put_number(out, time(draft.occurred_us));
    put(out, &draft.key);
    put_number(out, item.corrected_us().and_then(time));
    put_number(out, Some(draft.occurred_us - draft.moved_us).filter(|_| draft.moved_us != 0).and_then(time));
    put_or_null(out, None); // tie_breaker
    put_or_null(out, None); // plain_dates
    put_or_null(out, sent(Role::TrackingId));
    put_or_null(out, draft.identity.map(|span| item.sent(py, span)));
    put(out, item.properties_json());
    put_or_null(out, item.context_json());
}

/// An element of an `incoming_event_v4[]`: a row with the fingerprint for the dataset, and the type of each column.
pub fn record(py: Python<'_>, item: &Prepared, out: &mut Vec<u8>) {
    let (mut copied, mut at) = (Vec::with_capacity(640), 10);
    row(py, item, &mut copied);
    // The row without its first ten bytes, the types of its columns, and 28 bytes before them.
    let size = copied.len() as i32 - 10 + 4 * TYPES.len() as i32 + 28;
    [size, i32::from(COLUMNS), UUID].iter().for_each(|number| out.extend_from_slice(&number.to_be_bytes()));
    put(out, &item.draft.fingerprint);
    for kind in TYPES {
        let length = i32::from_be_bytes([copied[at], copied[at + 1], copied[at + 2], copied[at + 3]]).max(0) as usize;
        out.extend(kind.to_be_bytes().iter().chain(&copied[at..at + 4 + length]));
        at += 4 + length;
    }
}

/// A `uuid[]` of one or more.
pub fn uuids(values: &[[u8; 16]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(20 + 20 * values.len());
    // Dimensions, flags (no nulls), type, length, lower bound.
    for number in [1, 0, UUID, values.len() as i32, 1] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    values.iter().for_each(|value| put(&mut out, value));
    out
}
