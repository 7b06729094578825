//! What Python sees: requests cut into events, events read, and what is sent on of them.

use crate::event::{Draft, Rules};
use crate::prepared::{Clock, Prepared, Shared};
use crate::tables::{Role, Row, Shape, Tables};
use crate::{object::Reader, postgres, wire::record, wire::Span};
use pyo3::types::{PyBytes, PyList, PyString};
use pyo3::{exceptions::PyRuntimeError, prelude::*};
use std::collections::HashMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{atomic::AtomicU64, atomic::Ordering, Arc, Mutex};

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

#[pyclass(frozen, module = "shopalytic_core")]
pub struct Core {
    pub tables: Tables,
    pub types: Vec<Py<PyString>>,
    /// Has the functions `parse_event`, `loads`, `derived` and `is_listed`.
    pub python: Py<PyAny>,
    agents: Mutex<HashMap<Box<[u8]>, bool>>,
}

type Payloads = Vec<(u32, String, String)>;

#[pymethods]
impl Core {
    /// The tables are those of shopalytic.v1.tables.
    #[new]
    fn new(envelope: Vec<Row>, payloads: Payloads, messages: Vec<Shape>, python: Bound<'_, PyAny>) -> PyResult<Self> {
        let tables = Tables::new(envelope, payloads, messages)?;
        let types = tables.types.iter().map(|name| PyString::intern(python.py(), name).unbind()).collect();
        Ok(Core { tables, types, python: python.unbind(), agents: Mutex::default() })
    }

    /// A request whose events are its fields of a number, up to so many of up to so many bytes
    /// each; None: it is not sure, or there is much beside them.
    fn split(slf: &Bound<'_, Self>, data: Bound<'_, PyBytes>, limits: (u32, usize, usize)) -> Option<Request> {
        let (number, most, largest) = limits;
        let all = data.as_bytes();
        let (mut events, mut rest, mut at) = (Vec::new(), Vec::new(), 0);
        while at < all.len() {
            // What somebody means has less beside its events.
            let part = record(all, at, all.len()).filter(|_| rest.len() <= 1_000)?;
            if part.number == number && part.is_bytes {
                (events.len() < most && part.span.len() <= largest).then(|| events.push(part.span))?;
            } else {
                rest.extend_from_slice(&all[at..part.span.to]);
            }
            at = part.span.to;
        }
        let rest = PyBytes::new(slf.py(), &rest).unbind();
        Some(Request { core: slf.clone().unbind(), data: data.clone().unbind(), events, rest })
    }

    /// One COPY of all these; `python` makes the rows of those that Python prepared.
    fn rows<'py>(&self, items: Bound<'py, PyList>, python: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let mut out = Vec::with_capacity(512 * items.len());
        out.extend_from_slice(postgres::BEGIN);
        each(&items, &python, &mut out, |item, out| Some(postgres::row(items.py(), item, out)))?;
        out.extend_from_slice(postgres::END);
        Ok(PyBytes::new(items.py(), &out))
    }

    /// Records of events, one after the other; `python` makes those that were not read here.
    fn records<'py>(&self, items: Bound<'py, PyList>, python: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let mut out = Vec::with_capacity(640 * items.len());
        each(&items, &python, &mut out, |item, out| Some(postgres::record(items.py(), item, out)))?;
        Ok(PyBytes::new(items.py(), &out))
    }

    /// The TrackResponse: `before`, the id and `after` of what was accepted; `python` makes the rest.
    fn answers<'py>(
        &self,
        items: Bound<'py, PyList>,
        before: &[u8],
        after: &[u8],
        python: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let py = items.py();
        let mut out = Vec::with_capacity(48 * items.len());
        each(&items, &python, &mut out, |item, out| {
            let id = item.draft.span(Role::EventId).filter(|_| item.verdict.is_none())?;
            [before, item.sent(py, id), after].iter().for_each(|part| out.extend_from_slice(part));
            Some(())
        })?;
        Ok(PyBytes::new(py, &out))
    }

    /// The ids in their order and their fingerprints, as two `uuid[]`; None: an id comes twice.
    fn claims<'py>(&self, items: Bound<'py, PyList>) -> PyResult<Option<[Bound<'py, PyBytes>; 2]>> {
        let mut pairs: Vec<([u8; 16], [u8; 16])> = Vec::with_capacity(items.len());
        for item in items.iter() {
            pairs.push(match item.cast::<Prepared>().map(Bound::borrow) {
                Ok(own) => (own.draft.key, own.draft.fingerprint),
                Err(_) => (item.getattr("event_key")?.extract()?, item.getattr("fingerprint")?.extract()?),
            });
        }
        pairs.sort_unstable();
        if pairs.windows(2).any(|two| two[0].0 == two[1].0) {
            return Ok(None);
        }
        let (ids, fingerprints): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        Ok(Some([ids, fingerprints].map(|values| PyBytes::new(items.py(), &postgres::uuids(&values)))))
    }
}

