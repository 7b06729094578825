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

macro_rules! roles {
    ($($role:ident $owner:literal $field:literal)*) => {
        /// What is to be known of some fields while the others are read.
        #[derive(Clone, Copy, PartialEq)]
        pub enum Role { Other, $($role),* }

        fn role(owner: &str, field: &str) -> Role {
            match (owner, field) { $(($owner, $field) => Role::$role,)* _ => Role::Other }
        }
        pub const ROLES: usize = [Role::Other, $(Role::$role),*].len();
    };
}
roles! {
    EventId "Event" "event_id"
    OccurredAt "Event" "occurred_at"
    TrackingId "Event" "tracking_id"
    Identity "Event" "identity"
    Source "Event" "source"
    Sandbox "Event" "sandbox"
    Context "Event" "context"
    TimedOnArrival "Event" "timed_on_arrival"
    UserAgent "Context" "user_agent"
    Automated "Context" "automated"
    Consent "Context" "analytics_consent"
    Address "Context" "address"
    Origin "Context" "origin"
    PrivacySignal "Context" "privacy_signal"
    NetworkCountry "Context" "network_country"
    NetworkRegion "Context" "network_region"
    NetworkCity "Context" "network_city"
    Identified "Identify" "identity"
}

/// A field as the generated tables have it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Row {
    pub number: u32,
    name: String,
    kind: String,
    message: String,
    form: String,
    pub repeated: bool,
    pub presence: bool,
    pub required: bool,
    pub most: usize,
    shortest: usize,
    pub longest: usize,
    pub low: i64,
    pub high: i64,
    pub choices: Vec<String>,
}

pub struct Field {
    pub row: Row,
    /// The name as JSON has it: in quotes, and with a colon.
    pub key: Vec<u8>,
    pub kind: Kind,
    pub form: Form,
    pub role: Role,
    pub empty_fits: bool,
}

pub struct Message {
    /// In the order of their numbers.
    pub fields: Vec<Field>,
    /// If a field is given, or is not, another one must be given.
    pub needs: Vec<(bool, usize, usize)>,
    pub is_sure: bool,
}

/// What a number in Event stands for.
pub enum Part {
    Nothing,
    Field(Field),
    /// The place in `Tables::types`, and of the message.
    Payload(usize, usize),
}

pub struct Tables {
    pub messages: Vec<Message>,
    pub types: Vec<String>,
    /// By the field's number in Event.
    pub parts: Vec<Part>,
    pub context: usize,
}

type Need = (bool, String, String);
/// Name, fields, needs, and whether these are all its rules; messages within others come first.
pub type Shape = (String, Vec<Row>, Vec<Need>, bool);
type Places = HashMap<String, usize>;

fn wrong(what: &str) -> PyErr {
    PyValueError::new_err(format!("the tables of the contract do not fit: {what}"))
}

fn place(places: &Places, name: &str) -> PyResult<usize> {
    places.get(name).copied().ok_or_else(|| wrong(name))
}

impl Tables {
    /// `envelope`: the fields of Event beside its payloads, which are (number, type, message).
    pub fn new(envelope: Vec<Row>, payloads: Vec<(u32, String, String)>, shapes: Vec<Shape>) -> PyResult<Self> {
        let (mut places, mut messages, mut types) = (Places::new(), Vec::new(), Vec::new());
        for (name, rows, needs, is_sure) in shapes {
            messages.push(message(&places, &name, rows, needs, is_sure)?);
            places.insert(name, messages.len() - 1);
        }
        let mut parts: Vec<Part> = (0..64).map(|_| Part::Nothing).collect();
        for row in envelope {
            let at = parts.get_mut(row.number as usize).ok_or_else(|| wrong(&row.name))?;
            *at = Part::Field(field(&places, "Event", row)?);
        }
        for (number, name, message) in payloads {
            let at = parts.get_mut(number as usize).ok_or_else(|| wrong(&name))?;
            *at = Part::Payload(types.len(), place(&places, &message)?);
            types.push(name);
        }
        Ok(Tables { context: place(&places, "Context")?, messages, types, parts })
    }
}

fn message(places: &Places, owner: &str, rows: Vec<Row>, needs: Vec<Need>, is_sure: bool) -> PyResult<Message> {
    let own: Places = rows.iter().enumerate().map(|(at, row)| (row.name.clone(), at)).collect();
    let need = |(given, field, needed): Need| Ok((given, place(&own, &field)?, place(&own, &needed)?));
    let needs = needs.into_iter().map(need).collect::<PyResult<_>>()?;
    let fields = rows.into_iter().map(|row| field(places, owner, row)).collect::<PyResult<Vec<_>>>()?;
    // What is given is noted in 64 bits, and JSON has the fields in the order of the proto.
    let in_order = fields.len() <= 64 && fields.windows(2).all(|two| two[0].row.number < two[1].row.number);
    Ok(Message { fields, needs, is_sure: is_sure && in_order })
}

fn field(places: &Places, owner: &str, row: Row) -> PyResult<Field> {
    let form = Form::named(&row.form);
    let kind = match row.kind.as_str() {
        _ if form.is_none() => Kind::Unsure,
        "string" => Kind::Text,
        "int32" => Kind::Int,
        "bool" => Kind::Bool,
        "timestamp" => Kind::Time,
        "message" => Kind::Message(places.get(&row.message).copied().unwrap_or(usize::MAX)),
        _ => Kind::Unsure,
    };
    let empty_fits = row.shortest == 0 && row.form.is_empty() && row.choices.is_empty();
    let (key, role) = (format!("\"{}\":", row.name).into_bytes(), role(owner, &row.name));
    Ok(Field { row, key, kind, form: form.unwrap_or(Form::Any), role, empty_fits })
}
