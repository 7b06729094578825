//! The native core of Shopalytic: the usual events, from a request's bytes to rows, in one pass.
//!
//! Python is the reference. What is not surely right is left to it, so that nothing here
//! says why something is wrong; and whatever is taken is stored as Python would store it.

mod core;
mod event;
mod object;
mod postgres;
mod prepared;
mod tables;
mod text;
mod wire;

use pyo3::prelude::*;

#[pymodule]
fn shopalytic_core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // A panic's words could quote what was sent; it is counted instead.
    std::panic::set_hook(Box::new(|_| {}));
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<core::Core>()?;
    module.add_class::<core::Request>()?;
    module.add_class::<prepared::Prepared>()?;
    module.add_function(wrap_pyfunction!(core::panics, module)?)
}
