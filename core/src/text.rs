//! Texts: what they may look like, and how JSON has them.

use std::io::Write;

#[derive(Clone, Copy)]
pub enum Form {
    Any,
    Money,
    Capitals,
    Email,
    Uuid,
    /// An identity or a tracking id, which is not one of the words that many people would share.
    Id,
}

/// Of the placeholders those that have only letters, digits and `-_/`.
const NOBODY: &str = "null undefined none nil nan n/a true false -1 guest anonymous unknown id userid user_id \
                      distinctid distinct_id user email not_authenticated";

impl Form {
    pub fn named(name: &str) -> Option<Form> {
        Some(match name {
            "" => Form::Any,
            "money" => Form::Money,
            "capitals" => Form::Capitals,
            "email" => Form::Email,
            "uuid" => Form::Uuid,
            "identity" | "device" => Form::Id,
            _ => return None,
        })
    }

    /// Whether a text surely has this form. It is not empty.
    pub fn fits(self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match self {
            Form::Any => true,
            Form::Money => is_money(bytes),
            Form::Capitals => bytes.len() == 3 && bytes.iter().all(u8::is_ascii_uppercase),
            Form::Email => is_email(bytes),
            Form::Uuid => uuid(bytes).is_some(),
            Form::Id => !may_be_nobody(text),
        }
    }
}

fn is_money(text: &[u8]) -> bool {
    let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &text[whole..];
    let has_part = || rest[0] == b'.' && (2..=5).contains(&rest.len()) && rest[1..].iter().all(u8::is_ascii_digit);
    (1..=14).contains(&whole) && (rest.is_empty() || has_part())
}

fn is_email(text: &[u8]) -> bool {
    let mut ats = text.iter().enumerate().filter(|(_, byte)| **byte == b'@');
    let (Some((at, _)), None) = (ats.next(), ats.next()) else { return false };
    at > 0 && at + 1 < text.len() && !text.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\n' | 12 | b'\r'))
}

/// Whether an id may stand for nobody in particular, as spaces, brackets, quotes, templates and letters
/// beyond ASCII leave open: only what surely does not gets by.
fn may_be_nobody(id: &str) -> bool {
    !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:@+/|=".contains(&byte))
        || id.bytes().all(|byte| matches!(byte, b'0' | b'-'))
        || NOBODY.split(' ').any(|word| id.eq_ignore_ascii_case(word))
}

/// The 16 bytes of a UUID in lower case.
pub fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 36 || [8, 13, 18, 23].iter().any(|place| text[*place] != b'-') {
        return None;
    }
    let (mut key, mut at) = ([0u8; 16], 0);
    for byte in &mut key {
        at += usize::from(matches!(at, 8 | 13 | 18 | 23));
        *byte = (digit(text[at])? << 4) | digit(text[at + 1])?;
        at += 2;
    }
    Some(key)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// A text as JSON, in the words of orjson; None: it has U+0000.
pub fn put_json(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let bytes = text.as_bytes();
    let mut done = 0;
    out.push(b'"');
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        match byte {
            0 => return None,
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            8 => out.extend_from_slice(b"\\b"),
            9 => out.extend_from_slice(b"\\t"),
            10 => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            13 => out.extend_from_slice(b"\\r"),
            _ => write!(out, "\\u{byte:04x}").ok()?,
        }
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
    Some(())
}

/// A time after 1970 as JSON: RFC 3339 in UTC with 0, 3 or 6 digits after the second.
pub fn put_time(out: &mut Vec<u8>, seconds: i64, micros: i64) -> Option<()> {
    let ((year, month, day), second) = (date(seconds / 86_400), seconds % 86_400);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    write!(out, "\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}").ok()?;
    match micros {
        0 => Ok(()),
        _ if micros % 1_000 == 0 => write!(out, ".{:03}", micros / 1_000),
        _ => write!(out, ".{micros:06}"),
    }
    .ok()?;
    out.extend_from_slice(b"Z\"");
    Some(())
}

/// The date of a day after 1970, in the Gregorian calendar.
fn date(days: i64) -> (i64, i64, i64) {
    // Eras of 400 years that begin with March, so that a leap day is a year's last.
    let from_march = days + 719_468;
    let (era, day) = (from_march / 146_097, from_march % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (year, month, day) = (year + 400 * era, month + 3, day - (153 * month + 2) / 5 + 1);
    if month > 12 {
        (year + 1, month - 12, day)
    } else {
        (year, month, day)
    }
}
