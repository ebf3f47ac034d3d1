//! Patterns of the lines of logs: regular expressions whose named groups are columns.

use std::sync::Arc;

use regex::Regex;
use serde::Deserialize;

/// The Common Log Format of NCSA and Apache. Inside quotes a quote is escaped by `\`, and stays so.
const COMMON: &str = concat!(
    r"(?<ip>\S+) (?<ident>\S+) (?<user>\S+) \[(?<time>[^\]]+)\] ",
    r#""(?<method>[^" ]+) (?<path>(?:[^"\\ ]|\\.)+) (?<protocol>[^" ]+)" (?<status>\S+) (?<bytes>\S+)"#,
);
/// What the Combined Log Format adds to the Common one.
const REFERER_AND_AGENT: &str = r#" "(?<referer>(?:[^"\\]|\\.)*)" "(?<agent>(?:[^"\\]|\\.)*)""#;

/// A pattern that a whole line must match.
#[derive(Deserialize, Clone, Debug)]
#[serde(try_from = "String")]
pub struct LinePattern {
    text: String,
    regex: Arc<Regex>,
}

impl PartialEq for LinePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl LinePattern {
    /// Returns the pattern as the manifest has it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the names of its groups, in their order.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.regex.capture_names().flatten()
    }

    /// Returns the expression, which matches whole lines only.
    pub(crate) fn regex(&self) -> &Regex {
        &self.regex
    }
}

impl TryFrom<String> for LinePattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let combined = || format!("{COMMON}{REFERER_AND_AGENT}");
        let pattern = match text.as_str() {
            "common" => COMMON.to_owned(),
            "combined" => combined(),
            own => match (own.strip_prefix("{combined}"), own.strip_prefix("{common}")) {
                (Some(rest), _) => combined() + rest,
                (_, Some(rest)) => COMMON.to_owned() + rest,
                _ => text.clone(),
            },
        };
        // The pattern is compiled alone first: an error shows it as the manifest has it.
        Regex::new(&pattern).map_err(|error| format!("pattern: {error}"))?;
        let regex = Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|error| format!("pattern: {error}"))?;
        if regex.capture_names().flatten().next().is_none() {
            return Err(format!("pattern: `{text}` has no named group, such as `(?<status>\\d+)`, and so no column"));
        }
        Ok(Self { text, regex: Arc::new(regex) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(pattern: &str, line: &str) -> Option<Vec<String>> {
        let pattern = LinePattern::try_from(pattern.to_owned()).expect("a pattern");
        let found = pattern.regex().captures(line)?;
        Some(
            pattern.groups().map(|name| found.name(name).map_or("-none-", |group| group.as_str()).to_owned()).collect(),
        )
    }

    #[test]
    fn the_built_in_patterns_read_what_apache_documents() {
        let common = r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326"#;
        let cells = [
            "127.0.0.1",
            "-",
            "frank",
            "10/Oct/2000:13:55:36 -0700",
            "GET",
            "/apache_pb.gif",
            "HTTP/1.0",
            "200",
            "2326",
        ];
        assert_eq!(groups("common", common).expect("it matches"), cells);
        let combined = format!(r#"{common} "http://www.example.com/start.html" "Mozilla/4.08 (say \"hi\") \\""#);
        let cells = [&cells[..], &["http://www.example.com/start.html", r#"Mozilla/4.08 (say \"hi\") \\"#]].concat();
        assert_eq!(groups("combined", &combined).expect("it matches"), cells);
        let own = groups(r"{combined} (?<latency>\S+)", &format!("{combined} 0.179")).expect("it matches");
        assert_eq!(own, [&cells[..], &["0.179"]].concat());
        for not in [&format!("{combined} 0.179"), common, &format!("{combined}\"")] {
            assert_eq!(groups("combined", not), None, "{not}");
        }
    }

    #[test]
    fn a_pattern_matches_whole_lines_whatever_alternatives_it_has() {
        assert_eq!(groups("(?<a>x)|(?<b>y)", "y"), Some(vec!["-none-".to_owned(), "y".to_owned()]));
        assert_eq!(groups("(?<a>x)|(?<b>y)", "xy"), None);
        assert_eq!(groups("(?<a>x)", "x\n"), None);
        for wrong in ["(", "(?=x)(?<a>y)", "x", "(?<a>x)(?<a>y)", "x)(?<a>y"] {
            let said = LinePattern::try_from(wrong.to_owned()).expect_err(wrong);
            assert!(said.starts_with("pattern: "), "{said}");
        }
    }
}
