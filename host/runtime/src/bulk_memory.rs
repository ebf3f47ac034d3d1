//! Splits the bulk memory instructions of a component, `memory.copy` and `memory.fill`, into pieces.
//!
//! The engine checks the deadline only where a loop begins. One such instruction can fill all of a guest's memory,
//! which would overrun the deadline by too much. So before a component is compiled, each of these instructions becomes
//! a call of a function that does the same in a loop over pieces.

use std::convert::Infallible;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent, component_utils, utils};
use wasm_encoder::{BlockType, CodeSection, Component, Function, FunctionSection, Instruction, TypeSection, ValType};
use wasmparser::{Operator, Parser, Payload, TypeRef};

/// The version of the rewriting. It must change when the rewriting does, because it is part of the names in the cache.
pub(super) const VERSION: u32 = 1;
/// The bytes of one piece, which take a few milliseconds.
const PIECE: i32 = 4 << 20;

/// An instruction whose time is in proportion to a number of bytes, with the memories on which it works.
#[derive(Clone, Copy, PartialEq)]
enum Bulk {
    Copy { to: u32, from: u32 },
    Fill { memory: u32 },
}

/// Rewrites one module. The added functions come after all functions of the module, and their type after all of its
/// types.
#[derive(Default)]
struct Rewriter {
    /// The instructions that the module uses. Each needs a function.
    needed: Vec<Bulk>,
    /// The number of the module's types.
    types: u32,
    /// The number of the module's functions, the imported ones included.
    functions: u32,
}

/// Returns the component with its copies and fills in pieces, or what is malformed about it.
pub(super) fn split(component: &[u8]) -> Result<Vec<u8>, String> {
    let mut made = Component::new();
    let mut rewriter = Rewriter::default();
    rewriter.parse_component(&mut made, Parser::new(0), component).map_err(|error| error.to_string())?;
    Ok(made.finish())
}

