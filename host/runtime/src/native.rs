//! Calls plugins that were compiled natively in place of their components. The difference is the cost of the sandbox.
//!
//! This is for benchmarks only, and needs the feature `native-plugins`. Without the feature no native plugin exists,
//! and the compiler drops all code that would call one. `plugins/sdk/src/native.rs` is the other side.

/// The part of a KPI that an instance is. A plugin before 0.3.0, and every cleaner, has one part.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "native-plugins"), expect(dead_code, reason = "no library is opened that would be told it"))]
pub(super) enum Part<'p> {
    /// An accumulator of the input of that index.
    Accumulator(u32),
    /// A reducer of the stage of that index, and the bytes that another one saved, if it goes on from there.
    Reducer(u32, Option<&'p [u8]>),
}

#[cfg(feature = "native-plugins")]
pub(super) use loaded::{Instance, Library};
#[cfg(not(feature = "native-plugins"))]
pub(super) use none::{Instance, Library};

#[cfg(not(feature = "native-plugins"))]
mod none {
    use super::Part;
    use crate::bindings::types;
    use crate::privacy::Pseudonyms;
    use smelt_common::error::Result;

    /// A library, of which none exists.
    #[derive(Clone)]
    pub(crate) enum Library {}
    /// An instance, of which none exists.
    pub(crate) enum Instance {}

    impl Library {
        pub(crate) fn find(_: &str) -> Result<Option<Self>> {
            Ok(None)
        }

        pub(crate) fn open(&self, _: Option<Part<'_>>, _: &str, _: Option<i64>, _: &Pseudonyms) -> Result<Instance> {
            match *self {}
        }
    }

    impl Instance {
        pub(crate) fn clean(&mut self, _: &[u8]) -> Result<types::Cleaned, types::Fault> {
            match *self {}
        }

        pub(crate) fn reduce(&mut self, _: &[u8], _: &[u32]) -> Result<types::Reduced, types::Fault> {
            match *self {}
        }

        pub(crate) fn save(&mut self) -> Result<Option<Vec<u8>>, types::Fault> {
            match *self {}
        }

        pub(crate) fn call<const N: usize>(&mut self, _: &str, _: &[&[u8]]) -> Result<[Vec<u8>; N], types::Fault> {
            match *self {}
        }
    }
}

#[cfg(feature = "native-plugins")]
mod loaded {
    use std::ffi::{CString, c_void};
    use std::path::PathBuf;

    use super::Part;
    use crate::bindings::types;
    use crate::bindings::types::FaultKind;
    use crate::privacy::Pseudonyms;
    use smelt_common::Error;
    use smelt_common::error::Result;

    /// The environment variable with the directory of the libraries. Without it, components run as always.
    const VARIABLE: &str = "SMELT_NATIVE_PLUGINS";
    const FUNCTION: &std::ffi::CStr = c"smelt_native_call";

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Bytes {
        start: *const u8,
        len: usize,
    }

    type Give = unsafe extern "C" fn(to: *mut c_void, bytes: Bytes);

    #[repr(C)]
    struct Call {
        instance: *mut c_void,
        name: Bytes,
        arguments: *const Bytes,
        count: usize,
        give: Give,
        to: *mut c_void,
        pseudonymise: unsafe extern "C" fn(host: *const c_void, value: Bytes, give: Give, to: *mut c_void),
        host: *const c_void,
    }

    /// A plugin's library, which is never unloaded.
    #[derive(Clone)]
    pub(crate) struct Library {
        call: unsafe extern "C" fn(*mut Call) -> bool,
    }

    /// A session, an accumulator or a reducer.
    pub(crate) struct Instance {
        library: Library,
        instance: *mut c_void,
        pseudonyms: Pseudonyms,
    }

    // SAFETY: nothing in the instance is bound to a thread, and it is called through `&mut`.
    unsafe impl Send for Instance {}

