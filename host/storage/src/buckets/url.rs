//! The URL of a bucket.

use std::fmt;

use smelt_common::Error;
use smelt_common::error::Result;

/// The place of a lake or of one layer: `s3://bucket[/prefix]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BucketUrl {
    /// The bucket's name.
    pub bucket: String,
    /// The beginning of the names of all its objects: empty, or a path that ends in `/`.
    pub prefix: String,
}

impl BucketUrl {
    /// Returns whether the author of the text means a URL and not a directory.
    pub fn is_meant(text: &str) -> bool {
        text.contains("://")
    }

    /// Parses the text.
    ///
    /// # Errors
    /// The text is not `s3://bucket[/prefix]`, or the bucket's name breaks the rules of S3.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::config(format!("`{text}` is no place for a lake: a directory, or s3://bucket[/prefix]"));
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) {
            return Err(Error::config(format!(
                "`{text}`: the name of a bucket has 3 to 63 lower-case letters, digits, `-` and `.`"
            )));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if prefix.is_empty() {
            return Ok(Self { bucket: bucket.to_owned(), prefix: String::new() });
        }
        match prefix.split('/').any(|part| matches!(part, "" | "." | "..")) {
            true => Err(wrong()),
            false => Ok(Self { bucket: bucket.to_owned(), prefix: format!("{prefix}/") }),
        }
    }
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(out, "s3://{}{slash}{}", self.bucket, self.prefix.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> BucketUrl {
        BucketUrl::parse(text).expect("a URL")
    }

    #[test]
    fn a_url_is_a_bucket_and_perhaps_a_prefix() {
        for (text, prefix) in [("s3://lake", ""), ("s3://lake/", ""), ("s3://lake/a/b", "a/b/"), ("s3://lake/a/", "a/")]
        {
            assert_eq!(url(text), BucketUrl { bucket: "lake".to_owned(), prefix: prefix.to_owned() }, "{text}");
        }
        for text in
            ["s3://", "s3://x", "s3://Lake", "s3://a_b", "s3://lake//x", "s3://lake/../x", "http://lake", "S3://lake"]
        {
            let error = BucketUrl::parse(text).expect_err("no URL").to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
