//! A macro for stores that wrap another store and change only some of its methods.

/// Named here because the macro's code may stand in another crate.
#[doc(hidden)]
pub use smelt_common::Result;

/// Writes the given methods of `impl Store` for a wrapper: each calls the same method of a field. A wrapper then spells
/// out only the methods that it changes: `delegate_store!(store: exists, delete);`.
#[macro_export]
macro_rules! delegate_store {
    ($to:ident: $($method:ident),+ $(,)?) => { $($crate::delegate_store!(@$method $to);)+ };
    (@list_new $to:ident) => {
        fn list_new(&self, prefix: &str, after: &str, known: &dyn Fn(&str) -> bool) -> $crate::delegate::Result<Vec<$crate::Meta>> {
            self.$to.list_new(prefix, after, known)
        }
    };
    (@open $to:ident) => {
        fn open(&self, key: &str) -> $crate::delegate::Result<($crate::Meta, Box<dyn std::io::Read + Send>)> {
            self.$to.open(key)
        }
    };
    (@look $to:ident) => {
        fn look(&self, key: &str) -> $crate::delegate::Result<Option<$crate::Meta>> {
            self.$to.look(key)
        }
    };
    (@read_ranges $to:ident) => {
        fn read_ranges(&self, key: &str, ranges: &[std::ops::Range<u64>]) -> $crate::delegate::Result<Vec<u8>> {
            self.$to.read_ranges(key, ranges)
        }
    };
    (@exists $to:ident) => {
        fn exists(&self, key: &str) -> $crate::delegate::Result<bool> {
            self.$to.exists(key)
        }
    };
    (@create $to:ident) => {
        fn create(&self, near: &str) -> $crate::delegate::Result<Box<dyn $crate::Upload + '_>> {
            self.$to.create(near)
        }
    };
    (@delete $to:ident) => {
        fn delete(&self, key: &str) -> $crate::delegate::Result<()> {
            self.$to.delete(key)
        }
    };
    (@begin $to:ident) => {
        fn begin(&self) -> $crate::delegate::Result<$crate::Writes> {
            self.$to.begin()
        }
    };
    (@may_be_written $to:ident) => {
        fn may_be_written(&self) -> $crate::delegate::Result<bool> {
            self.$to.may_be_written()
        }
    };
    (@clock $to:ident) => {
        fn clock(&self) -> $crate::delegate::Result<i64> {
            self.$to.clock()
        }
    };
    (@is_remote $to:ident) => {
        fn is_remote(&self) -> bool {
            self.$to.is_remote()
        }
    };
    (@has_layer $to:ident) => {
        fn has_layer(&self, layer: &str) -> $crate::delegate::Result<bool> {
            self.$to.has_layer(layer)
        }
    };
    (@describe $to:ident) => {
        fn describe(&self) -> String {
            self.$to.describe()
        }
    };
}
