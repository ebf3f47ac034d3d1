//! Tells a lack of memory or of room in the machine from a limit that a guest exceeded. Only the latter is the guest's
//! fault.

use std::io;

use wasmtime::PoolConcurrencyLimitError;

/// Returns what the machine could not give, in words, if the error says so. No guest can cause such an error.
pub(super) fn lacks(error: &wasmtime::Error) -> Option<String> {
    fn has<E: std::error::Error + Send + Sync + 'static>(error: &wasmtime::Error) -> bool {
        error.is::<E>() || error.chain().any(|cause| cause.is::<E>())
    }
    let is_lack = has::<io::Error>(error)
        || has::<rustix::io::Errno>(error)
        || has::<PoolConcurrencyLimitError>(error)
        || has::<wasmtime::error::OutOfMemory>(error);
    is_lack.then(|| error.root_cause().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lack_of_a_machine_is_told_from_what_a_guest_does() {
        let of_machine: [wasmtime::Error; 3] = [
            rustix::io::Errno::NOMEM.into(),
            io::Error::from_raw_os_error(libc::EAGAIN).into(),
            wasmtime::Error::from(rustix::io::Errno::NOMEM).context("failed to make a memory"),
        ];
        for error in of_machine {
            assert!(lacks(&error).is_some(), "{error:?}");
        }
        for error in [wasmtime::Trap::Interrupt.into(), wasmtime::format_err!("Cannot allocate memory (os error 12)")] {
            assert_eq!(lacks(&error), None);
        }
    }
}
