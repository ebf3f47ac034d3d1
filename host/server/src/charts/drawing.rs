//! A chart of any kind.

use maud::Markup;

use super::bars::Bars;
use super::boxes::Boxes;
use super::funnel::Funnel;
use super::heat_map::HeatMap;
use super::histogram::Histogram;
use super::lines::Lines;
use super::locale::Locale;
use super::series::Series;
use super::share::Share;

/// A chart of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Drawing {
    /// Lines over an axis.
    Lines(Lines),
    /// Bars by label.
    Bars(Bars),
    /// Parts of a whole.
    Share(Share),
    /// Distributions by group.
    Boxes(Boxes),
    /// One distribution.
    Histogram(Histogram),
    /// Values by row and column.
    HeatMap(HeatMap),
    /// The rest after each step.
    Funnel(Funnel),
}

impl Drawing {
    /// Draws the chart. The id must be unique on its page; equal input gives equal bytes.
    pub fn draw(&self, id: &str, title: &str, locale: &Locale) -> Markup {
        match self {
            Self::Lines(chart) => chart.draw(id, title, locale),
            Self::Bars(chart) => chart.draw(id, title, locale),
            Self::Share(chart) => chart.draw(id, title, locale),
            Self::Boxes(chart) => chart.draw(id, title, locale),
            Self::Histogram(chart) => chart.draw(id, title, locale),
            Self::HeatMap(chart) => chart.draw(id, title, locale),
            Self::Funnel(chart) => chart.draw(id, title, locale),
        }
    }

    /// Says if the chart has nothing to show, in which case its figure is `State::Empty`.
    pub fn is_empty(&self) -> bool {
        let none = |series: &[Series]| !series.iter().any(|s| s.values.iter().flatten().any(|v| v.is_finite()));
        match self {
            Self::Lines(chart) => chart.x.labels.is_empty() || none(&chart.series),
            Self::Bars(chart) => chart.labels.is_empty() || none(&chart.series),
            Self::Share(chart) => !chart.values.iter().flatten().any(|v| v.is_finite()),
            Self::Boxes(chart) => !chart.rows.iter().any(|row| row.parts().is_some()),
            Self::Histogram(chart) => chart.ranges().is_empty(),
            Self::HeatMap(chart) => !chart.values.iter().flatten().flatten().any(|v| v.is_finite()),
            Self::Funnel(chart) => chart.steps.is_empty(),
        }
    }
}
