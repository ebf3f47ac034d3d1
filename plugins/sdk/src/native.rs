//! Calls of a plugin that was built natively into a shared library: what the sandbox costs is measured against it
//! (`cargo xtask bench --native`). `host/src/wasm/native.rs` is the other side, and says the same of [`Call`].
#![doc(hidden)]

use std::cell::Cell;
use std::ffi::c_void;

use crate::bindings::types;
use crate::glue::{Accumulator, Session};
use crate::{Cleaner, Fault, Kpi, Result};

/// Bytes that are valid for the length of a call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    start: *const u8,
    len: usize,
}

/// Takes bytes, for whoever `to` is.
type Give = unsafe extern "C" fn(to: *mut c_void, bytes: Bytes);

/// One call, with all that goes in and where to what comes out.
#[repr(C)]
pub struct Call {
    /// What `open` makes and `drop` ends.
    instance: *mut c_void,
    name: Bytes,
    arguments: *const Bytes,
    count: usize,
    /// Takes each result or, if the call fails, the message.
    give: Give,
    to: *mut c_void,
    /// Gives the pseudonym of a value.
    pseudonymise: unsafe extern "C" fn(host: *const c_void, value: Bytes, give: Give, to: *mut c_void),
    host: *const c_void,
}

thread_local! {
    /// The call under way.
    static CALL: Cell<*const Call> = const { Cell::new(std::ptr::null()) };
}

/// What a library's calls are made of.
pub trait Instance: Sized {
    fn open(params: &str, as_of: Option<i64>) -> Result<Self>;
    fn call(&self, name: &str, arguments: &[&[u8]]) -> Result<Vec<Vec<u8>>>;
}

impl<T: Cleaner> Instance for Session<T> {
    fn open(params: &str, as_of: Option<i64>) -> Result<Self> {
        Self::open(params, as_of)
    }

    fn call(&self, name: &str, arguments: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        let ("clean", [batch]) = (name, arguments) else { return Err(unknown(name)) };
        let types::Cleaned { kept, kept_rows, rejected, repaired } = self.clean(batch)?;
        let rejected = rejected.into_iter().flat_map(|types::Rejection { row, rule }| [row, rule]);
        let repaired = repaired.into_iter().flat_map(|types::Repair { rule, rows }| [rule, rows]);
        Ok(vec![kept, numbers(kept_rows), numbers(rejected), numbers(repaired)])
    }
}

impl<T: Kpi> Instance for Accumulator<T> {
    fn open(params: &str, as_of: Option<i64>) -> Result<Self> {
        Self::open(params, as_of)
    }

    fn call(&self, name: &str, arguments: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        match (name, arguments) {
            ("update-batch", [input, batch]) => {
                self.update_batch(&String::from_utf8_lossy(input), batch).map(|()| vec![])
            }
            ("state", []) => Ok(vec![self.state()?]),
            ("fold", [stage, groups]) => {
                let stage = stage.first_chunk().ok_or_else(|| unknown(name))?;
                Ok(vec![self.fold(u32::from_le_bytes(*stage), groups)?])
            }
            ("evaluate", [sums]) => Ok(vec![self.evaluate(sums)?]),
            _ => Err(unknown(name)),
        }
    }
}

fn numbers(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
    numbers.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn unknown(name: &str) -> Fault {
    Fault::internal(format!("there is no call `{name}` with these arguments"))
}

/// What the one function of a library does. Tells whether the call succeeded.
///
/// # Safety
/// All pointers in `call` are valid, and `instance` is null or what `open` of the same `I` has set.
pub unsafe fn call<I: Instance>(call: *mut Call) -> bool {
    // SAFETY: as promised, here and for all that the call points to.
    let call = unsafe { &mut *call };
    let (name, arguments) = unsafe {
        let arguments = std::slice::from_raw_parts(call.arguments, call.count);
        (call.name.get(), arguments.iter().map(|argument| argument.get()).collect::<Vec<_>>())
    };
    CALL.set(call);
    let instance = call.instance.cast::<I>();
    let result = match (name, arguments.as_slice()) {
        (b"open", [params, as_of]) => {
            let as_of = as_of.first_chunk().map(|bytes| i64::from_le_bytes(*bytes));
            I::open(&String::from_utf8_lossy(params), as_of).map(|made| {
                call.instance = Box::into_raw(Box::new(made)).cast();
                vec![]
            })
        }
        (b"drop", _) => {
            // SAFETY: `open` made it, and the host does not call again.
            drop(unsafe { Box::from_raw(instance) });
            Ok(vec![])
        }
        // SAFETY: `open` made it.
        (name, arguments) => unsafe { &*instance }.call(&String::from_utf8_lossy(name), arguments),
    };
    CALL.set(std::ptr::null());
    let (results, succeeded) = match result {
        Ok(results) => (results, true),
        Err(fault) => (vec![fault.message.into_bytes()], false),
    };
    for result in &results {
        // SAFETY: the host's own function and pointer.
        unsafe { (call.give)(call.to, Bytes::of(result)) };
    }
    succeeded
}

/// Pseudonyms by the host whose call is under way.
pub(crate) fn pseudonymise(values: &[String]) -> Option<Vec<String>> {
    unsafe extern "C" fn push(to: *mut c_void, bytes: Bytes) {
        // SAFETY: `to` is the vector below, and the bytes are valid.
        unsafe { (*to.cast::<Vec<String>>()).push(String::from_utf8_lossy(bytes.get()).into_owned()) };
    }
    // SAFETY: it is set only while the host waits for the call.
    let call = unsafe { CALL.get().as_ref() }?;
    let mut pseudonyms = Vec::with_capacity(values.len());
    for value in values {
        let value = Bytes::of(value.as_bytes());
        // SAFETY: the host's own function and pointer, and `push` gets what it takes.
        unsafe { (call.pseudonymise)(call.host, value, push, (&raw mut pseudonyms).cast()) };
    }
    Some(pseudonyms)
}

impl Bytes {
    fn of(bytes: &[u8]) -> Self {
        Self { start: bytes.as_ptr(), len: bytes.len() }
    }

    /// # Safety
    /// They are valid for that long.
    unsafe fn get<'b>(self) -> &'b [u8] {
        // SAFETY: as promised.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}
