//! Where each address of the server is in an export.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use smelt_common::error::Result;

use super::directory::{Directory, rows_file};
use super::tags::{Lead, placed};
use super::text::data_address;
use crate::address::{Parameters, decoded};
use crate::html::bytes;
use crate::lake::Facts;
use crate::pages::{csv, state_of};
use crate::routes::Sight;
use crate::routes::bodies::RUNS;
use crate::shell::encoded;

/// The most bytes of a CSV within a page. A table of which one reads more is better taken from the server.
const MOST_CSV: usize = 200_000;

/// A page of an export, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The page: `quality`, or like `tables/sales`, with names [`encoded`].
    pub(super) page: String,
    /// The id of the part within the page; empty for all of it.
    pub(super) part: String,
}

impl Place {
    /// Returns the place of a whole page.
    pub(super) fn page(page: impl Into<String>) -> Self {
        Self { page: page.into(), part: String::new() }
    }

    /// Returns the page of the folder of that name.
    pub(super) fn named(folder: &str, name: &str) -> Self {
        Self::page(format!("{folder}/{}", encoded(name)))
    }

    /// Returns a part of the page.
    pub(super) fn part(&self, part: impl Into<String>) -> Self {
        Self { part: part.into(), ..self.clone() }
    }
}

/// The form of an export.
pub(super) enum Form<'d> {
    /// All in one file, with an element for each page.
    File,
    /// A file for each page.
    Directory(&'d Directory),
}

/// The pages of an export.
pub(super) struct Places<'a> {
    pub(super) sight: &'a Sight<'a>,
    pub(super) form: Form<'a>,
    /// The views of each page of the pipeline: what is chosen in each.
    views: RefCell<BTreeMap<&'a str, Vec<BTreeMap<String, String>>>>,
    /// The commits that the page of commits shows.
    commits: BTreeSet<u64>,
    /// The tables that have a page.
    tables: RefCell<BTreeSet<String>>,
    /// Set while a link to a table gives the table a page.
    is_open: Cell<bool>,
}

impl<'a> Places<'a> {
    /// Returns the pages of an export of that form. In a file these are at first those that a link leads to.
    pub(super) fn new(sight: &'a Sight<'a>, form: Form<'a>) -> Self {
        let snapshot = sight.seen.snapshot();
        let runs = snapshot.runs(sight.seen.store(), snapshot.commit(), RUNS);
        let tables = match form {
            Form::File => BTreeSet::new(),
            Form::Directory(_) => Facts::all(&snapshot.state).map(|facts| facts.name.to_owned()).collect(),
        };
        Self {
            is_open: Cell::new(matches!(form, Form::File)),
            sight,
            form,
            views: RefCell::default(),
            commits: runs.iter().map(|run| run.commit).collect(),
            tables: RefCell::new(tables),
        }
    }

    /// Says what is chosen in each view of a page.
    pub(super) fn add_views(&self, page: &'a str, views: Vec<BTreeMap<String, String>>) {
        self.views.borrow_mut().insert(page, views);
    }

    /// Returns the tables that have a page.
    pub(super) fn tables(&self) -> BTreeSet<String> {
        self.tables.borrow().clone()
    }

    /// From now on, no further table gets a page.
    pub(super) fn close(&self) {
        self.is_open.set(false);
    }

    /// Returns the id of the element of a place; in a directory, a whole page needs none.
    pub(super) fn id(&self, place: &Place) -> String {
        match (&self.form, place.part.as_str()) {
            (Form::File, "") => place.page.clone(),
            (Form::File, part) => format!("{}/{part}", place.page),
            (Form::Directory(_), part) => part.to_owned(),
        }
    }

    /// Returns the content of a place with all its links and ids.
    pub(super) fn placed(&self, here: &Place, content: &str) -> Result<String> {
        let id = self.id(here);
        let prefix = if id.is_empty() { id } else { format!("{id}/") };
        placed(content, &prefix, &|href| self.lead(here, &prefix, content, href))
    }

    /// Returns the frame around pages with all its links. Its ids stay as they are.
    pub(super) fn placed_frame(&self, here: &Place, frame: &str) -> Result<String> {
        placed(frame, "", &|href| self.lead(here, "", frame, href))
    }

