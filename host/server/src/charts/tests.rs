//! Every chart with every kind of number: the markup stays well formed, in range, and free of what no browser can draw.

use proptest::prelude::*;

use super::*;

const NASTY: &str = "<script>\"'&</script>";

/// Reads markup as elements and returns them with their attributes; panics where a browser would have to guess.
fn elements(markup: &str) -> Vec<(String, Vec<(String, String)>)> {
    const VOID: [&str; 2] = ["meta", "link"];
    let (mut open, mut found, mut rest) = (Vec::new(), Vec::new(), markup);
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a stray > in {}", &rest[..start]);
        let end = start + rest[start..].find('>').unwrap_or_else(|| panic!("an open tag: {}", &rest[start..]));
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut list = Vec::new();
        while !attributes.is_empty() {
            if let Some(rest) = attributes.strip_prefix("disabled ") {
                attributes = rest;
                continue;
            }
            let Some((key, after)) = attributes.split_once("=\"") else {
                assert_eq!(attributes, "download");
                break;
            };
            let (value, after) = after.split_once('"').unwrap_or_else(|| panic!("an open attribute in {tag}"));
            list.push((key.to_owned(), value.to_owned()));
            attributes = after.trim_start();
        }
        found.push((name.to_owned(), list));
        if name == "script" {
            let (json, after) = rest.split_once("</script>").unwrap();
            serde_json::from_str::<serde_json::Value>(json).unwrap_or_else(|e| panic!("{e}: {json}"));
            rest = after;
        } else if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert_eq!(open, Vec::<String>::new());
    found
}

/// Checks that a chart can be drawn by any browser under a strict policy.
fn check(markup: &str) {
    for (name, attributes) in elements(markup) {
        for (key, value) in attributes {
            assert!(key != "style" && !key.starts_with("on"), "{key} on {name}");
            let drawn = ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "r", "d", "points"];
            if !drawn.contains(&key.as_str()) {
                continue;
            }
            assert!(!value.contains("NaN") && !value.contains("inf") && !value.contains('e'), "{key}={value}");
            if let Some(percent) = value.strip_suffix('%') {
                let percent: f64 = percent.parse().unwrap();
                assert!((0.0..=100.0).contains(&percent), "{name} {key}={value}");
            } else if key == "d" && !value.contains(['q', 'l']) {
                for number in
                    value.split(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').filter(|n| !n.is_empty())
                {
                    let number: f64 = number.parse().unwrap();
                    assert!((-5.0..=1000.0).contains(&number), "{value}");
                }
            }
        }
    }
}

fn formats() -> [NumberFormat; 5] {
    [
        NumberFormat::Integer,
        NumberFormat::Decimal(2),
        NumberFormat::Percent(1),
        NumberFormat::Money { decimals: 2, currency: Some(String::from(NASTY)) },
        NumberFormat::Compact,
    ]
}

/// Draws every kind of chart from the same labels and numbers.
fn every(labels: &[String], values: &[Option<f64>], kind: XKind, format: &NumberFormat) -> Vec<Drawing> {
    let label = |i: usize| labels.get(i % labels.len().max(1)).cloned().unwrap_or_default();
    let value = |i: usize| values.get(i % values.len().max(1)).copied().flatten().unwrap_or(f64::NAN);
    let series = || {
        [SeriesStyle::Solid, SeriesStyle::Dashed, SeriesStyle::Faint]
            .map(|style| Series::new(NASTY, values.iter().rev().copied().collect(), format.clone()).styled(style))
            .to_vec()
    };
    let links = vec![Some(String::from(NASTY)), None];
    let mut all = vec![
        Drawing::Lines(Lines {
            x: XAxis { labels: labels.to_vec(), kind },
            series: series(),
            marked: vec![true, false, true],
            marked_name: String::from(NASTY),
            band: Some((values.to_vec(), values.iter().rev().copied().collect(), String::from(NASTY))),
            brush: Some((String::from(NASTY), String::from("to"))),
        }),
        Drawing::Lines(Lines::new(XAxis { labels: labels.to_vec(), kind }, series()[..1].to_vec())),
        Drawing::Share(Share {
            labels: labels.to_vec(),
            values: values.to_vec(),
            format: format.clone(),
            links: links.clone(),
        }),
        Drawing::Boxes(Boxes {
            rows: (0..labels.len().min(4))
                .map(|i| BoxRow {
                    name: label(i),
                    lower: value(i),
                    p25: value(i + 1),
                    p50: value(i + 2),
                    p75: value(i + 3),
                    upper: value(i + 4),
                    mean: values.first().copied().flatten(),
                })
                .collect(),
            format: format.clone(),
        }),
        Drawing::Histogram(Histogram {
            lower: values.iter().map(|v| v.unwrap_or(0.0)).collect(),
            upper: values.iter().rev().map(|v| v.unwrap_or(0.0)).collect(),
            count: values.iter().map(|v| v.unwrap_or(f64::INFINITY)).collect(),
            format: format.clone(),
        }),
        Drawing::HeatMap(HeatMap {
            rows: labels.iter().take(3).cloned().collect(),
            columns: labels.to_vec(),
            values: vec![values.to_vec(), Vec::new()],
            format: format.clone(),
            row_title: String::from(NASTY),
            column_title: String::from(NASTY),
        }),
        Drawing::Funnel(Funnel {
            steps: (0..labels.len()).map(|i| (label(i), value(i))).collect(),
            format: format.clone(),
        }),
    ];
    for layout in [BarLayout::Grouped, BarLayout::Stacked, BarLayout::Horizontal] {
        let bars = Bars::new(labels.to_vec(), series(), layout);
        all.push(Drawing::Bars(Bars { kind, links: links.clone(), selected: Some(1), ..bars }));
    }
    all
}

