//! The order of a pipeline's tables: each comes after all that it reads.

use std::collections::{BTreeMap, BTreeSet};

use smelt_common::Error;
use smelt_common::error::Result;

/// The names of the tables that each table reads, by the name of the table.
pub(super) type Reads<'t> = BTreeMap<&'t str, Vec<&'t str>>;

/// Returns the level of each table: 0 if it reads no table, otherwise one more than the greatest level that it reads.
///
/// # Errors
/// A table reads itself, directly or through others. The error has the path.
pub(super) fn levels<'t>(reads: &Reads<'t>) -> Result<BTreeMap<&'t str, usize>> {
    let mut levels = BTreeMap::new();
    for &table in reads.keys() {
        visit(table, reads, &mut vec![], &mut levels)?;
    }
    Ok(levels)
}

/// Returns the names of all that the relation is made from, through all tables.
pub(super) fn made_from(name: &str, reads: &Reads<'_>) -> BTreeSet<String> {
    closure(name, |name| reads.get(name).into_iter().flatten().copied().collect())
}

/// Returns the names of all tables that are made of the relation, through all tables.
pub(super) fn made_of(name: &str, reads: &Reads<'_>) -> BTreeSet<String> {
    closure(name, |name| reads.iter().filter(|(_, read)| read.contains(&name)).map(|(table, _)| *table).collect())
}

fn closure<'n>(name: &str, next: impl Fn(&str) -> Vec<&'n str>) -> BTreeSet<String> {
    let (mut reached, mut left) = (BTreeSet::new(), next(name));
    while let Some(name) = left.pop() {
        if reached.insert(name.to_owned()) {
            left.extend(next(name));
        }
    }
    reached
}

fn visit<'t>(
    table: &'t str,
    reads: &Reads<'t>,
    path: &mut Vec<&'t str>,
    levels: &mut BTreeMap<&'t str, usize>,
) -> Result<usize> {
    if let Some(&level) = levels.get(table) {
        return Ok(level);
    }
    if let Some(start) = path.iter().position(|&on_path| on_path == table) {
        let cycle: Vec<_> = path[start..].iter().chain([&table]).map(|name| format!("`{name}`")).collect();
        return Err(Error::config(format!(
            "the tables form a cycle, in which each reads the next: {}",
            cycle.join(" → ")
        )));
    }
    path.push(table);
    let mut level = 0;
    for &read in reads.get(table).into_iter().flatten() {
        level = level.max(1 + visit(read, reads, path, levels)?);
    }
    path.pop();
    levels.insert(table, level);
    Ok(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_after_all_that_it_reads() {
        let reads = Reads::from([("a", vec!["b", "d"]), ("b", vec!["c"]), ("c", vec![]), ("d", vec![])]);
        assert_eq!(levels(&reads).expect("no cycle"), [("a", 2), ("b", 1), ("c", 0), ("d", 0)].into());
    }

    #[test]
    fn a_chain_of_a_thousand_tables_has_a_thousand_levels() {
        let names: Vec<String> = (0..1000).map(|number| format!("t{number}")).collect();
        let reads = names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.as_str(), names.get(at + 1).into_iter().map(String::as_str).collect()));
        assert_eq!(levels(&reads.collect()).expect("no cycle").values().max(), Some(&999));
    }

    #[test]
    fn a_cycle_is_refused_with_its_path() {
        let told = |reads| levels(&reads).expect_err("a cycle").to_string();
        assert!(told([("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["b"])].into()).ends_with("`b` → `c` → `b`"));
        assert!(told([("a", vec!["a"])].into()).ends_with("`a` → `a`"));
    }
}
