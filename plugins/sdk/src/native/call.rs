//! A call of the host, and what it passes back.

use std::cell::Cell;
use std::ffi::c_void;

use crate::Result;

/// Bytes that are valid during a call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    start: *const u8,
    len: usize,
}

/// A function that takes bytes on behalf of `to`.
type Give = unsafe extern "C" fn(to: *mut c_void, bytes: Bytes);

/// One call: its arguments, and the function that takes its results.
#[repr(C)]
pub struct Call {
    /// The instance that a call whose name begins with `open` makes and `drop` frees.
    instance: *mut c_void,
    name: Bytes,
    arguments: *const Bytes,
    count: usize,
    /// Takes each result or, if the call fails, the message.
    give: Give,
    to: *mut c_void,
    /// Passes the pseudonym of a value to `give`.
    pseudonymise: unsafe extern "C" fn(host: *const c_void, value: Bytes, give: Give, to: *mut c_void),
    host: *const c_void,
}

thread_local! {
    /// The current call, or null.
    static CALL: Cell<*const Call> = const { Cell::new(std::ptr::null()) };
}

/// An instance of a plugin, which a host calls by name.
pub trait Instance: Sized {
    fn open(name: &str, arguments: &[&[u8]]) -> Result<Self>;
    fn call(&self, name: &str, arguments: &[&[u8]]) -> Result<Vec<Vec<u8>>>;
}

/// Executes a call for the exported function of a library. Returns whether the call succeeded.
///
/// # Safety
/// All pointers in `call` are valid. `instance` is null, or the pointer that opening the same `I` has set.
pub unsafe fn call<I: Instance>(call: *mut Call) -> bool {
    // SAFETY: the caller promises that these pointers are valid, here and below.
    let call = unsafe { &mut *call };
    let (name, arguments) = unsafe {
        let arguments = std::slice::from_raw_parts(call.arguments, call.count);
        (call.name.get(), arguments.iter().map(|argument| argument.get()).collect::<Vec<_>>())
    };
    CALL.set(call);
    let instance = call.instance.cast::<I>();
    let name = String::from_utf8_lossy(name);
    let result = match &*name {
        opens if opens.starts_with("open") => I::open(opens, &arguments).map(|made| {
            call.instance = Box::into_raw(Box::new(made)).cast();
            vec![]
        }),
        "drop" => {
            // SAFETY: opening made the pointer, and the host does not use it after `drop`.
            drop(unsafe { Box::from_raw(instance) });
            Ok(vec![])
        }
        // SAFETY: opening made the pointer.
        name => unsafe { &*instance }.call(name, &arguments),
    };
    CALL.set(std::ptr::null());
    let (results, succeeded) = match result {
        Ok(results) => (results, true),
        Err(fault) => (vec![fault.message.into_bytes()], false),
    };
    for result in &results {
        // SAFETY: both the function and the pointer come from the host.
        unsafe { (call.give)(call.to, Bytes::of(result)) };
    }
    succeeded
}

/// Asks the host of the current call for pseudonyms. Returns `None` outside a call.
pub(crate) fn pseudonymise(values: &[String]) -> Option<Vec<String>> {
    unsafe extern "C" fn push(to: *mut c_void, bytes: Bytes) {
        // SAFETY: `to` points to the vector below, and the bytes are valid during this call.
        unsafe { (*to.cast::<Vec<String>>()).push(String::from_utf8_lossy(bytes.get()).into_owned()) };
    }
    // SAFETY: the pointer is not null only while the host waits for the call.
    let call = unsafe { CALL.get().as_ref() }?;
    let mut pseudonyms = Vec::with_capacity(values.len());
    for value in values {
        let value = Bytes::of(value.as_bytes());
        // SAFETY: the function and `host` come from the host, and `push` gets a pointer to a vector of texts.
        unsafe { (call.pseudonymise)(call.host, value, push, (&raw mut pseudonyms).cast()) };
    }
    Some(pseudonyms)
}

impl Bytes {
    fn of(bytes: &[u8]) -> Self {
        Self { start: bytes.as_ptr(), len: bytes.len() }
    }

    /// # Safety
    /// The bytes are valid for `'b`.
    unsafe fn get<'b>(self) -> &'b [u8] {
        // SAFETY: the caller promises that the bytes are valid for `'b`.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}
