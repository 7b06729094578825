//! What Python sees: requests cut into events, events read, and what is sent on of them.

use crate::event::{Draft, Rules};
use crate::object::Reader;
use crate::postgres;
use crate::prepared::{Prepared, Shared};
use crate::tables::{Row, Shape, Tables};
use crate::wire::{record, Span};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use std::collections::HashMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// User agents are remembered, so many and of so many bytes; longer ones are Python's.
const REMEMBERED: usize = 10_000;
const LONGEST_AGENT: usize = 400;

static PANICS: AtomicU64 = AtomicU64::new(0);

/// How often something here was wrong that could not be; Python did the work then.
#[pyfunction]
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Runs what should not panic; None: it did.
fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    if done.is_none() {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }
    done
}

fn failed() -> PyErr {
    PyRuntimeError::new_err("the native core failed; Python is to do this")
}

#[pyclass(frozen, module = "shopalytic_core")]
pub struct Core {
    pub tables: Tables,
    pub types: Vec<Py<PyString>>,
    pub parse_event: Py<PyAny>,
    pub loads: Py<PyAny>,
    pub derived: Py<PyAny>,
    is_listed: Py<PyAny>,
    agents: Mutex<HashMap<Box<[u8]>, bool>>,
}

#[pymethods]
impl Core {
    /// The tables are those of shopalytic.v1.tables; the others are Python's functions for the rest.
    #[new]
    fn new(
        py: Python<'_>,
        envelope: Vec<Row>,
        payloads: Vec<(u32, String, String)>,
        messages: Vec<Shape>,
        parse_event: Py<PyAny>,
        loads: Py<PyAny>,
        derived: Py<PyAny>,
        is_listed: Py<PyAny>,
    ) -> PyResult<Self> {
        let tables = Tables::new(envelope, payloads, messages)?;
        let types =
            tables.payloads.iter().map(|payload| PyString::intern(py, &payload.name).unbind()).collect();
        Ok(Core { tables, types, parse_event, loads, derived, is_listed, agents: Mutex::default() })
    }

    /// A request whose events are its fields of one number, up to `most` of up to `largest`
    /// bytes each; None: it is not sure.
    fn split(
        slf: &Bound<'_, Self>,
        data: Bound<'_, PyBytes>,
        number: u32,
        most: usize,
        largest: usize,
    ) -> Option<Request> {
        let all = data.as_bytes();
        let (mut events, mut rest, mut at) = (Vec::new(), Vec::new(), 0);
        while at < all.len() {
            let part = record(all, at, all.len())?;
            if part.number == number && part.is_bytes {
                if events.len() == most || part.span.to - part.span.from > largest {
                    return None;
                }
                events.push(part.span);
            } else {
                rest.extend_from_slice(&all[at..part.span.to]);
            }
            at = part.span.to;
        }
        Some(Request { core: slf.clone().unbind(), data: data.clone().unbind(), events, rest })
    }

