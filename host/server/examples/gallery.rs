//! Writes a page with every chart in every state, to look at: `cargo run -p smelt-server --example gallery -- <directory>`.
//!
//! A second argument is the language (`de`), and a third the theme (`light` or `dark`). Open it over HTTP, as browsers
//! load no modules from files.

use std::{env, error::Error, fs, path::PathBuf};

use chrono::NaiveDate;
use maud::{DOCTYPE, Markup, html};
use smelt_server::charts::{
    BarLayout, Bars, BoxRow, Boxes, Change, DataTable, Drawing, Figure, Funnel, HeatMap, Histogram, Lines, Locale,
    NumberFormat, SCRIPT, STYLE, Series, SeriesStyle, Share, Stat, State, Width, XAxis, XKind, change_text,
};

/// Numbers that look measured and are the same on every machine.
fn noise(i: usize, salt: usize) -> f64 {
    ((i * 7919 + salt * 104_729 + i * i * 31) % 997) as f64 / 997.0 - 0.5
}

fn days(count: usize) -> Vec<String> {
    let first = NaiveDate::from_ymd_opt(2025, 10, 6).unwrap_or_default();
    first.iter_days().take(count).map(|d| d.to_string()).collect()
}

fn daily(i: usize, salt: usize) -> f64 {
    let week = (i as f64 / 7.0 * std::f64::consts::TAU).sin();
    (4200.0 - 900.0 * salt as f64) * (1.0 + i as f64 / 700.0) * (1.0 + 0.16 * week + 0.22 * noise(i, salt))
}

