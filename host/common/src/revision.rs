//! Names of revisions: a file that arrives again with other bytes becomes another object.

/// The greatest number of a revision.
pub const MOST_REVISIONS: u64 = 99;

/// Returns the name of an object's file and the number of its revision: the first one of `a.csv` is called `a.csv`, and later
/// ones `a.csv.r02` up to `a.csv.r99`.
pub fn file_and_revision(object: &str) -> (&str, u64) {
    match split(object) {
        Some((file, revision @ 2..)) if !file.is_empty() => (file, revision),
        _ => (object, 1),
    }
}

/// Returns the name of a revision of the file.
pub fn revision_name(file: &str, revision: u64) -> String {
    if revision == 1 { file.to_owned() } else { format!("{file}.r{revision:02}") }
}

/// Returns whether the name ends as those of revisions do: in `.r` and two digits. No file may have such a name.
pub fn ends_as_revision(name: &str) -> bool {
    split(name).is_some()
}

fn split(name: &str) -> Option<(&str, u64)> {
    let (file, end) = name.split_at_checked(name.len().checked_sub(".r00".len())?)?;
    let digits = end.strip_prefix(".r").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some((file, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_revision_ends_in_its_number() {
        for (object, file, revision, ends) in [
            ("a.csv", "a.csv", 1, false),
            ("a.csv.r02", "a.csv", 2, true),
            ("a.csv.r99", "a.csv", 99, true),
            ("a.csv.r01", "a.csv.r01", 1, true),
            ("a.csv.r00", "a.csv.r00", 1, true),
            ("a.csv.r2", "a.csv.r2", 1, false),
            ("a.csv.r+2", "a.csv.r+2", 1, false),
            (".r02", ".r02", 1, true),
            ("é.r02", "é", 2, true),
            ("x", "x", 1, false),
        ] {
            assert_eq!(file_and_revision(object), (file, revision), "{object}");
            assert_eq!(revision_name(file, revision), object);
            assert_eq!(ends_as_revision(object), ends, "{object}");
        }
    }
}