    /// One COPY of all these; `row` makes the rows of those that Python prepared.
    fn rows<'py>(
        &self,
        py: Python<'py>,
        items: Bound<'py, PyList>,
        row: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut out = postgres::begin();
        out.reserve(512 * items.len());
        each(&items, &row, &mut out, |item, out| postgres::row(py, item, out))?;
        postgres::end(&mut out);
        Ok(PyBytes::new(py, &out))
    }

    /// The TrackResponse: `before`, the id and `after` for who was accepted, `other` makes the rest.
    fn answers<'py>(
        &self,
        py: Python<'py>,
        items: Bound<'py, PyList>,
        before: &[u8],
        after: &[u8],
        other: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut out = Vec::with_capacity(48 * items.len());
        for item in items.iter() {
            let native =
                item.cast::<Prepared>().ok().map(Bound::borrow).filter(|native| native.verdict.is_none());
            match native {
                Some(native) => {
                    out.extend_from_slice(before);
                    out.extend_from_slice(native.sent(py, native.draft.id));
                    out.extend_from_slice(after);
                }
                None => out.extend_from_slice(other.call1((item,))?.cast::<PyBytes>()?.as_bytes()),
            }
        }
        Ok(PyBytes::new(py, &out))
    }

    /// The ids in their order and their fingerprints, as two `uuid[]`; None: an id comes twice.
    #[allow(clippy::type_complexity)]
    fn claims<'py>(
        &self,
        py: Python<'py>,
        items: Bound<'py, PyList>,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>> {
        let mut pairs: Vec<([u8; 16], [u8; 16])> = Vec::with_capacity(items.len());
        for item in items.iter() {
            pairs.push(match item.cast::<Prepared>() {
                Ok(native) => {
                    let native = native.borrow();
                    (native.draft.key, native.draft.fingerprint)
                }
                Err(_) => (item.getattr("event_key")?.extract()?, item.getattr("fingerprint")?.extract()?),
            });
        }
        pairs.sort_unstable();
        if pairs.windows(2).any(|two| two[0].0 == two[1].0) {
            return Ok(None);
        }
        let array = |values: Vec<u8>| PyBytes::new(py, &values);
        let (ids, fingerprints) = (pairs.iter().map(|pair| &pair.0), pairs.iter().map(|pair| &pair.1));
        Ok(Some((array(postgres::uuids(ids)), array(postgres::uuids(fingerprints)))))
    }
}

/// Has every item written: those that were read here at once, others by `python`.
fn each(
    items: &Bound<'_, PyList>,
    python: &Bound<'_, PyAny>,
    out: &mut Vec<u8>,
    native: impl Fn(&Prepared, &mut Vec<u8>),
) -> PyResult<()> {
    for item in items.iter() {
        match item.cast::<Prepared>() {
            Ok(own) => caught(|| native(&own.borrow(), out)).ok_or_else(failed)?,
            Err(_) => out.extend_from_slice(python.call1((item,))?.cast::<PyBytes>()?.as_bytes()),
        }
    }
    Ok(())
}

impl Core {
    /// Whether Python's list of robots has a user agent, or this is not to be said here.
    fn may_be_robot(&self, py: Python<'_>, agent: &[u8]) -> PyResult<bool> {
        if agent.len() > LONGEST_AGENT {
            return Ok(true);
        }
        let Ok(mut agents) = self.agents.lock() else { return Ok(true) };
        if let Some(known) = agents.get(agent) {
            return Ok(*known);
        }
        let found: bool = self.is_listed.call1(py, (String::from_utf8_lossy(agent),))?.extract(py)?;
        if agents.len() >= REMEMBERED {
            agents.clear();
        }
        agents.insert(agent.into(), found);
        Ok(found)
    }
}

/// What a project has said, and who sends: as the events of a request are judged by.
#[pyclass(frozen, module = "shopalytic_core")]
pub struct Terms {
    dataset: i32,
    allowed: u64,
    privacy: bool,
    key_class: Option<Py<PyString>>,
    origins: Option<Py<PyAny>>,
    kept: Py<PyAny>,
}

#[pymethods]
impl Terms {
    /// `allowed`: numbers of payloads; `origins`: those that may send, None: any; `kept` says
    /// what may be kept of an address.
    #[new]
    fn new(
        dataset: i32,
        allowed: Vec<u32>,
        privacy: bool,
        key_class: Option<Py<PyString>>,
        origins: Option<Py<PyAny>>,
        kept: Py<PyAny>,
    ) -> Self {
        let allowed = allowed.iter().filter(|number| **number < 64).fold(0, |all, number| all | 1 << number);
        Terms { dataset, allowed, privacy, key_class, origins, kept }
    }
}

