//! A chart of a page, with all around it.

use maud::{Markup, html};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use super::data::Data;
use super::numbers::{format_of, is_number, text_of, words_of};
use super::picture::picture;
use super::section::{ChartKind, ChartSection, WidthName};
use super::view::{Choice, Chosen, as_parameters, column_index, narrow};
use crate::address::query;
use crate::charts::{Change, Figure, Locale, NumberFormat, Stat, State, Width, change_text};
use crate::frame::cell;
use crate::lake::{Facts, Seen};
use crate::links::Links;
use crate::markdown::markdown;
use crate::query::{Query, last, sum};

/// The points of a small course.
const SPARK: usize = 90;

/// What the charts of a page have in common.
pub(super) struct Around<'a> {
    pub(super) page: &'a str,
    pub(super) seen: &'a Seen,
    pub(super) chosen: &'a [Chosen<'a>],
    pub(super) locale: &'a Locale,
    pub(super) links: &'a Links,
}

impl Around<'_> {
    /// Draws the chart, or says why it cannot be drawn.
    ///
    /// # Errors
    /// Only those after which the page is to be read again from a newer commit.
    pub(super) fn draw(&self, at: usize, chart: &ChartSection) -> Result<Markup> {
        let drawn = match chart.kind {
            ChartKind::Text => Ok(html! {
                div.text .(width_class(chart)) { (markdown(chart.text.as_deref().unwrap_or_default())) }
            }),
            ChartKind::Stat => self.stat(chart),
            _ => self.figure(at, chart),
        };
        Ok(self.seen.settled(drawn)?.unwrap_or_else(|error| self.failed(at, chart, &error)))
    }

    fn failed(&self, at: usize, chart: &ChartSection, error: &Error) -> Markup {
        let state = match error.kind() {
            Kind::InvalidConfig if self.seen.snapshot().commit() == 0 => {
                State::Empty("The lake has no commit yet: `smelt run` makes the first.".to_owned())
            }
            _ => State::Failed(error.to_string()),
        };
        let title = chart.title.clone().unwrap_or_default();
        Figure { id: figure_id(at), title, width: width(chart), state, ..Figure::default() }.draw()
    }

    /// Returns the parameters of the page's address, with one changed.
    fn with(&self, name: &str, value: &str) -> String {
        let mut parameters = as_parameters(self.chosen);
        parameters.insert(name.to_owned(), value.to_owned());
        query(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    fn csv(&self, at: usize) -> String {
        let parameters = as_parameters(self.chosen);
        let query = query(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        self.links.to(&format!("/pages/{}/{}.csv{query}", self.page, at + 1))
    }

    fn figure(&self, at: usize, chart: &ChartSection) -> Result<Markup> {
        let data = Data::of(chart, self.seen, self.chosen)?;
        let facts = Facts::of(&self.seen.snapshot().state, &data.table);
        let mut figure = Figure {
            id: figure_id(at),
            title: chart.title.clone().unwrap_or_default(),
            unit: chart.unit.clone(),
            period: self.period(&data),
            as_of: facts.map(|facts| self.as_of(&facts)),
            source: Some((data.table.clone(), self.links.rows(&data.table, &data.frame, &data.query))),
            csv: Some(self.csv(at)),
            proof: Some(format!("{}#proof", self.links.table(&data.table))),
            width: width(chart),
            state: self.state(&data, facts.as_ref()),
            ..Figure::default()
        };
        if data.found.rows.is_empty() {
            let why =
                if data.query.filters.is_empty() { "The table has no rows." } else { "No row meets what is chosen." };
            figure.state = State::Empty(why.to_owned());
            return Ok(figure.draw());
        }
        if chart.kind == ChartKind::Table {
            figure.body = self.table(chart, &data)?;
            return Ok(figure.draw());
        }
        let link = |label: &str| self.link(chart, &data, label);
        let selected = chart.choose.as_deref().and_then(|name| self.value_of(name));
        let goes_on = !self.is_cut_off(&data);
        let picture = picture(chart, &data, self.seen, &link, selected, self.brush(&data), goes_on)?;
        if let (Some((shown, all)), State::Ready) = (picture.series_left_out, &figure.state) {
            figure.state = State::Truncated(format!("{shown} of {all} series are drawn; the CSV has all."));
        }
        if picture.drawing.is_empty() {
            figure.state = State::Empty("No row has a number here.".to_owned());
            return Ok(figure.draw());
        }
        let (id, title) = (format!("{}-chart", figure.id), figure.title.clone());
        figure.body = picture.drawing.draw(&id, &title, self.locale);
        figure.data = Some(picture.drawing.table(&picture.first, self.locale));
        Ok(figure.draw())
    }

    fn state(&self, data: &Data, facts: Option<&Facts<'_>>) -> State {
        let state = &self.seen.snapshot().state;
        if let Some((shown, total)) = data.left_out() {
            return State::Truncated(format!("The first {shown} of {total} rows are shown; the CSV has all."));
        }
        match facts {
            Some(facts) if facts.failing(state).is_some() => {
                let (attempts, why) = facts.failing(state).unwrap_or_default();
                State::Stale(format!("The last {attempts} attempts to make it again failed: {why}"))
            }
            Some(facts) if state.held.as_ref().is_some_and(|held| held.published.contains_key(facts.name)) => {
                State::Stale("A check holds newer rows back: see Quality.".to_owned())
            }
            Some(facts) if facts.is_behind(state) => {
                State::Stale("What it was made from has changed since; the next run makes it again.".to_owned())
            }
            _ => State::Ready,
        }
    }

    /// Returns the time that a table was told, or the time of the commit that made it.
    fn as_of(&self, facts: &Facts<'_>) -> String {
        let told = facts.by().as_of.and_then(chrono::DateTime::from_timestamp_micros);
        let made = || {
            let run = self.seen.snapshot().run(self.seen.store(), facts.commit());
            run.map(|run| run.at.clone()).unwrap_or_default()
        };
        let text = told.map_or_else(made, |told| told.format("%F").to_string());
        format!("{}, commit {}", self.locale.date(text.get(..16).unwrap_or(&text)), facts.commit())
    }

    fn days_of(&self, data: &Data) -> Option<(&Chosen<'_>, &super::view::Days)> {
        self.chosen.iter().find_map(|chosen| match &chosen.choice {
            Choice::Dates(days)
                if chosen.section.column.as_deref().is_some_and(|it| data.frame.column(it).is_some()) =>
            {
                Some((chosen, days))
            }
            _ => None,
        })
    }

    /// Returns whether the chosen days end before the data do.
    fn is_cut_off(&self, data: &Data) -> bool {
        let ends = |days: &super::view::Days| Some(days.to.as_ref()? < &days.ends.as_ref()?.1);
        self.days_of(data).and_then(|(_, days)| ends(days)).unwrap_or(false)
    }

    /// Returns whether the data have all of the period before the chosen days. A part of it would be compared with a whole.
    fn has_period_before(&self, data: &Data) -> bool {
        let has = |days: &super::view::Days| Some(days.period_before()?.from? >= days.ends.as_ref()?.0);
        self.days_of(data).and_then(|(_, days)| has(days)).unwrap_or(false)
    }

    fn period(&self, data: &Data) -> Option<String> {
        let (_, days) = self.days_of(data)?;
        let (from, to) = match (&days.from, &days.to) {
            (None, None) => days.ends.clone()?,
            (from, to) => {
                let (first, last) = days.ends.clone().unwrap_or_default();
                (from.clone().unwrap_or(first), to.clone().unwrap_or(last))
            }
        };
        Some(format!("{} – {}", self.locale.date(&from), self.locale.date(&to)))
    }

    /// Returns the parameters that a drag over the chart sets.
    fn brush(&self, data: &Data) -> Option<(String, String)> {
        if self.links.is_static() {
            return None;
        }
        let (chosen, _) = self.days_of(data)?;
        let name = &chosen.section.name;
        Some((format!("{name}_from"), format!("{name}_to")))
    }

    fn value_of(&self, filter: &str) -> Option<&str> {
        self.chosen.iter().find(|chosen| chosen.section.name == filter).and_then(|chosen| match &chosen.choice {
            Choice::Value(value, _) => value.as_deref(),
            _ => None,
        })
    }

    /// Returns the address where a click on a label leads: the page with that choice, or the rows of the label.
    fn link(&self, chart: &ChartSection, data: &Data, label: &str) -> Option<String> {
        if let Some(filter) = &chart.choose {
            let again = self.value_of(filter) == Some(label);
            return Some(self.with(filter, if again { "" } else { label }));
        }
        let column = data.frame.column(chart.x.as_deref()?)?;
        let mut asked = data.query.clone();
        asked.sort.clear();
        asked.filters.push((column, crate::query::Filter::is(label)));
        Some(self.links.rows(&data.table, &data.frame, &asked))
    }

    fn table(&self, chart: &ChartSection, data: &Data) -> Result<Markup> {
        let all: Vec<_> = data.frame.schema().fields().iter().map(|field| field.name().as_str()).collect();
        let named: Vec<_> = chart.columns.0.iter().map(String::as_str).collect();
        let names = if named.is_empty() { all } else { named };
        let rows = data.columns(&names)?;
        let key = data.frame.fetch(&data.found.rows, data.frame.key())?;
        let columns = names.iter().map(|name| data.column(name)).collect::<Result<Vec<_>>>()?;
        let formats: Vec<_> = columns.iter().map(|&column| format_of(&data.frame, column, Some(chart))).collect();
        let numeric: Vec<_> = rows.schema().fields().iter().map(|field| is_number(field.data_type())).collect();
        let title = chart.title.as_deref().unwrap_or_default();
        Ok(html! {
            div.scroll tabindex="0" role="region" aria-label={ (title) ", table" } { table.data {
                thead { tr {
                    @for (name, numeric) in names.iter().zip(&numeric) { th scope="col" .num[*numeric] { (words_of(name, Some(chart))) } }
                    th scope="col" { span.unseen { "Where from" } }
                } }
                tbody { @for (row, &number) in data.found.rows.iter().enumerate() { tr {
                    @for (at, format) in formats.iter().enumerate() {
                        @let text = text_of(&cell(rows.column(at), row), format, self.locale);
                        @if at == 0 {
                            th scope="row" .num[numeric[at]] { @match self.row_link(chart, data, &names, &rows, row) {
                                Some(href) => a href=(href) { (text) },
                                None => (text),
                            } }
                        } @else { td .num[numeric[at]] { (text) } }
                    }
                    td.from { a.proof href=(self.row_of(data, &key, row, number)) title="Where this row comes from" { "where from" } }
                } } }
            } }
        })
    }

    /// Returns the address that a row's first cell leads to, if a click on it chooses something.
    fn row_link(
        &self,
        chart: &ChartSection,
        data: &Data,
        names: &[&str],
        rows: &arrow_array::RecordBatch,
        row: usize,
    ) -> Option<String> {
        let filter = chart.choose.as_deref()?;
        let section = self.chosen.iter().find(|chosen| chosen.section.name == filter)?.section;
        let at = names.iter().position(|name| section.column.as_deref() == Some(name))?;
        self.link(chart, data, &cell(rows.column(at), row).text())
    }

    fn row_of(&self, data: &Data, key: &arrow_array::RecordBatch, row: usize, number: u32) -> String {
        let key = crate::links::key_of(&data.frame, key, row, number);
        let key = query(key.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        format!("{}/row{key}", self.links.table(&data.table))
    }

    fn stat(&self, chart: &ChartSection) -> Result<Markup> {
        let data = Data::of(chart, self.seen, self.chosen)?;
        let mut stat = Stat { label: chart.title.clone().unwrap_or_default(), ..Stat::default() };
        let unit = |text: String, format: &NumberFormat| match (&chart.unit, format) {
            (Some(unit), NumberFormat::Integer | NumberFormat::Decimal(_)) if !text.is_empty() => {
                format!("{text}\u{a0}{unit}")
            }
            _ => text,
        };
        if let Some(name) = &chart.value {
            let (value, column) = (data.first(name)?, data.column(name)?);
            let format = format_of(&data.frame, column, Some(chart));
            stat.text = unit(text_of(&value, &format, self.locale), &format);
            stat.proof =
                data.found.rows.first().map(|&row| self.links.row(&data.table, &data.frame, row)).transpose()?;
        } else {
            let now = self.total(chart, &data, &data.query)?;
            let format = self.total_format(chart, &data)?;
            stat.text = unit(now.map_or_else(String::new, |now| format.text(now, self.locale)), &format);
            stat.proof = Some(self.links.rows(&data.table, &data.frame, &data.query));
            stat.note = self.period(&data);
            if chart.compare {
                let mut before = Query::default();
                for (column, value) in &chart.only {
                    let column = data.column(column)?;
                    before.filters.push((column, crate::query::Filter::Is(value.texts().into_iter().collect())));
                }
                if narrow(&mut before, &data.frame, self.chosen, true).is_some() {
                    let then = self.total(chart, &data, &before)?;
                    let compared = now.zip(then).filter(|(_, then)| *then != 0.0 && self.has_period_before(&data));
                    // From a loss of 4 to a gain of 2 is up: by one and a half times what there was.
                    let ratio = compared.map(|(now, then)| (now - then) / then.abs());
                    stat.change = Some(self.changed(chart, ratio, "on the period before"));
                }
            }
        }
        if stat.text.is_empty() {
            stat.text = "–".to_owned();
        }
        if let Some(change) = &chart.change {
            stat.change = Some(self.changed(chart, data.first(change)?.number(), "on the period before"));
        }
        if let Some(note) = &chart.note {
            let format = format_of(&data.frame, data.column(note)?, Some(chart));
            let text = text_of(&data.first(note)?, &format, self.locale);
            stat.note = Some(text)
                .filter(|text| !text.is_empty())
                .map(|text| format!("{}: {text}", words_of(note, Some(chart))));
        }
        if let Some(spark) = &chart.spark {
            stat.spark = Some(self.spark(spark, &data)?);
        }
        Ok(html! { div.tile-place .(width_class(chart)) { (stat.tile()) } })
    }

    fn total(&self, chart: &ChartSection, data: &Data, asked: &Query) -> Result<Option<f64>> {
        let total = |name: &str| Ok::<_, Error>(sum(&data.frame, asked, data.column(name)?)?.number());
        if let [one, other] = &chart.ratio.0[..] {
            let parts = total(one)?.zip(total(other)?);
            return Ok(parts.filter(|(_, other)| *other != 0.0).map(|(one, other)| one / other));
        }
        total(chart.sum.as_deref().unwrap_or_default())
    }

    fn total_format(&self, chart: &ChartSection, data: &Data) -> Result<NumberFormat> {
        if let [one, other] = &chart.ratio.0[..] {
            let ways = [format!("{one}/{other}"), "*".to_owned()];
            if ways.iter().any(|way| chart.format.contains_key(way)) {
                let column = data.column(one)?;
                let section = ChartSection {
                    format: ways
                        .iter()
                        .find_map(|way| chart.format.get(way))
                        .map(|format| ("*".to_owned(), *format))
                        .into_iter()
                        .collect(),
                    ..chart.clone()
                };
                return Ok(format_of(&data.frame, column, Some(&section)));
            }
            return Ok(NumberFormat::Decimal(2));
        }
        let column = data.column(chart.sum.as_deref().unwrap_or_default())?;
        Ok(format_of(&data.frame, column, Some(chart)))
    }

    fn changed(&self, chart: &ChartSection, ratio: Option<f64>, than: &str) -> Change {
        let is_good = ratio.filter(|ratio| *ratio != 0.0).map(|ratio| (ratio > 0.0) != chart.less_is_better);
        let text = match ratio {
            Some(ratio) => format!("{} {than}", change_text(ratio, self.locale)),
            None => "nothing to compare with".to_owned(),
        };
        Change { ratio, text, is_good }
    }

    /// Returns the last values of a column, of the same table or of another one.
    fn spark(&self, spark: &str, data: &Data) -> Result<Vec<Option<f64>>> {
        let (table, column) = spark.split_once('.').unwrap_or((&data.table, spark));
        let frame = self.seen.table(table)?;
        let column = column_index(&frame, table, column)?;
        let mut asked = Query::default();
        narrow(&mut asked, &frame, self.chosen, false);
        let values = frame.fetch(&last(&frame, &asked, SPARK)?, &[column])?;
        Ok((0..values.num_rows()).map(|row| cell(values.column(0), row).number()).collect())
    }
}

fn figure_id(at: usize) -> String {
    format!("chart-{}", at + 1)
}

fn width(chart: &ChartSection) -> Width {
    match (chart.width, chart.kind) {
        (Some(WidthName::Full), _) => Width::Full,
        (Some(WidthName::Half), _) => Width::Half,
        (Some(WidthName::Third), _) => Width::Third,
        (Some(WidthName::Quarter), _) => Width::Quarter,
        (None, ChartKind::Stat) => Width::Quarter,
        (None, ChartKind::Table | ChartKind::Text) => Width::Full,
        (None, _) => Width::Half,
    }
}

fn width_class(chart: &ChartSection) -> &'static str {
    match width(chart) {
        Width::Full => "full",
        Width::Half => "half",
        Width::Third => "third",
        Width::Quarter => "quarter",
    }
}

/// Returns the columns of a chart whose rows are downloaded, each once: all of a table.
pub(super) fn columns_of(chart: &ChartSection, data: &Data) -> Result<Vec<usize>> {
    let parts = chart.x.iter().chain(&chart.series).chain(&chart.y.0).chain(&chart.faint.0).chain(&chart.marks);
    let parts = parts.chain(&chart.band.0).chain(&chart.parts.0).chain(&chart.mean).chain(&chart.columns.0);
    let parts = parts.chain(&chart.value).chain(&chart.sum).chain(&chart.ratio.0).chain(&chart.note);
    let mut columns = Vec::new();
    for name in parts {
        let column = data.column(name)?;
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        columns = (0..data.frame.schema().fields().len()).collect();
    }
    Ok(columns)
}