fn check_every(labels: &[String], values: &[Option<f64>]) {
    for kind in [XKind::Category, XKind::Date, XKind::Number] {
        for format in formats() {
            for drawing in every(labels, values, kind, &format) {
                let locale = Locale::of("de");
                let table = drawing.table(NASTY, &locale).table(NASTY).into_string();
                let markup = drawing.draw(NASTY, NASTY, &locale).into_string();
                assert!(!markup.contains(NASTY) && !table.contains(NASTY));
                check(&markup);
                elements(&table);
                assert_eq!(markup, drawing.draw(NASTY, NASTY, &locale).into_string());
            }
        }
    }
}

fn dates(count: usize) -> Vec<String> {
    let first = chrono::NaiveDate::from_ymd_opt(1999, 12, 25).unwrap();
    first.iter_days().take(count).map(|d| d.to_string()).collect()
}

#[test]
fn odd_numbers_are_drawn() {
    for values in [
        &[][..],
        &[Some(1.0)],
        &[None, None, None],
        &[Some(5.0), Some(5.0), Some(5.0)],
        &[Some(0.0), Some(-0.0)],
        &[Some(-3.0), None, Some(-7.5)],
        &[Some(1e300), Some(-1e300), Some(f64::MAX)],
        &[Some(f64::MIN_POSITIVE), Some(5e-324)],
        &[Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY)],
        &[Some(1e15 + 0.3), Some(1e15 + 0.4)],
    ] {
        check_every(&dates(values.len()), values);
        check_every(&[String::from(NASTY), String::from("1e300"), String::from("-5")], values);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_numbers_are_drawn(
        values in prop::collection::vec(prop::option::of(prop_oneof![any::<f64>(), -1e6..1e6, Just(0.0)]), 0..40),
        labels in prop::collection::vec("\\PC{0,20}|[0-9]{4}-0[1-9]-[0-2][0-9]|-?[0-9]{1,9}", 0..40),
    ) {
        check_every(&labels, &values);
        check_every(&dates(values.len()), &values);
    }
}

#[test]
fn ten_thousand_points_are_small() {
    let first = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap();
    let hour = |i: i64| (first + chrono::TimeDelta::hours(i)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let values = (0..10_000).map(|i| Some(f64::from((i * 7919) % 100_003) / 100.0)).collect();
    let x = XAxis { labels: (0..10_000).map(hour).collect(), kind: XKind::Date };
    let series = vec![Series::new("s", values, NumberFormat::Decimal(2))];
    let bars = Bars { kind: XKind::Date, ..Bars::new(x.labels.clone(), series.clone(), BarLayout::Grouped) };
    for drawing in [Drawing::Lines(Lines::new(x, series)), Drawing::Bars(bars)] {
        let markup = drawing.draw("id", "title", &Locale::default()).into_string();
        check(&markup);
        assert!(markup.contains("application/json") && markup.contains("class=\"sense\""));
        assert!(markup.len() < 120_000, "{}", markup.len());
    }
}

#[test]
fn names_beside_lines_stand_apart() {
    let x = XAxis { labels: dates(3), kind: XKind::Date };
    let series = (0..8).map(|k| Series::new(format!("n{k}"), vec![Some(1.0); 3], NumberFormat::Integer)).collect();
    let markup = Drawing::Lines(Lines::new(x, series)).draw("id", "t", &Locale::default()).into_string();
    let mut heights: Vec<f64> = Vec::new();
    for (name, attributes) in elements(&markup) {
        let value = |key: &str| attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).unwrap_or_default();
        if name == "text" && value("class").starts_with("end-name") {
            heights.push(value("y").trim_end_matches('%').parse::<f64>().unwrap() * 2.2);
        }
    }
    assert_eq!(heights.len(), 8);
    assert!(heights.windows(2).all(|w| w[1] - w[0] > 13.9), "{heights:?}");
}