impl Terms {
    /// Whether an address is kept as it is, and the page may send.
    fn let_by(&self, py: Python<'_>, all: &[u8], draft: &Draft) -> PyResult<bool> {
        if let Some(span) = draft.address {
            let address = PyString::new(py, &String::from_utf8_lossy(span.of(all)));
            let kept = self.kept.call1(py, (&address,))?;
            if !kept.bind(py).eq(address)? {
                return Ok(false);
            }
        }
        match (&self.origins, draft.origin.filter(|span| !span.is_empty())) {
            (Some(origins), Some(span)) => origins.bind(py).contains(String::from_utf8_lossy(span.of(all))),
            _ => Ok(true),
        }
    }
}

/// A request that is cut into its events.
#[pyclass(frozen, module = "shopalytic_core")]
pub struct Request {
    core: Py<Core>,
    data: Py<PyBytes>,
    events: Vec<Span>,
    rest: Vec<u8>,
}

#[pymethods]
impl Request {
    fn __len__(&self) -> usize {
        self.events.len()
    }
    /// The request without its events.
    #[getter]
    fn rest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.rest)
    }
    /// Whether an event may have one of these fields.
    fn may_have(&self, py: Python<'_>, numbers: Vec<u32>) -> bool {
        let all = self.data.as_bytes(py);
        self.events.iter().any(|event| {
            let mut at = event.from;
            while at < event.to {
                match record(all, at, event.to) {
                    Some(part) if !numbers.contains(&part.number) => at = part.span.to,
                    _ => return true,
                }
            }
            false
        })
    }
    /// The bytes of one event.
    fn event<'py>(&self, py: Python<'py>, index: usize) -> Option<Bound<'py, PyBytes>> {
        self.events.get(index).map(|span| PyBytes::new(py, span.of(self.data.as_bytes(py))))
    }
    /// The events from one to before another, prepared; None where Python is to judge.
    fn read<'py>(
        &self,
        py: Python<'py>,
        begin: usize,
        end: usize,
        admitted: Bound<'py, PyAny>,
        terms: &Bound<'py, Terms>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (core, all, terms) = (self.core.get(), self.data.as_bytes(py), terms.get());
        let (moved_us, latest_us) =
            (admitted.getattr("moved_us")?.extract()?, admitted.getattr("latest_us")?.extract()?);
        let rules = Rules { moved_us, allowed: terms.allowed, privacy: terms.privacy };
        let reader = Reader { tables: &core.tables, all, latest_us };
        let events = &self.events[begin.min(self.events.len())..end.min(self.events.len())];
        let size: usize = events.iter().map(|span| span.to - span.from).sum();
        let (mut json, mut drafts) =
            (Vec::with_capacity(size + size / 2 + 64), Vec::with_capacity(events.len()));
        for event in events {
            let before = json.len();
            let mut draft = caught(|| reader.event(*event, &rules, &mut json)).flatten();
            if let Some(read) = &draft {
                let robot = read.user_agent.map_or(Ok(false), |span| core.may_be_robot(py, span.of(all)))?;
                if robot || !terms.let_by(py, all, read)? {
                    draft = None;
                }
            }
            if draft.is_none() {
                json.truncate(before);
            }
            drafts.push(draft);
        }
        let shared = Arc::new(Shared {
            core: self.core.clone_ref(py),
            data: self.data.clone_ref(py),
            json,
            dataset: terms.dataset,
            key_class: terms.key_class.as_ref().map(|name| name.clone_ref(py)),
            received_us: admitted.getattr("received_us")?.extract()?,
            sent_us: admitted.getattr("sent_us")?.extract()?,
            skew_us: admitted.getattr("skew_us")?.extract()?,
            sending: admitted.unbind(),
        });
        let items = PyList::empty(py);
        for draft in drafts {
            match draft {
                Some(draft) => items.append(Bound::new(py, Prepared::new(Arc::clone(&shared), draft))?)?,
                None => items.append(py.None())?,
            }
        }
        Ok(items)
    }
}