/// Has every item written: what was read here by `native`, unless that gives None, all others by `python`.
fn each(
    items: &Bound<'_, PyList>,
    python: &Bound<'_, PyAny>,
    out: &mut Vec<u8>,
    native: impl Fn(&Prepared, &mut Vec<u8>) -> Option<()>,
) -> PyResult<()> {
    let failed = || PyRuntimeError::new_err("the native core failed");
    for item in items.iter() {
        let written = match item.cast::<Prepared>() {
            Ok(own) => caught(|| native(&own.borrow(), out)).ok_or_else(failed)?,
            Err(_) => None,
        };
        if written.is_none() {
            out.extend_from_slice(python.call1((item,))?.cast::<PyBytes>()?.as_bytes());
        }
    }
    Ok(())
}

impl Core {
    /// Whether Python's list of robots has a user agent, or this is not to be said here.
    fn may_be_robot(&self, py: Python<'_>, agent: &[u8]) -> PyResult<bool> {
        if agent.is_empty() || agent.len() > LONGEST_AGENT {
            return Ok(!agent.is_empty());
        }
        if let Some(known) = self.agents.lock().ok().and_then(|agents| agents.get(agent).copied()) {
            return Ok(known);
        }
        // Not while the lock is held: Python may let others run.
        let text = String::from_utf8_lossy(agent);
        let found = self.python.call_method1(py, "is_listed", (text,))?.extract(py)?;
        let mut agents = self.agents.lock().map_err(|_| PyRuntimeError::new_err("the native core failed"))?;
        if agents.len() >= REMEMBERED {
            agents.clear();
        }
        agents.insert(agent.into(), found);
        Ok(found)
    }
}

/// What a project has said, and who sends: as the events of a request are judged by.
#[derive(FromPyObject)]
struct Terms<'py> {
    dataset: i32,
    /// Types that may be sent, a bit for the number of each.
    allowed: u64,
    privacy: bool,
    key_class: Option<Py<PyString>>,
    /// Those that may send; None: any.
    origins: Option<Bound<'py, PyAny>>,
    /// What may be kept of an address; also told is whether its place was found.
    kept: Bound<'py, PyAny>,
}

impl Terms<'_> {
    /// Whether an address is kept as it is, and the page may send.
    fn let_by(&self, py: Python<'_>, all: &[u8], draft: &Draft) -> PyResult<bool> {
        if let Some(span) = draft.span(Role::Address) {
            let address = PyString::new(py, &String::from_utf8_lossy(span.of(all)));
            let placed = draft.span(Role::NetworkCountry).is_some();
            if !self.kept.call1((&address, placed))?.eq(address)? {
                return Ok(false);
            }
        }
        match (&self.origins, draft.span(Role::Origin).filter(|span| span.len() > 0)) {
            (Some(origins), Some(span)) => origins.contains(String::from_utf8_lossy(span.of(all))),
            _ => Ok(true),
        }
    }
}

type Items<'py> = PyResult<Bound<'py, PyList>>;

/// A request that is cut into its events.
#[pyclass(frozen, module = "shopalytic_core")]
pub struct Request {
    core: Py<Core>,
    data: Py<PyBytes>,
    events: Vec<Span>,
    /// The request without its events.
    #[pyo3(get)]
    rest: Py<PyBytes>,
}

#[pymethods]
impl Request {
    fn __len__(&self) -> usize {
        self.events.len()
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
    fn read<'py>(&self, range: (usize, usize), admitted: Bound<'py, PyAny>, terms: Terms<'py>) -> Items<'py> {
        let (py, core, clock) = (admitted.py(), self.core.get(), admitted.extract::<Clock>()?);
        let all = self.data.as_bytes(py);
        let rules = Rules { moved_us: clock.moved_us, allowed: terms.allowed, privacy: terms.privacy };
        let reader = Reader { tables: &core.tables, all, latest_us: clock.latest_us };
        let events = &self.events[range.0.min(self.events.len())..range.1.min(self.events.len())];
        let size: usize = events.iter().map(Span::len).sum();
        let (mut json, mut drafts) = (Vec::with_capacity(size + size / 2 + 64), Vec::with_capacity(events.len()));
        for event in events {
            let before = json.len();
            let mut draft = caught(|| reader.event(*event, &rules, &mut json)).flatten();
            if let Some(read) = &draft {
                let robot = read.span(Role::UserAgent).map_or(Ok(false), |span| core.may_be_robot(py, span.of(all)))?;
                if robot || !terms.let_by(py, all, read)? {
                    draft = None;
                }
            }
            if draft.is_none() {
                json.truncate(before);
            }
            drafts.push(draft);
        }
        let (core, data, sending) = (self.core.clone_ref(py), self.data.clone_ref(py), admitted.unbind());
        let Terms { dataset, key_class, .. } = terms;
        let shared = Arc::new(Shared { core, data, json, sending, clock, dataset, key_class });
        let items = PyList::empty(py);
        for draft in drafts {
            let item = draft.map(|draft| Bound::new(py, Prepared::new(py, Arc::clone(&shared), draft))).transpose()?;
            items.append(item)?;
        }
        Ok(items)
    }
}