#[test]
fn the_script_stays_small_and_alone() {
    assert!(SCRIPT.len() < 8000, "{}", SCRIPT.len());
    assert!(!SCRIPT.contains("import ") && !SCRIPT.contains("//cdn") && !STYLE.contains("url("));
}

#[test]
fn a_picture_says_itself() {
    let x = XAxis { labels: dates(3), kind: XKind::Date };
    let series = vec![Series::new("Sum", vec![Some(3.0), Some(1200.5), None], NumberFormat::Decimal(2))];
    let markup = Drawing::Lines(Lines::new(x, series)).draw("id", "Daily", &Locale::default()).into_string();
    let label = "Daily. 3 points. Sum: lowest 3.00 at Dec 25, 1999, highest 1,200.50 at Dec 26, 1999, last 1,200.50 at \
                 Dec 26, 1999. Arrow keys read the points.";
    assert!(markup.contains(&format!("aria-label=\"{label}\"")), "{markup}");
}

#[test]
fn bars_of_opposite_signs_meet_at_zero() {
    let series = vec![Series::new("s", vec![Some(50.0), Some(-50.0)], NumberFormat::Integer)];
    let bars = Bars::new(vec![String::from("a"), String::from("b")], series, BarLayout::Grouped);
    let markup = Drawing::Bars(bars).draw("id", "t", &Locale::default()).into_string();
    assert!(markup.contains("y=\"0%\" height=\"50%\"") && markup.contains("y=\"50%\" height=\"50%\""), "{markup}");
}

#[test]
fn the_ninth_part_and_smaller_are_one() {
    let labels: Vec<String> = (0..11).map(|i| format!("part {i}")).collect();
    let values = (0..11).map(|i| Some(f64::from(11 - i))).collect();
    let share = Share { labels, values, format: NumberFormat::Integer, links: Vec::new() };
    let markup = Drawing::Share(share).draw("id", "t", &Locale::default()).into_string();
    // 4 + 3 + 2 + 1 of 66.
    assert!(markup.contains("other\nsize: 10\nshare: 15.2%"), "{markup}");
    assert!(!markup.contains("part 7"), "{markup}");
}

#[test]
fn figures_show_their_state_and_escape_their_texts() {
    let text = || String::from(NASTY);
    for state in
        [State::Ready, State::Empty(text()), State::Stale(text()), State::Failed(text()), State::Truncated(text())]
    {
        let blank = matches!(state, State::Empty(_) | State::Failed(_));
        let figure = Figure {
            id: text(),
            title: text(),
            unit: Some(text()),
            period: Some(text()),
            as_of: Some(text()),
            source: Some((text(), text())),
            csv: Some(text()),
            proof: Some(text()),
            width: Width::Half,
            state,
            body: maud::html! { i.body {} },
            data: Some(DataTable { header: vec![text()], rows: vec![vec![text()]; 201], numeric: vec![] }),
        };
        let markup = figure.draw().into_string();
        assert!(!markup.contains(NASTY));
        elements(&markup);
        assert_eq!(markup.contains("class=\"body\""), !blank);
        assert_eq!(markup.contains("The first 200 of 201 rows."), !blank);
    }
}

#[test]
fn tiles_and_sparks_bear_any_number() {
    for values in [&[][..], &[None], &[Some(f64::NAN), Some(1e308)], &[Some(-1e308), Some(1e308)], &[Some(2.0)]] {
        let stat = Stat {
            label: String::from(NASTY),
            change: Some(Change { ratio: Some(f64::NAN), text: String::from(NASTY), is_good: Some(true) }),
            spark: Some(values.to_vec()),
            proof: Some(String::from(NASTY)),
            ..Stat::default()
        };
        check(&stat.tile().into_string());
    }
}
