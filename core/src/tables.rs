//! The contract as data: which fields messages have, and their rules. Generated from the
//! protos, so that a new field or type of event needs no line here.

use crate::text::Form;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::collections::HashMap;

pub enum Kind {
    Text,
    Int,
    Bool,
    Time,
    /// The place of the message in `Tables::messages`.
    Message(usize),
    /// Events with such a field are Python's.
    Unsure,
}

/// What is to be known of some fields while the others are read.
#[derive(Clone, Copy, PartialEq)]
pub enum Role {
    Other,
    UserAgent,
    Address,
    Automated,
    Origin,
    PrivacySignal,
    Consent,
    Identity,
}
pub const ROLES: usize = 8;

pub struct Field {
    pub number: u32,
    /// The name as JSON has it: in quotes, and with a colon.
    pub key: Vec<u8>,
    pub kind: Kind,
    pub form: Form,
    pub repeated: bool,
    pub presence: bool,
    pub required: bool,
    pub most: usize,
    pub longest: usize,
    pub empty_fits: bool,
    pub low: i64,
    pub high: i64,
    pub choices: Vec<String>,
    pub role: Role,
}

/// If a field is given, or is not, or has one value, another one must be given.
pub struct Need {
    pub given: bool,
    pub field: usize,
    pub value: String,
    pub needed: usize,
}

pub struct Message {
    /// In the order of their numbers.
    pub fields: Vec<Field>,
    pub needs: Vec<Need>,
    pub is_sure: bool,
}

/// What a field of Event is.
#[derive(Clone, Copy)]
pub enum Part {
    Unsure,
    EventId,
    OccurredAt,
    TrackingId,
    Identity,
    Source,
    Sandbox,
    Context,
    TimedOnArrival,
    TieBreaker,
    /// The place in `Tables::payloads`.
    Payload(usize),
}

pub struct Payload {
    pub name: String,
    pub message: usize,
    pub is_identify: bool,
}

pub struct Tables {
    pub messages: Vec<Message>,
    pub payloads: Vec<Payload>,
    /// By the field's number in Event.
    pub parts: Vec<Part>,
    pub context: usize,
    pub tracking_id: Field,
    pub identity: Field,
    pub source: Field,
}

/// A field as the generated tables have it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Row {
    number: u32,
    name: String,
    kind: String,
    message: String,
    form: String,
    repeated: bool,
    presence: bool,
    required: bool,
    most: usize,
    shortest: usize,
    longest: usize,
    low: i64,
    high: i64,
    choices: Vec<String>,
}

type Needs = Vec<(bool, String, String, String)>;
/// Name, fields, needs, and whether these are all its rules; messages within others come first.
pub type Shape = (String, Vec<Row>, Needs, bool);

impl Tables {
    /// `envelope`: the fields of Event beside its payloads, which are (number, type, message).
    pub fn new(
        envelope: Vec<Row>,
        payloads: Vec<(u32, String, String)>,
        shapes: Vec<Shape>,
    ) -> PyResult<Self> {
        let mut places = HashMap::new();
        let mut messages = Vec::new();
        for (name, rows, needs, is_sure) in shapes {
            messages.push(message(&places, &name, rows, needs, is_sure)?);
            places.insert(name, messages.len() - 1);
        }
        let of = |name: &str| places.get(name).copied().ok_or_else(|| wrong("no message", name));
        let mut parts = Vec::new();
        let mut ids = HashMap::new();
        for row in envelope {
            put(&mut parts, row.number, part(&row))?;
            if matches!(row.name.as_str(), "tracking_id" | "identity" | "source") {
                ids.insert(row.name.clone(), field(&places, "Event", row)?);
            }
        }
        let mut read = Vec::new();
        for (number, name, message) in payloads {
            put(&mut parts, number, Part::Payload(read.len()))?;
            let is_identify = name == "identify";
            read.push(Payload { message: of(&message)?, name, is_identify });
        }
        let mut id = |name: &str| ids.remove(name).ok_or_else(|| wrong("no field", name));
        Ok(Tables {
            context: of("Context")?,
            tracking_id: id("tracking_id")?,
            identity: id("identity")?,
            source: id("source")?,
            messages,
            payloads: read,
            parts,
        })
    }
}

fn wrong(what: &str, name: &str) -> PyErr {
    PyValueError::new_err(format!("the tables have {what}: {name}"))
}

fn put(parts: &mut Vec<Part>, number: u32, part: Part) -> PyResult<()> {
    let at = number as usize;
    if !(1..64).contains(&at) {
        return Err(wrong("a number that Event cannot have", &number.to_string()));
    }
    if parts.len() <= at {
        parts.resize(at + 1, Part::Unsure);
    }
    parts[at] = part;
    Ok(())
}

fn part(row: &Row) -> Part {
    match row.name.as_str() {
        "event_id" => Part::EventId,
        "occurred_at" => Part::OccurredAt,
        "tracking_id" => Part::TrackingId,
        "identity" => Part::Identity,
        "source" => Part::Source,
        "sandbox" => Part::Sandbox,
        "context" => Part::Context,
        "timed_on_arrival" => Part::TimedOnArrival,
        "tie_breaker" => Part::TieBreaker,
        _ => Part::Unsure,
    }
}

fn message(
    places: &HashMap<String, usize>,
    name: &str,
    rows: Vec<Row>,
    needs: Needs,
    is_sure: bool,
) -> PyResult<Message> {
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let at =
        |wanted: &str| names.iter().position(|each| each == wanted).ok_or_else(|| wrong("no field", wanted));
    let needs = needs
        .into_iter()
        .map(|(given, field, value, needed)| {
            Ok(Need { given, field: at(&field)?, value, needed: at(&needed)? })
        })
        .collect::<PyResult<Vec<_>>>()?;
    let fields = rows.into_iter().map(|row| field(places, name, row)).collect::<PyResult<Vec<_>>>()?;
    // What is given is noted in 64 bits, and JSON has the fields in the order of the proto.
    let in_order = fields.len() <= 64 && fields.windows(2).all(|pair| pair[0].number < pair[1].number);
    Ok(Message { fields, needs, is_sure: is_sure && in_order })
}

fn field(places: &HashMap<String, usize>, owner: &str, row: Row) -> PyResult<Field> {
    let form = Form::named(&row.form);
    let kind = match row.kind.as_str() {
        "string" => Kind::Text,
        "int32" if row.low <= row.high => Kind::Int,
        "bool" => Kind::Bool,
        "timestamp" if row.low < row.high => Kind::Time,
        "message" => {
            Kind::Message(*places.get(&row.message).ok_or_else(|| wrong("no message", &row.message))?)
        }
        _ => Kind::Unsure,
    };
    let role = match (owner, row.name.as_str()) {
        ("Context", "user_agent") => Role::UserAgent,
        ("Context", "address") => Role::Address,
        ("Context", "automated") => Role::Automated,
        ("Context", "origin") => Role::Origin,
        ("Context", "privacy_signal") => Role::PrivacySignal,
        ("Context", "analytics_consent") => Role::Consent,
        ("Identify", "identity") => Role::Identity,
        _ => Role::Other,
    };
    Ok(Field {
        number: row.number,
        key: format!("\"{}\":", row.name).into_bytes(),
        kind: if form.is_some() { kind } else { Kind::Unsure },
        form: form.unwrap_or(Form::Any),
        repeated: row.repeated,
        presence: row.presence,
        required: row.required,
        most: row.most,
        longest: row.longest,
        empty_fits: row.shortest == 0 && row.form.is_empty() && row.choices.is_empty(),
        low: row.low,
        high: row.high,
        choices: row.choices,
        role,
    })
}
