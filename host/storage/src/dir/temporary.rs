//! The names of files being written. Others deliver to bronze under temporary names of their own, so that a name tells
//! exactly which lake's hosts made it: only such files are ever removed.

use std::ffi::OsStr;

use smelt_common::digest;

/// The beginning of all temporary names, those of others too. Listings leave such names out.
pub(super) const TEMPORARY: &str = ".tmp-";
/// The beginning of the temporary names of smelt.
const OURS: &str = ".tmp-smelt-";
/// How many digits of the mark are kept.
const MARK: usize = 16;

/// Returns the beginning of the names that a host of the lake with that id gives, before a number. `random` tells the host's from those
/// of others, who may have its process id in a container of their own.
pub(super) fn stem(lake: u64, random: u64) -> String {
    let mark = &digest::hex(format!("a file that smelt writes: {lake:x} {random:x}"))[..MARK];
    format!("{OURS}{random:016x}-{mark}-")
}

/// Returns whether a host of the lake with that id made the name.
pub(super) fn is_ours(lake: u64, name: &OsStr) -> bool {
    let host = || {
        let name = name.to_str()?;
        let (random, _) = name.strip_prefix(OURS)?.split_once('-')?;
        let number = name.strip_prefix(&stem(lake, u64::from_str_radix(random, 16).ok()?))?;
        Some(!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    host().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_lake_s_hosts_are_ours() {
        let ours = format!("{}12", stem(7, 3));
        assert!(ours.starts_with(TEMPORARY) && is_ours(7, OsStr::new(&ours)), "{ours}");
        assert!(!is_ours(8, OsStr::new(&ours)), "another lake's");
        let zeros = format!("{OURS}{:016x}-{:016x}-0", 0, 0);
        let others = [".tmp-x", ".tmp-0123456789abcdef-0", ".tmp-smelt-", &zeros, ".tmp-orders_1.json", ".tmp-smelt--"];
        for other in others.into_iter().chain([format!("{ours}x").as_str(), &ours[1..], &ours[..ours.len() - 2]]) {
            assert!(!is_ours(7, OsStr::new(other)), "{other}");
        }
    }
}
