//! Series of numbers, the colours they get, and the legend that names them.

use maud::{Markup, html};

use super::number::NumberFormat;
use super::scale::drawable;

/// The stroke of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeriesStyle {
    /// A measured quantity.
    #[default]
    Solid,
    /// A forecast: it continues the colour of the solid series before it.
    Dashed,
    /// A quantity to compare with, such as a moving average or the period before.
    Faint,
}

/// Numbers of one name and one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// One value a label; `None` is a gap.
    pub values: Vec<Option<f64>>,
    /// The format of its values.
    pub format: NumberFormat,
    /// Its stroke.
    pub style: SeriesStyle,
}

impl Series {
    /// Returns a solid series.
    pub fn new(name: impl Into<String>, values: Vec<Option<f64>>, format: NumberFormat) -> Series {
        Series { name: name.into(), values, format, style: SeriesStyle::Solid }
    }

    /// Returns the same series drawn in another style.
    pub fn styled(self, style: SeriesStyle) -> Series {
        Series { style, ..self }
    }

    /// Returns the value at `i`, if there is one that can be drawn.
    pub(super) fn value(&self, i: usize) -> Option<f64> {
        drawable(self.values.get(i).copied().flatten())
    }
}

/// Colours that people with any colour vision tell apart.
pub(super) const COLOURS: usize = 8;

/// Returns a colour class for each series.
pub(super) fn colours(series: &[Series]) -> Vec<String> {
    let (mut next, mut last, mut neutral) = (0, None, false);
    let mut take = || {
        next += 1;
        (next - 1) % COLOURS
    };
    let mut colours = Vec::with_capacity(series.len());
    for one in series {
        colours.push(match one.style {
            SeriesStyle::Solid => {
                let colour = take();
                last = Some(colour);
                format!("c{colour}")
            }
            SeriesStyle::Dashed => format!("c{}", last.take().unwrap_or_else(&mut take)),
            SeriesStyle::Faint if !neutral => {
                neutral = true;
                String::from("cn")
            }
            SeriesStyle::Faint => format!("c{}", take()),
        });
    }
    colours
}

/// Returns the class of a style.
pub(super) fn style_class(style: SeriesStyle) -> &'static str {
    match style {
        SeriesStyle::Solid => "solid",
        SeriesStyle::Dashed => "dashed",
        SeriesStyle::Faint => "faint",
    }
}

/// Names the series, and the marks that are no series; the script enables its buttons, which hide a series.
pub(super) fn legend(series: &[Series], others: &[(&str, &str)]) -> Markup {
    if series.len() + others.len() < 2 {
        return html! {};
    }
    let colours = colours(series);
    html! {
        ul.legend {
            @for (k, one) in series.iter().enumerate() {
                li {
                    button type="button" disabled aria-pressed="true" data-series=(k) {
                        i class={ "swatch " (style_class(one.style)) " " (colours[k]) } {} span { (one.name) }
                    }
                }
            }
            @for (class, name) in others { li { i class={ "swatch " (class) } {} span { (name) } } }
        }
    }
}

/// Says if every value is counted in ones, so that an axis has no halves.
pub(super) fn whole(series: &[Series]) -> bool {
    series.iter().all(|s| s.format == NumberFormat::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_continues_the_colour_before_it() {
        let series = |style| Series::new("", Vec::new(), NumberFormat::Integer).styled(style);
        use SeriesStyle::{Dashed, Faint, Solid};
        let all = [Solid, Dashed, Faint, Solid, Faint].map(series);
        assert_eq!(colours(&all), ["c0", "c0", "cn", "c1", "c2"]);
    }
}