    fn lead(&self, here: &Place, prefix: &str, content: &str, href: &str) -> Result<Lead> {
        if let Some(id) = href.strip_prefix('#') {
            let is_there = !id.contains('"') && content.contains(&format!(" id=\"{id}\""));
            return Ok(if is_there { Lead::To(format!("#{prefix}{id}")) } else { Lead::Nowhere });
        }
        if href.split(['/', '?', '#']).next().is_some_and(|scheme| scheme.contains(':')) {
            return Ok(Lead::To(href.to_owned()));
        }
        let (path, fragment) = href.split_once('#').unwrap_or((href, ""));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = match path.strip_prefix('/') {
            Some(path) => path.to_owned(),
            None if path.is_empty() => here.page.clone(),
            // An address that Markdown has is meant from the folder of the page.
            None => here.page.rsplit_once('/').map_or(path.to_owned(), |(folder, _)| format!("{folder}/{path}")),
        };
        let segments: Vec<_> = path.split('/').map(decoded).collect();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let place = match segments[..] {
            [""] => Some(Place::page("pipeline")),
            [page @ ("tables" | "quality" | "runs" | "plugins")] => Some(Place::page(page)),
            ["runs", commit] => {
                let is_shown = commit.parse().is_ok_and(|commit: u64| self.commits.contains(&commit));
                is_shown.then(|| Place::page("runs").part(format!("commit-{commit}")))
            }
            ["pages", name] => self.view(name, &Parameters::parse(query), !query.is_empty()),
            ["tables", name] | ["tables", name, "row"] => self.has_table(name).then(|| {
                let is_proof = fragment == "proof" || segments.len() == 3;
                Place::named("tables", name).part(if is_proof { "proof" } else { "" })
            }),
            ["tables", name, "rows.csv"] => return Ok(self.rows(here, name)),
            ["pages", name, file] => return self.csv(here, name, file, query),
            _ => None,
        };
        // Another order or another part of the rows that one sees.
        let is_other =
            |place: &Place| *place == Place::page(&*here.page) && !query.is_empty() && segments[0] != "pages";
        let place = place.filter(|place| !is_other(place));
        Ok(place.map_or(Lead::Nowhere, |place| Lead::To(self.address(here, &place))))
    }

    /// Returns the address of a place, as a link at another one has it.
    fn address(&self, here: &Place, to: &Place) -> String {
        if let Form::File = self.form {
            return format!("#{}", self.id(to));
        }
        let part = if to.part.is_empty() { String::new() } else { format!("#{}", to.part) };
        if here.page == to.page && !part.is_empty() {
            return part;
        }
        format!("{}{part}", below(here, &Directory::file(&to.page)))
    }

    fn has_table(&self, name: &str) -> bool {
        let mut tables = self.tables.borrow_mut();
        if self.is_open.get() && Facts::of(&self.sight.seen.snapshot().state, name).is_some() {
            tables.insert(name.to_owned());
        }
        tables.contains(name)
    }

    /// Returns the page of the pipeline with what the parameters choose. `None` if it does not have that choice.
    fn view(&self, name: &str, parameters: &Parameters, is_chosen: bool) -> Option<Place> {
        let page = self.sight.pages.iter().find(|page| page.name == name)?;
        let place = Place::named("pages", name);
        let (Ok(section), true) = (&page.section, is_chosen) else { return Some(place) };
        // The page itself, which was made before, has shown what its filters read.
        let wanted = state_of(section, self.sight.seen, parameters).ok()?;
        let views = self.views.borrow();
        let views = views.get(name)?;
        let at = views.iter().position(|state| *state == wanted)?;
        Some(if views.len() > 1 { place.part(view_id(at)) } else { place })
    }

    fn rows(&self, here: &Place, name: &str) -> Lead {
        match self.form {
            Form::Directory(_) => {
                let file = format!("{name}.csv");
                Lead::File(below(here, &rows_file(name)), file)
            }
            Form::File => Lead::Nowhere,
        }
    }

    /// Returns the rows of a chart: a file beside its page, or all in the address.
    fn csv(&self, here: &Place, name: &str, file: &str, query: &str) -> Result<Lead> {
        let page = self.sight.pages.iter().find(|page| page.name == name);
        let number = file.strip_suffix(".csv").and_then(|number| number.parse().ok());
        let (Some(Ok(section)), Some(number)) = (page.map(|page| &page.section), number) else {
            return Ok(Lead::Nowhere);
        };
        let rows = csv(section, number, self.sight.seen, &Parameters::parse(query))?;
        let saved = format!("{name}-{number}.csv");
        Ok(match &self.form {
            Form::Directory(directory) => {
                let view = if here.part.is_empty() { String::new() } else { format!("{}-", here.part) };
                let file = directory.keep_rows(&format!("{}/{view}{number}.csv", here.page), &rows)?;
                Lead::File(below(here, &file), saved)
            }
            Form::File if rows.len() >= MOST_CSV => {
                let size = bytes(rows.len() as u64, &self.sight.asked.locale);
                Lead::Because(format!(" of {size}: the server has it"))
            }
            Form::File => Lead::File(data_address("text/csv;charset=utf-8", &rows), saved),
        })
    }
}

/// Returns the id of a view of a page.
pub(super) fn view_id(at: usize) -> String {
    format!("view-{}", at + 1)
}

/// Returns the address of a file of a directory, as a page of it has it.
pub(super) fn below(here: &Place, file: &str) -> String {
    // Names of files have percent signs for what a browser would take for something else.
    let file: Vec<_> = file.split('/').map(encoded).collect();
    format!("{}{}", "../".repeat(here.page.matches('/').count()), file.join("/"))
}
