//! An event that surely keeps every rule, with the attributes of Python's `Prepared`.

use crate::core::Core;
use crate::event::Draft;
use crate::tables::Role;
use crate::wire::Span;
use pyo3::{prelude::*, types::PyBytes, types::PyString, types::PyTuple};
use std::sync::{Arc, OnceLock};

/// When a request was sent and came; the names are those of `Admitted`.
#[derive(FromPyObject)]
pub struct Clock {
    pub received_us: i64,
    pub sent_us: Option<i64>,
    pub skew_us: i64,
    pub moved_us: i64,
    pub latest_us: i64,
}

/// What the events have in common that were read together.
pub struct Shared {
    pub core: Py<Core>,
    pub data: Py<PyBytes>,
    /// Properties and contexts, each after the byte that a jsonb begins with.
    pub json: Vec<u8>,
    pub sending: Py<PyAny>,
    pub dataset: i32,
    pub key_class: Option<Py<PyString>>,
    pub clock: Clock,
}

#[pyclass(module = "shopalytic_core")]
pub struct Prepared {
    pub shared: Arc<Shared>,
    pub draft: Draft,
    #[pyo3(get)]
    pub dataset_id: i32,
    #[pyo3(get, set)]
    pub verdict: Option<Py<PyAny>>,
    #[pyo3(get, set)]
    rejected: bool,
    #[pyo3(get, set)]
    violations: Py<PyAny>,
    #[pyo3(get, set)]
    arrivals: Py<PyAny>,
    event: OnceLock<Py<PyAny>>,
    properties: OnceLock<Py<PyAny>>,
}

impl Prepared {
    pub fn new(py: Python<'_>, shared: Arc<Shared>, draft: Draft) -> Self {
        let dataset_id = shared.dataset + i32::from(draft.span(Role::Sandbox).is_some());
        let (event, properties) = (OnceLock::new(), OnceLock::new());
        let [violations, arrivals] = [(), ()].map(|()| PyTuple::empty(py).into_any().unbind());
        Prepared { shared, draft, dataset_id, verdict: None, rejected: false, violations, arrivals, event, properties }
    }
    /// A part of the request.
    pub fn sent<'a>(&'a self, py: Python<'a>, span: Span) -> &'a [u8] {
        span.of(self.shared.data.as_bytes(py))
    }
    pub fn properties_json(&self) -> &[u8] {
        self.draft.properties.of(&self.shared.json)
    }
    pub fn context_json(&self) -> Option<&[u8]> {
        self.draft.context.map(|span| span.of(&self.shared.json))
    }
    /// When it happened by the clock that told, as the server's has it; None: that clock is right.
    pub fn corrected_us(&self) -> Option<i64> {
        let skewed = self.shared.clock.skew_us != 0 && self.draft.span(Role::TimedOnArrival).is_none();
        skewed.then(|| self.draft.occurred_us - self.draft.moved_us + self.shared.clock.skew_us)
    }
    fn text<'py>(&self, py: Python<'py>, span: Option<Span>) -> PyResult<Bound<'py, PyAny>> {
        // It was checked to be UTF-8.
        let text = span.map(|span| String::from_utf8_lossy(self.sent(py, span)));
        Ok(text.into_pyobject(py)?.into_any())
    }
}

#[pymethods]
impl Prepared {
    #[getter]
    fn sending(&self, py: Python<'_>) -> Py<PyAny> {
        self.shared.sending.clone_ref(py)
    }
    #[getter]
    fn r#type(&self, py: Python<'_>) -> Py<PyString> {
        self.shared.core.get().types[self.draft.kind].clone_ref(py)
    }
    #[getter]
    fn json_size(&self) -> usize {
        self.draft.properties.len() + self.draft.context.map_or(0, |span| span.len())
    }
    #[getter]
    fn occurred_us(&self) -> i64 {
        self.draft.occurred_us
    }
    #[setter]
    fn set_occurred_us(&mut self, value: i64) {
        self.draft.occurred_us = value;
    }
    #[getter]
    fn identity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.text(py, self.draft.identity)
    }
    #[getter]
    fn tracking_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.text(py, self.draft.span(Role::TrackingId))
    }
    /// Takes it away; there is nothing else to set.
    #[setter]
    fn set_tracking_id(&mut self, _none: Option<Py<PyAny>>) {
        self.draft.spots[Role::TrackingId as usize] = None;
    }
    /// The other attributes; what is not here such an event never is or has, or Python works it out.
    fn __getattr__<'py>(slf: &Bound<'py, Self>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let (py, item) = (slf.py(), slf.borrow());
        let (draft, python) = (&item.draft, item.shared.core.get().python.bind(py));
        let bytes = |value: &[u8]| PyBytes::new(py, value).into_any();
        let once = |kept: &OnceLock<Py<PyAny>>, make: &str, from: &[u8]| match kept.get() {
            Some(made) => Ok(made.bind(py).clone()),
            None => python
                .call_method1(make, (bytes(from),))
                .map(|made| kept.get_or_init(|| made.unbind()).bind(py).clone()),
        };
        match name {
            "event" => once(&item.event, "parse_event", item.sent(py, draft.event)),
            "properties" => once(&item.properties, "loads", &item.properties_json()[1..]),
            "properties_jsonb" => Ok(bytes(item.properties_json())),
            "context_jsonb" => Ok(item.context_json().map(bytes).into_pyobject(py)?.into_any()),
            "fingerprint" => Ok(bytes(&draft.fingerprint)),
            "event_key" => Ok(bytes(&draft.key)),
            "subject_key" => Ok(bytes(&draft.subject)),
            "source" => item.text(py, draft.span(Role::Source)),
            "key_class" => Ok(item.shared.key_class.as_ref().into_pyobject(py)?.into_any()),
            "moved_us" => Ok(draft.moved_us.into_pyobject(py)?.into_any()),
            _ => python.call_method1("derived", (slf, name)),
        }
    }
}