fn euro(decimals: u8) -> NumberFormat {
    NumberFormat::Money { decimals, currency: Some(String::from("EUR")) }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

fn axis(labels: Vec<String>) -> XAxis {
    XAxis { labels, kind: XKind::Date }
}

fn money_lines() -> Drawing {
    let values: Vec<f64> = (0..238).map(|i| if i == 150 { 9100.0 } else { daily(i, 0) }).collect();
    let average = |i: usize| {
        let week = &values[i.saturating_sub(6)..=i];
        week.iter().sum::<f64>() / week.len() as f64
    };
    let shown = (0..238).map(|i| (!(190..196).contains(&i)).then(|| values[i])).collect();
    let mut lines = Lines::new(
        axis(days(238)),
        vec![
            Series::new("Revenue", shown, euro(2)),
            Series::new("7-day average", (0..238).map(|i| Some(average(i))).collect(), euro(2))
                .styled(SeriesStyle::Faint),
        ],
    );
    lines.marked = (0..238).map(|i| i == 150 || i == 60).collect();
    lines.marked_name = String::from("anomaly");
    lines.brush = Some((String::from("from"), String::from("to")));
    Drawing::Lines(lines)
}

fn forecast() -> Drawing {
    let months: Vec<String> = (0..24).map(|m| format!("{}-{:02}", 2025 + m / 12, m % 12 + 1)).collect();
    let value = |m: usize| 90_000.0 + 3000.0 * m as f64 + 16_000.0 * noise(m, 3);
    let past = (0..24).map(|m| (m < 18).then(|| value(m))).collect();
    let next: Vec<Option<f64>> =
        (0..24).map(|m| (m >= 17).then(|| if m == 17 { value(17) } else { 88_000.0 + 3200.0 * m as f64 })).collect();
    let spread = |sign: f64| (0..24).map(|m| next[m].map(|v| v + sign * 2600.0 * (m as f64 - 17.0))).collect();
    let mut lines = Lines::new(
        axis(months),
        vec![
            Series::new("Revenue", past, euro(0)),
            Series::new("Forecast", next.clone(), euro(0)).styled(SeriesStyle::Dashed),
        ],
    );
    lines.band = Some((spread(-1.0), spread(1.0), String::from("80% range")));
    Drawing::Lines(lines)
}

fn several(count: usize) -> Drawing {
    let names = ["Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta"];
    let months: Vec<String> = (0..13).map(|m| m.to_string()).collect();
    let series = (0..count).map(|k| {
        let values = (0..13)
            .map(|m| (m < 13 - k).then(|| (0.92 - 0.07 * k as f64) * 0.86f64.powi(m as i32) + 0.05 * noise(m, k)))
            .collect();
        Series::new(names[k], values, NumberFormat::Percent(1))
    });
    Drawing::Lines(Lines::new(XAxis { labels: months, kind: XKind::Number }, series.collect()))
}

fn dense() -> Drawing {
    let first = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap_or_default().and_hms_opt(0, 0, 0).unwrap_or_default();
    let labels: Vec<String> =
        (0..10_000).map(|h| (first + chrono::TimeDelta::hours(h)).format("%Y-%m-%dT%H:%M:%SZ").to_string()).collect();
    let values =
        (0..10_000).map(|i| Some((50.0 + 20.0 * (i as f64 / 900.0).sin() + 14.0 * noise(i, 9)).round())).collect();
    let mut lines = Lines::new(axis(labels), vec![Series::new("Requests", values, NumberFormat::Integer)]);
    lines.brush = Some((String::from("from"), String::from("to")));
    Drawing::Lines(lines)
}

fn many_bars() -> Drawing {
    let one = |name: &str, k: usize| {
        Series::new(name, (0..500).map(|i| Some((daily(i, k) / 40.0).round())).collect(), NumberFormat::Integer)
    };
    let bars = Bars::new(days(500), vec![one("Web", 0), one("Store", 2)], BarLayout::Stacked);
    Drawing::Bars(Bars { kind: XKind::Date, ..bars })
}

fn one_point() -> Drawing {
    Drawing::Lines(Lines::new(axis(days(1)), vec![Series::new("Orders", vec![Some(41.0)], NumberFormat::Integer)]))
}

fn bars(layout: BarLayout) -> Drawing {
    let labels = texts(&["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
    let one = |name: &str, k: usize| {
        Series::new(
            name,
            (0..7).map(|i| Some((60.0 + 90.0 * (noise(i, k) + 0.5)).round())).collect(),
            NumberFormat::Integer,
        )
    };
    Drawing::Bars(Bars::new(labels, vec![one("Web", 1), one("Mobile", 2), one("Store", 4)], layout))
}

fn growth() -> Drawing {
    let labels: Vec<String> = (0..18).map(|m| format!("{}-{:02}", 2025 + m / 12, m % 12 + 1)).collect();
    let values = (0..18).map(|m| if m == 0 { None } else { Some(0.4 * noise(m, 11)) }).collect();
    let mut bars = Bars::new(labels, vec![Series::new("Growth", values, NumberFormat::Percent(1))], BarLayout::Grouped);
    bars.kind = XKind::Date;
    Drawing::Bars(bars)
}

fn ranked(selected: Option<usize>) -> Drawing {
    let labels = texts(&[
        "Noise-cancelling headphones, second generation",
        "Desk lamp",
        "Chair",
        "Kettle",
        "<script>alert(\"&'\")</script>",
        "Ångström ruler",
        "Returns",
    ]);
    let values = [812_345.5, 620_111.25, 433_000.0, 120_000.0, 99_000.4, 12_000.0, -64_000.0].map(Some).to_vec();
    let links = labels.iter().enumerate().map(|(i, _)| Some(format!("?item={i}&x=\"<>"))).collect();
    Drawing::Bars(Bars {
        links,
        selected,
        ..Bars::new(labels, vec![Series::new("Revenue", values, euro(2))], BarLayout::Horizontal)
    })
}

fn categories() -> Drawing {
    let labels = texts(&[
        "Champions",
        "Loyal",
        "Potential loyalists",
        "New",
        "Promising",
        "Need attention",
        "About to sleep",
        "At risk",
        "Lost",
    ]);
    let values = (0..9).map(|i| Some((300.0 * (noise(i, 5) + 0.6)).round())).collect();
    let links = (0..9).map(|i| Some(format!("?segment={i}"))).collect();
    Drawing::Bars(Bars {
        links,
        ..Bars::new(labels, vec![Series::new("Clients", values, NumberFormat::Integer)], BarLayout::Grouped)
    })
}

fn two_prices() -> Drawing {
    let labels = texts(&["Lamp", "Chair", "Kettle", "Ruler"]);
    let one =
        |name: &str, f: f64| Series::new(name, (0..4).map(|i| Some(f * (20.0 + 13.0 * i as f64))).collect(), euro(2));
    Drawing::Bars(Bars::new(
        labels,
        vec![one("Least", 0.8), one("Average", 1.0), one("Most", 1.3)],
        BarLayout::Horizontal,
    ))
}

fn share() -> Drawing {
    let labels: Vec<String> = texts(&[
        "Germany",
        "France",
        "Netherlands",
        "Italy",
        "Spain",
        "Poland",
        "Portugal",
        "Switzerland",
        "Austria",
        "Belgium",
        "Denmark",
    ]);
    let values = (0..11).map(|i| Some(400_000.0 / (i as f64 + 1.4))).collect();
    Drawing::Share(Share { links: vec![Some(String::from("?country=de"))], labels, values, format: euro(0) })
}

fn boxes() -> Drawing {
    let row = |name: &str, m: f64| BoxRow {
        name: name.into(),
        lower: m * 0.3,
        p25: m * 0.7,
        p50: m,
        p75: m * 1.5,
        upper: m * 2.6,
        mean: Some(m * 1.2),
    };
    Drawing::Boxes(Boxes { rows: vec![row("Web", 42.0), row("Mobile", 31.0), row("Store", 64.0)], format: euro(2) })
}

fn histogram() -> Drawing {
    let at = |i: usize| 10.0 * i as f64;
    Drawing::Histogram(Histogram {
        lower: (0..24).map(at).collect(),
        upper: (1..25).map(at).collect(),
        count: (0..24)
            .map(|i| (3000.0 * (-((i as f64 - 6.0) / 4.0).powi(2)).exp() + 60.0 * (noise(i, 2) + 0.5)).round())
            .collect(),
        format: euro(0),
    })
}

fn cohorts() -> Drawing {
    let rows: Vec<String> = (1..=12).map(|m| format!("2026-{m:02}")).collect();
    let values = (0..12)
        .map(|r| {
            (0..12)
                .map(|c| {
                    (c + r < 12).then(|| {
                        if c == 0 { 1.0 } else { (0.55 * 0.85f64.powi(c as i32) + 0.1 * noise(c, r)).max(0.0) }
                    })
                })
                .collect()
        })
        .collect();
    Drawing::HeatMap(HeatMap {
        rows,
        columns: (0..12).map(|c| c.to_string()).collect(),
        values,
        format: NumberFormat::Percent(0),
        row_title: "Cohort".into(),
        column_title: "Months since".into(),
    })
}

fn deviations() -> Drawing {
    let values = (0..5).map(|r| (0..7).map(|c| Some(80.0 * noise(c + 3 * r, r))).collect()).collect();
    Drawing::HeatMap(HeatMap {
        rows: texts(&["A", "B", "C", "D", "E"]),
        columns: texts(&["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]),
        values,
        format: NumberFormat::Integer,
        row_title: "Group".into(),
        column_title: "Weekday".into(),
    })
}

fn funnel() -> Drawing {
    let steps = [("Visited", 18_420.0), ("Put in the basket", 7_211.0), ("Began to pay", 2_904.0), ("Bought", 2_377.0)];
    Drawing::Funnel(Funnel { steps: steps.map(|(n, v)| (n.to_owned(), v)).to_vec(), format: NumberFormat::Integer })
}

struct Page {
    locale: Locale,
    next: usize,
}

impl Page {
    fn figure(&mut self, title: &str, unit: &str, width: Width, drawing: &Drawing, state: State) -> Markup {
        self.next += 1;
        let id = format!("f{}", self.next);
        let data: DataTable = drawing.table("label", &self.locale);
        Figure {
            title: title.into(),
            unit: Some(unit.into()),
            period: Some(format!("{} – {}", self.locale.date("2025-10-06"), self.locale.date("2026-05-31"))),
            as_of: Some(format!("{} UTC", self.locale.date("2026-06-01T04:00:00"))),
            source: Some(("daily_table".into(), "/tables/daily_table".into())),
            csv: Some("rows.csv".into()),
            proof: Some("/proof/daily_table".into()),
            width,
            state,
            body: drawing.draw(&format!("{id}-chart"), title, &self.locale),
            data: Some(data),
            id,
        }
        .draw()
    }

    fn tiles(&self) -> Markup {
        let locale = &self.locale;
        let tile = |label: &str, text: String, ratio: Option<f64>, good: Option<bool>, spark: bool| {
            let text_of = ratio.map_or_else(
                || "nothing to compare".to_owned(),
                |r| format!("{} on the 30 days before", change_text(r, locale)),
            );
            Stat {
                label: label.into(),
                text,
                change: Some(Change { ratio, text: text_of, is_good: good }),
                spark: spark.then(|| (0..40).map(|i| Some(daily(i, label.len() % 4))).collect()),
                note: None,
                proof: Some("/proof/tile".into()),
            }
            .tile()
        };
        html! {
            div.stats {
                (tile("Revenue", euro(0).text(1_284_911.4, locale), Some(0.124), Some(true), true))
                (tile("Orders", NumberFormat::Integer.text(31_204.0, locale), Some(-0.031), Some(false), true))
                (tile("Returns", NumberFormat::Percent(1).text(0.0413, locale), Some(-0.08), Some(true), true))
                (tile("Average order", euro(2).text(41.18, locale), None, None, true))
                (Stat { label: "Best day".into(), text: locale.date("2026-03-14"), note: Some(euro(0).text(81_200.0, locale)), proof: Some("/proof/best".into()), ..Stat::default() }.tile())
            }
        }
    }

    fn body(&mut self) -> Markup {
        use State::{Empty, Failed, Ready, Stale, Truncated};
        use Width::{Full, Half, Quarter, Third};
        html! {
            (self.tiles())
            (self.figure("Revenue by day", "EUR", Full, &money_lines(), Ready))
            (self.figure("Revenue and forecast by month", "EUR", Half, &forecast(), Ready))
            (self.figure("Retention by months since the first order", "% of cohort", Half, &several(6), Ready))
            (self.figure("Requests by hour", "count", Full, &dense(), Ready))
            (self.figure("Orders by day", "orders", Full, &many_bars(), Ready))
            (self.figure("Revenue by item", "EUR", Half, &ranked(None), Ready))
            (self.figure("Revenue by country", "EUR", Half, &share(), Ready))
            (self.figure("Growth by month", "% on the month before", Half, &growth(), Ready))
            (self.figure("Clients by segment", "clients", Half, &categories(), Ready))
            (self.figure("Orders by weekday", "orders", Third, &bars(BarLayout::Grouped), Ready))
            (self.figure("Orders by weekday, stacked", "orders", Third, &bars(BarLayout::Stacked), Ready))
            (self.figure("Prices", "EUR", Third, &two_prices(), Ready))
            (self.figure("Order value by channel", "EUR", Half, &boxes(), Ready))
            (self.figure("Order value", "orders by EUR", Half, &histogram(), Ready))
            (self.figure("Retention", "% of cohort", Half, &cohorts(), Ready))
            (self.figure("Deviation", "orders", Half, &deviations(), Ready))
            (self.figure("From visit to order", "visits", Half, &funnel(), Ready))
            (self.figure("Chosen item", "EUR", Half, &ranked(Some(1)), Ready))
            (self.figure("Quarter", "EUR", Quarter, &money_lines(), Ready))
            (self.figure("Quarter", "clients", Quarter, &categories(), Ready))
            (self.figure("One point", "orders", Quarter, &one_point(), Ready))
            (self.figure("Growth", "%", Quarter, &growth(), Ready))
            (self.figure("Nothing yet", "orders", Third, &one_point(), Empty("No rows match these filters. Try a longer range.".into())))
            (self.figure("Broken", "orders", Third, &one_point(), Failed("The table daily_table is not committed yet.".into())))
            (self.figure("Old", "orders", Third, &several(2), Stale("The last commit is 3 days old.".into())))
            (self.figure("Cut", "EUR", Full, &forecast(), Truncated("Only the first 10,000 of 1,204,551 rows.".into())))
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let out = PathBuf::from(arguments.next().ok_or("usage: gallery <directory> [language] [light|dark]")?);
    let locale = Locale::of(&arguments.next().unwrap_or_default());
    let theme = arguments.next();
    let page = html! {
        (DOCTYPE)
        html lang=(locale.tag()) data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'";
                title { "Charts" }
                link rel="stylesheet" href="charts.css";
                link rel="stylesheet" href="page.css";
                script type="module" src="page.js" {}
            }
            body {
                p.themes { button data-set="light" { "Light" } " " button data-set="dark" { "Dark" } " " button data-set="" { "System" } }
                main.figures { (Page { locale: locale.clone(), next: 0 }.body()) }
            }
        }
    };
    fs::create_dir_all(&out)?;
    fs::write(out.join("index.html"), page.into_string())?;
    fs::write(out.join("charts.css"), STYLE)?;
    fs::write(out.join("charts.js"), SCRIPT)?;
    fs::write(out.join("page.css"), PAGE_STYLE)?;
    fs::write(out.join("page.js"), PAGE_SCRIPT)?;
    Ok(())
}

const PAGE_STYLE: &str = "body { margin: 0; background: var(--bg); color: var(--ink); \
    font: 14px/1.45 Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }\n\
    .themes { max-width: 1200px; margin: 16px auto 0; padding: 0 20px; }\n\
    main { max-width: 1200px; margin: 16px auto 40px; padding: 0 20px; }\n\
    @media (max-width: 560px) { main, .themes { padding: 0 12px; } }\n";

const PAGE_SCRIPT: &str = "import { start } from './charts.js';\n\
    start(document);\n\
    document.addEventListener('smelt:go', e => { document.title = JSON.stringify(e.detail); });\n\
    for (const b of document.querySelectorAll('[data-set]')) b.addEventListener('click', () => {\n\
      b.dataset.set ? document.documentElement.dataset.theme = b.dataset.set : delete document.documentElement.dataset.theme;\n\
    });\n";
