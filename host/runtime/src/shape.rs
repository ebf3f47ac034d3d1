//! Checks the size of a component before it is compiled. The time of compiling grows with the number and the size of
//! its functions, and compiling cannot be interrupted.

use wasmparser::{Parser, Payload};

use super::Limits;

/// How deep components and modules may be nested.
const DEPTH: usize = 16;
/// The longest function in bytes. The time of compiling grows faster than the length. The main loop of an interpreter
/// has a fifth of this.
const FUNCTION_BYTES: usize = 1 << 20;

/// Checks a component. The error says what is too large or malformed.
pub(super) fn check(component: &[u8], limits: &Limits) -> Result<(), String> {
    let mut depth = 0;
    let mut functions = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| error.to_string())? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                depth += 1;
                if depth > DEPTH {
                    return Err(format!("its components are nested deeper than {DEPTH}"));
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionStart { count, .. } => {
                functions += count as usize;
                if functions > limits.functions {
                    return Err(format!(
                        "it has {functions} functions or more; at most {} are accepted",
                        limits.functions
                    ));
                }
            }
            Payload::CodeSectionEntry(function) if function.range().len() > FUNCTION_BYTES => {
                let bytes = function.range().len();
                return Err(format!("a function has {bytes} bytes; at most {FUNCTION_BYTES} are accepted"));
            }
            _ => {}
        }
    }
    Ok(())
}