    impl Library {
        /// Finds the plugin's library, if there is one.
        pub(crate) fn find(plugin: &str) -> Result<Option<Self>> {
            let Some(directory) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return Ok(None) };
            let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
            let path = directory.join(format!("{prefix}{}{suffix}", plugin.replace('-', "_")));
            if !path.exists() {
                return Ok(None);
            }
            let wrong = |what: &str| Error::config(format!("`{}` {what}", path.display()));
            let name = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| wrong("has a NUL in its name"))?;
            // SAFETY: a user who sets the variable wants the library's code to run.
            let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
            if library.is_null() {
                return Err(wrong("cannot be loaded"));
            }
            // SAFETY: the library was just opened, and the name ends with NUL.
            let function = unsafe { libc::dlsym(library, FUNCTION.as_ptr()) };
            if function.is_null() {
                // The plugin is a source, or was built without the SDK's feature `native`.
                return Ok(None);
            }
            tracing::warn!("plugin `{plugin}` runs natively, without a sandbox");
            // SAFETY: the SDK's macros give the function of that name this type.
            let call = unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*mut Call) -> bool>(function) };
            Ok(Some(Self { call }))
        }

        pub(crate) fn open(
            &self,
            part: Option<Part<'_>>,
            params: &str,
            as_of: Option<i64>,
            pseudonyms: &Pseudonyms,
        ) -> Result<Instance> {
            let instance = std::ptr::null_mut();
            let mut opened = Instance { library: self.clone(), instance, pseudonyms: pseudonyms.clone() };
            let as_of = as_of.map(i64::to_le_bytes);
            let as_of = as_of.as_ref().map_or(&[][..], |bytes| bytes);
            let made = match part {
                None => opened.call("open", &[params.as_bytes(), as_of]),
                Some(Part::Accumulator(input)) => {
                    opened.call("open-accumulator", &[&input.to_le_bytes(), params.as_bytes(), as_of])
                }
                Some(Part::Reducer(stage, saved)) => {
                    let stage = stage.to_le_bytes();
                    let opening: [&[u8]; 4] = [&stage, params.as_bytes(), as_of, saved.unwrap_or_default()];
                    opened.call("open-reducer", if saved.is_some() { &opening } else { &opening[..3] })
                }
            };
            made.map(|[]| ()).map_err(|fault| Error::plugin(fault.message))?;
            Ok(opened)
        }
    }

    impl Instance {
        pub(crate) fn clean(&mut self, batch: &[u8]) -> Result<types::Cleaned, types::Fault> {
            let [kept, kept_rows, rejected, repaired] = self.call("clean", &[batch])?;
            let rejected = pairs(&rejected).map(|[row, rule]| types::Rejection { row, rule }).collect();
            let repaired = pairs(&repaired).map(|[rule, rows]| types::Repair { rule, rows }).collect();
            Ok(types::Cleaned { kept, kept_rows: numbers(&kept_rows).collect(), rejected, repaired })
        }

        pub(crate) fn reduce(&mut self, rows: &[u8], ends: &[u32]) -> Result<types::Reduced, types::Fault> {
            let ends: Vec<u8> = ends.iter().flat_map(|end| end.to_le_bytes()).collect();
            let [rows, enough] = self.call("reduce", &[rows, &ends])?;
            Ok(types::Reduced { rows, enough: enough == [1] })
        }

        pub(crate) fn save(&mut self) -> Result<Option<Vec<u8>>, types::Fault> {
            let [is_saved, saved] = self.call("save", &[])?;
            Ok((is_saved == [1]).then_some(saved))
        }

        /// Makes a call of the contract that has `N` results.
        pub(crate) fn call<const N: usize>(
            &mut self,
            name: &str,
            arguments: &[&[u8]],
        ) -> Result<[Vec<u8>; N], types::Fault> {
            let arguments: Vec<_> = arguments.iter().map(|argument| Bytes::of(argument)).collect();
            let mut results: Vec<Vec<u8>> = Vec::new();
            let mut call = Call {
                instance: self.instance,
                name: Bytes::of(name.as_bytes()),
                arguments: arguments.as_ptr(),
                count: arguments.len(),
                give: push,
                to: (&raw mut results).cast(),
                pseudonymise,
                host: (&raw const self.pseudonyms).cast(),
            };
            // SAFETY: everything that the call points to outlives it, and the instance was made by this library.
            let succeeded = unsafe { (self.library.call)(&raw mut call) };
            self.instance = call.instance;
            match succeeded {
                true => {
                    results.try_into().map_err(|_| fault(format!("`{name}` has another number of results than {N}")))
                }
                false => Err(fault(String::from_utf8_lossy(&results.concat()).into_owned())),
            }
        }
    }

    impl Drop for Instance {
        fn drop(&mut self) {
            if !self.instance.is_null() {
                // This call cannot fail.
                let _ = self.call::<0>("drop", &[]);
            }
        }
    }

    unsafe extern "C" fn push(to: *mut c_void, bytes: Bytes) {
        // SAFETY: `to` is the vector in `Instance::call`, and the bytes are valid.
        unsafe { (*to.cast::<Vec<Vec<u8>>>()).push(bytes.get().to_vec()) };
    }

    unsafe extern "C" fn pseudonymise(host: *const c_void, value: Bytes, give: Give, to: *mut c_void) {
        // SAFETY: `host` is the instance's pseudonyms, and `to` what `give` takes.
        unsafe {
            let pseudonym = (*host.cast::<Pseudonyms>()).of(&String::from_utf8_lossy(value.get()));
            give(to, Bytes::of(pseudonym.as_bytes()));
        }
    }

    fn fault(message: String) -> types::Fault {
        types::Fault { kind: FaultKind::Internal, message }
    }

    fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
        bytes.as_chunks().0.iter().map(|chunk| u32::from_le_bytes(*chunk))
    }

    fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u32; 2]> {
        let mut numbers = numbers(bytes);
        std::iter::from_fn(move || Some([numbers.next()?, numbers.next()?]))
    }

    impl Bytes {
        fn of(bytes: &[u8]) -> Self {
            Self { start: bytes.as_ptr(), len: bytes.len() }
        }

        /// Returns the bytes.
        ///
        /// # Safety
        /// The bytes must be valid for `'b`.
        unsafe fn get<'b>(self) -> &'b [u8] {
            // SAFETY: the caller promises that the bytes are valid.
            unsafe { std::slice::from_raw_parts(self.start, self.len) }
        }
    }
}
