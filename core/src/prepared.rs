//! An event that surely keeps every rule, with the attributes of Python's `Prepared`.

use crate::core::Core;
use crate::event::Draft;
use crate::wire::Span;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};
use std::sync::Arc;

/// What the events have in common that were read together.
pub struct Shared {
    pub core: Py<Core>,
    pub data: Py<PyBytes>,
    /// Properties and contexts, each after the byte that a jsonb begins with.
    pub json: Vec<u8>,
    pub sending: Py<PyAny>,
    pub dataset: i32,
    pub key_class: Option<Py<PyString>>,
    pub received_us: i64,
    pub sent_us: Option<i64>,
    pub skew_us: i64,
}

#[pyclass(module = "shopalytic_core")]
pub struct Prepared {
    pub shared: Arc<Shared>,
    pub draft: Draft,
    #[pyo3(get, set)]
    pub verdict: Option<Py<PyAny>>,
    #[pyo3(get, set)]
    rejected: bool,
    violations: Option<Py<PyAny>>,
    arrivals: Option<Py<PyAny>>,
    event: Option<Py<PyAny>>,
    properties: Option<Py<PyAny>>,
}

impl Prepared {
    pub fn new(shared: Arc<Shared>, draft: Draft) -> Self {
        let (verdict, violations, arrivals, event, properties) = (None, None, None, None, None);
        Prepared { shared, draft, verdict, rejected: false, violations, arrivals, event, properties }
    }
    /// A part of the request.
    pub fn sent<'a>(&'a self, py: Python<'a>, span: Span) -> &'a [u8] {
        span.of(self.shared.data.as_bytes(py))
    }
    pub fn dataset(&self) -> i32 {
        self.shared.dataset + i32::from(self.draft.sandbox)
    }
    pub fn properties_json(&self) -> &[u8] {
        self.draft.properties.of(&self.shared.json)
    }
    pub fn context_json(&self) -> Option<&[u8]> {
        self.draft.context.map(|span| span.of(&self.shared.json))
    }
    /// When it happened by the clock that told, as the server's has it; None: that clock is right.
    pub fn corrected_us(&self) -> Option<i64> {
        let skewed = self.shared.skew_us != 0 && !self.draft.on_arrival;
        skewed.then(|| self.draft.occurred_us - self.draft.moved_us + self.shared.skew_us)
    }
    fn text<'py>(&self, py: Python<'py>, span: Option<Span>) -> Option<Bound<'py, PyString>> {
        // It was checked to be UTF-8.
        span.map(|span| PyString::new(py, &String::from_utf8_lossy(self.sent(py, span))))
    }
}

fn or_none(py: Python<'_>, kept: &Option<Py<PyAny>>) -> Py<PyAny> {
    kept.as_ref().map_or_else(|| PyTuple::empty(py).into_any().unbind(), |value| value.clone_ref(py))
}

#[pymethods]
impl Prepared {
    #[getter]
    fn event(&mut self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if self.event.is_none() {
            let own = PyBytes::new(py, self.sent(py, self.draft.event));
            self.event = Some(self.shared.core.get().parse_event.call1(py, (own,))?);
        }
        Ok(or_none(py, &self.event))
    }
    #[getter]
    fn properties(&mut self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if self.properties.is_none() {
            let json = PyBytes::new(py, &self.properties_json()[1..]);
            self.properties = Some(self.shared.core.get().loads.call1(py, (json,))?);
        }
        Ok(or_none(py, &self.properties))
    }
    #[getter]
    fn sending(&self, py: Python<'_>) -> Py<PyAny> {
        self.shared.sending.clone_ref(py)
    }
    #[getter]
    fn dataset_id(&self) -> i32 {
        self.dataset()
    }
    #[getter]
    fn r#type(&self, py: Python<'_>) -> Py<PyString> {
        self.shared.core.get().types[self.draft.payload].clone_ref(py)
    }
    #[getter]
    fn fingerprint<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.draft.fingerprint)
    }
    #[getter]
    fn event_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.draft.key)
    }
    #[getter]
    fn subject_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.draft.subject)
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
    fn moved_us(&self) -> i64 {
        self.draft.moved_us
    }
    #[getter]
    fn tie_breaker(&self) -> Option<i64> {
        self.draft.tie_breaker
    }
    #[getter]
    fn tracking_id<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.text(py, self.draft.tracking_id)
    }
    /// Takes it away; there is nothing else to set.
    #[setter]
    fn set_tracking_id(&mut self, _none: Option<Py<PyAny>>) {
        self.draft.tracking_id = None;
    }
    #[getter]
    fn identity<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.text(py, self.draft.identity)
    }
    #[getter]
    fn source<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.text(py, self.draft.source)
    }
    #[getter]
    fn properties_jsonb<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.properties_json())
    }
    #[getter]
    fn context_jsonb<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.context_json().map(|json| PyBytes::new(py, json))
    }
    #[getter]
    fn json_size(&self) -> usize {
        self.properties_json().len() + self.context_json().map_or(0, <[u8]>::len)
    }
    #[getter]
    fn key_class(&self, py: Python<'_>) -> Option<Py<PyString>> {
        self.shared.key_class.as_ref().map(|name| name.clone_ref(py))
    }
    #[getter]
    fn violations(&self, py: Python<'_>) -> Py<PyAny> {
        or_none(py, &self.violations)
    }
    #[setter]
    fn set_violations(&mut self, value: Py<PyAny>) {
        self.violations = Some(value);
    }
    #[getter]
    fn arrivals(&self, py: Python<'_>) -> Py<PyAny> {
        or_none(py, &self.arrivals)
    }
    #[setter]
    fn set_arrivals(&mut self, value: Py<PyAny>) {
        self.arrivals = Some(value);
    }
    /// What such an event never is or has.
    #[getter]
    fn bot(&self) -> bool {
        false
    }
    #[getter]
    fn identity_signed(&self) -> Option<bool> {
        None
    }
    #[getter]
    fn denied_consent(&self) -> Option<bool> {
        None
    }
    #[getter]
    fn plain_dates<'py>(&self, py: Python<'py>) -> Bound<'py, PyTuple> {
        PyTuple::empty(py)
    }
    #[getter]
    fn proven<'py>(&self, py: Python<'py>) -> Bound<'py, PyTuple> {
        PyTuple::empty(py)
    }
    /// What Python's class works out from these.
    fn __getattr__(slf: &Bound<'_, Self>, name: &str) -> PyResult<Py<PyAny>> {
        let derived = slf.borrow().shared.core.get().derived.clone_ref(slf.py());
        derived.call1(slf.py(), (slf, name))
    }
}