impl Rewriter {
    /// Returns the rewriter for a module.
    fn of(module: &[u8]) -> wasmparser::Result<Self> {
        let mut rewriter = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(groups) => {
                    for group in groups {
                        rewriter.types = rewriter.types.saturating_add(group?.types().len() as u32);
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let is_function = matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_));
                        rewriter.functions = rewriter.functions.saturating_add(u32::from(is_function));
                    }
                }
                Payload::FunctionSection(functions) => {
                    rewriter.functions = rewriter.functions.saturating_add(functions.count());
                }
                Payload::CodeSectionEntry(body) => {
                    for operator in body.get_operators_reader()? {
                        let Some(bulk) = Bulk::of(&operator?) else { continue };
                        if !rewriter.needed.contains(&bulk) {
                            rewriter.needed.push(bulk);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(rewriter)
    }
}

impl Reencode for Rewriter {
    type Error = Infallible;

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_type_section(self, types, section)?;
        types.ty().function([ValType::I32; 3], []);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_function_section(self, functions, section)?;
        for _ in &self.needed {
            functions.function(self.types);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_code_section(self, code, section)?;
        for bulk in &self.needed {
            code.function(&bulk.function());
        }
        Ok(())
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, reencode::Error> {
        let known = Bulk::of(&operator).and_then(|bulk| self.needed.iter().position(|needed| *needed == bulk));
        match known {
            Some(at) => Ok(Instruction::Call(self.functions.saturating_add(at as u32))),
            None => utils::instruction(self, operator),
        }
    }
}

impl ReencodeComponent for Rewriter {
    /// Rewrites a module. A module without such instructions stays the same, byte for byte.
    fn parse_component_submodule(
        &mut self,
        component: &mut Component,
        parser: Parser,
        module: &[u8],
    ) -> Result<(), reencode::Error> {
        *self = Self::of(module)?;
        if self.needed.is_empty() {
            component.section(&wasm_encoder::RawSection { id: 1, data: module });
            return Ok(());
        }
        component_utils::parse_component_submodule(self, component, parser, module)
    }
}

impl Bulk {
    fn of(operator: &Operator<'_>) -> Option<Self> {
        match *operator {
            Operator::MemoryCopy { dst_mem, src_mem } => Some(Self::Copy { to: dst_mem, from: src_mem }),
            Operator::MemoryFill { mem } => Some(Self::Fill { memory: mem }),
            _ => None,
        }
    }

    fn instruction(self) -> Instruction<'static> {
        match self {
            Self::Copy { to, from } => Instruction::MemoryCopy { src_mem: from, dst_mem: to },
            Self::Fill { memory } => Instruction::MemoryFill(memory),
        }
    }

    /// Returns the function that replaces the instruction and takes the same operands: the target, the source or the
    /// byte, and the number of bytes.
    fn function(self) -> Function {
        const TO: u32 = 0;
        const WHAT: u32 = 1;
        const LENGTH: u32 = 2;
        use Instruction::{Br, Else, End, I32Add, I32Const, I32GtU, I32LeU, I32Sub, If, LocalGet, LocalSet, Loop};
        let add = |local| [LocalGet(local), I32Const(PIECE), I32Add, LocalSet(local)];
        let shorten = [LocalGet(LENGTH), I32Const(PIECE), I32Sub, LocalSet(LENGTH)];
        // A loop that does one piece while more than a piece is left.
        let pieces = |piece: Vec<Instruction<'static>>| {
            let more = [LocalGet(LENGTH), I32Const(PIECE), I32GtU, If(BlockType::Empty)];
            [vec![Loop(BlockType::Empty)], more.to_vec(), piece, vec![Br(1), End, End]].concat()
        };
        let forward = |also: &[u32]| {
            let one = [LocalGet(TO), LocalGet(WHAT), I32Const(PIECE), self.instruction()];
            let on = also.iter().flat_map(|&local| add(local));
            pieces(one.into_iter().chain(on).chain(shorten.clone()).collect())
        };
        let body = match self {
            Self::Fill { .. } => forward(&[TO]),
            // If the ranges overlap, no byte may be overwritten before it is read.
            Self::Copy { .. } => {
                let end = |local| [LocalGet(local), LocalGet(LENGTH), I32Add];
                let last = end(TO).into_iter().chain(end(WHAT)).chain([I32Const(PIECE), self.instruction()]);
                let backward = pieces(shorten.clone().into_iter().chain(last).collect());
                let is_forward = vec![LocalGet(TO), LocalGet(WHAT), I32LeU, If(BlockType::Empty)];
                [is_forward, forward(&[TO, WHAT]), vec![Else], backward, vec![End]].concat()
            }
        };
        let rest = [LocalGet(TO), LocalGet(WHAT), LocalGet(LENGTH), self.instruction(), End];
        let mut function = Function::new([]);
        for instruction in body.iter().chain(&rest) {
            function.instruction(instruction);
        }
        function
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::component::{Component, Linker};
    use wasmtime::{Engine, Store};

    use super::*;

    /// Returns the checksum of a component's memory after this instruction, or `None` if it traps. The memory is 16 MiB
    /// of different numbers.
    fn sum_after(sin: &str, is_split: bool) -> Option<u32> {
        let text = format!(
            r#"(component
            (core module $module
                (memory 256) (memory $other 256)
                (func $f (export "f") (result i32) (local $i i32) (local $sum i32)
                    (loop $l
                        (i32.store (local.get $i) (i32.mul (local.get $i) (i32.const 0x9e3779b1)))
                        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 16777216))))
                    {sin}
                    (local.set $i (i32.const 0))
                    (loop $l
                        (local.set $sum (i32.mul (i32.const 31) (i32.add (local.get $sum)
                            (i32.add (i32.load (local.get $i)) (i32.load $other (local.get $i))))))
                        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 16777216))))
                    (local.get $sum)))
            (core instance $instance (instantiate $module))
            (func (export "f") (result u32) (canon lift (core func $instance "f"))))"#
        );
        let mut component = wat::parse_str(text).expect("it is a component");
        if is_split {
            component = split(&component).expect("it can be split");
        }
        let engine = Engine::default();
        let component = Component::from_binary(&engine, &component).expect("it compiles");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &component).expect("it starts");
        let f = instance.get_typed_func::<(), (u32,)>(&mut store, "f").expect("it has it");
        f.call(&mut store, ()).ok().map(|(sum,)| sum)
    }

    #[test]
    fn copies_and_fills_in_pieces_do_what_they_did() {
        let triple = |to, what, length| format!("(i32.const {to}) (i32.const {what}) (i32.const {length})");
        let mut sums = std::collections::BTreeSet::new();
        for (to, from, length) in [
            (0, 1, 16_777_215),
            (1, 0, 16_777_215),
            (5_000_001, 3, 11_000_000),
            (3, 5_000_001, 11_000_000),
            (0, 8_388_608, 4_194_304),
            (8_388_608, 0, 4_194_305),
            (100, 200, 17),
            (0, 0, 0),
            // These are outside of the memory, so they trap.
            (1, 0, 16_777_216),
            (0, 1, 16_777_216),
            (-256, 0, 0x7fff_ffff),
            (0, 0, -1),
        ] {
            for sin in [
                format!("(memory.copy {})", triple(to, from, length)),
                format!("(memory.copy $other 0 {})", triple(to, from, length)),
                format!("(memory.fill {})", triple(to, from, length)),
            ] {
                let whole = sum_after(&sin, false);
                assert_eq!(sum_after(&sin, true), whole, "{sin}");
                sums.insert(whole);
            }
        }
        assert!(sums.len() > 15, "they differ, and some trap: {sums:?}");
    }

    #[test]
    fn what_copies_nothing_stays_as_it_is() {
        let component = wat::parse_str("(component (core module (func (nop))))").expect("it is a component");
        assert_eq!(split(&component), Ok(component));
    }
}
