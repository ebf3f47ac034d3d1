//! The methods of [`Store`](super::Store) that a wrapper leaves to the store that it wraps.

/// Writes the named methods of `impl Store` for a wrapper: each calls the same method of a field. So a wrapper says only what it
/// does otherwise: `delegate_store!(store: exists, delete);`.
#[macro_export]
macro_rules! delegate_store {
    ($to:ident: $($method:ident),+ $(,)?) => { $($crate::delegate_store!(@$method $to);)+ };
    (@list_new $to:ident) => {
        fn list_new(&self, prefix: &str, after: &str, known: &dyn Fn(&str) -> bool) -> $crate::Result<Vec<$crate::Meta>> {
            self.$to.list_new(prefix, after, known)
        }
    };
    (@open $to:ident) => {
        fn open(&self, key: &str) -> $crate::Result<($crate::Meta, Box<dyn std::io::Read + Send>)> {
            self.$to.open(key)
        }
    };
    (@look $to:ident) => {
        fn look(&self, key: &str) -> $crate::Result<Option<$crate::Meta>> {
            self.$to.look(key)
        }
    };
    (@read_ranges $to:ident) => {
        fn read_ranges(&self, key: &str, ranges: &[std::ops::Range<u64>]) -> $crate::Result<Vec<u8>> {
            self.$to.read_ranges(key, ranges)
        }
    };
    (@exists $to:ident) => {
        fn exists(&self, key: &str) -> $crate::Result<bool> {
            self.$to.exists(key)
        }
    };
    (@create $to:ident) => {
        fn create(&self, near: &str) -> $crate::Result<Box<dyn $crate::Upload + '_>> {
            self.$to.create(near)
        }
    };
    (@delete $to:ident) => {
        fn delete(&self, key: &str) -> $crate::Result<()> {
            self.$to.delete(key)
        }
    };
    (@begin $to:ident) => {
        fn begin(&self) -> $crate::Result<$crate::Writes> {
            self.$to.begin()
        }
    };
    (@may_be_written $to:ident) => {
        fn may_be_written(&self) -> $crate::Result<bool> {
            self.$to.may_be_written()
        }
    };
    (@clock $to:ident) => {
        fn clock(&self) -> $crate::Result<i64> {
            self.$to.clock()
        }
    };
    (@is_remote $to:ident) => {
        fn is_remote(&self) -> bool {
            self.$to.is_remote()
        }
    };
    (@has_layer $to:ident) => {
        fn has_layer(&self, layer: &str) -> $crate::Result<bool> {
            self.$to.has_layer(layer)
        }
    };
    (@describe $to:ident) => {
        fn describe(&self) -> String {
            self.$to.describe()
        }
    };
}
