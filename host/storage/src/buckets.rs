//! Which bucket an object lies in, and under which name there.

use std::fmt;
use std::time::Duration;

use smelt_common::Error;
use smelt_common::error::Result;

/// `s3://bucket[/prefix]`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BucketUrl {
    /// The bucket's name.
    pub bucket: String,
    /// What the names of its objects begin with: empty, or ending in `/`.
    pub prefix: String,
}

impl BucketUrl {
    /// Whether the text is meant as one.
    pub fn is_meant(text: &str) -> bool {
        text.contains("://")
    }

    /// From the text.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::config(format!("`{text}` is no place for a lake: a directory, or s3://bucket[/prefix]"));
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) {
            return Err(Error::config(format!(
                "`{text}`: the name of a bucket is 3 to 63 lower-case letters, digits, `-` and `.`"
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

/// How to reach the buckets. What is not given here is looked up where AWS's own tools look.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// `http://localhost:9000`; without one, AWS.
    pub endpoint: Option<String>,
    /// `eu-central-1`
    pub region: Option<String>,
    /// Whether a bucket is named in the path and not in the host's name; by default if there is an endpoint.
    pub path_style: Option<bool>,
    /// Those for the server.
    pub credentials: Option<Credentials>,
    /// How long people wait to be told that the server does not answer; by default ten seconds.
    pub answer_within: Option<Duration>,
}

/// A name and a secret for a server. The secret is shown to no one.
#[derive(Clone)]
pub struct Credentials {
    /// The name.
    pub access_key: String,
    /// The secret.
    pub secret_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// An object where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub bucket: String,
    pub name: String,
}

impl fmt::Display for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s3://{}/{}", self.bucket, self.name)
    }
}

/// Where the keys that begin with `layer` lie.
#[derive(Debug, Clone)]
struct Place {
    /// `silver/`; empty for all.
    layer: String,
    url: BucketUrl,
}

/// Where everything lies.
#[derive(Debug, Clone)]
pub struct Places(Vec<Place>);

/// Part of one place that is to be listed.
#[derive(Debug)]
pub struct Listing<'p> {
    place: &'p Place,
    pub bucket: &'p str,
    /// What names begin with.
    pub prefix: String,
    /// What they are greater than; may be empty.
    pub after: String,
}

impl Places {
    /// All layers below one URL.
    pub fn below(url: BucketUrl) -> Self {
        Self(vec![Place { layer: String::new(), url }])
    }

    /// Each layer (`silver/`) at a URL of its own.
    pub fn apart<'l>(layers: impl IntoIterator<Item = (&'l str, BucketUrl)>) -> Result<Self> {
        let place = |(layer, url): (&str, _)| Place { layer: layer.to_owned(), url };
        let mut places: Vec<_> = layers.into_iter().map(place).collect();
        places.sort_by(|a, b| a.layer.cmp(&b.layer));
        for (at, one) in places.iter().enumerate() {
            let within = |other: &&Place| {
                one.url.bucket == other.url.bucket
                    && (one.url.prefix.starts_with(&other.url.prefix) || other.url.prefix.starts_with(&one.url.prefix))
            };
            if let Some(other) = places[at + 1..].iter().find(within) {
                let (one, other, urls) =
                    (one.layer.trim_end_matches('/'), other.layer.trim_end_matches('/'), [&one.url, &other.url]);
                return Err(Error::config(format!(
                    "[lake]: {one} = \"{}\" and {other} = \"{}\" overlap: each layer needs a place of its own",
                    urls[0], urls[1]
                )));
            }
        }
        Ok(Self(places))
    }

    /// The buckets, each once.
    pub fn buckets(&self) -> Vec<&str> {
        let mut buckets: Vec<_> = self.0.iter().map(|place| place.url.bucket.as_str()).collect();
        buckets.sort_unstable();
        buckets.dedup();
        buckets
    }

    /// The object with that key.
    pub fn object(&self, key: &str) -> Result<Object> {
        let find = |place: &Place| {
            let rest = key.strip_prefix(&place.layer).filter(|rest| !rest.is_empty())?;
            Some(Object { bucket: place.url.bucket.clone(), name: format!("{}{rest}", place.url.prefix) })
        };
        self.0.iter().find_map(find).ok_or_else(|| Error::internal(format!("`{key}` is not a key")))
    }

    /// What to list for keys that begin with `prefix` and are greater than `after`, in the order of keys.
    pub fn listings(&self, prefix: &str, after: &str) -> Vec<Listing<'_>> {
        let listing = |place: &'_ Place| {
            let Place { layer, url } = place;
            let rest = match prefix.strip_prefix(layer.as_str()) {
                Some(rest) => rest,
                None if layer.starts_with(prefix) => "",
                None => return None,
            };
            let after = match after.strip_prefix(layer.as_str()) {
                Some("") => String::new(),
                Some(after) => format!("{}{after}", url.prefix),
                None if after < layer.as_str() => String::new(),
                None => return None,
            };
            Some((format!("{}{rest}", url.prefix), after))
        };
        let found = self.0.iter().filter_map(|place| Some((place, listing(place)?)));
        found.map(|(place, (prefix, after))| Listing { place, bucket: &place.url.bucket, prefix, after }).collect()
    }

    /// Where the object or the layer is, for people.
    pub fn locate(&self, key: &str) -> String {
        let place = self.0.iter().find_map(|place| Some((place, key.strip_prefix(&place.layer)?)));
        let name = place.map(|(Place { url, .. }, rest)| format!("s3://{}/{}{rest}", url.bucket, url.prefix));
        name.unwrap_or_else(|| key.to_owned()).trim_end_matches('/').to_owned()
    }

    /// Where it all is, for people.
    pub fn describe(&self) -> String {
        self.0.iter().map(|place| place.url.to_string()).collect::<Vec<_>>().join(", ")
    }
}

impl Listing<'_> {
    /// The key of the object of that name.
    pub fn key(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix(&self.place.url.prefix)?;
        Some(format!("{}{rest}", self.place.layer))
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

    #[test]
    fn layers_lie_below_one_url_or_each_at_its_own() {
        let of = |places: &Places, key| places.object(key).expect("a key").to_string();
        let below = Places::below(url("s3://lake/team"));
        assert_eq!(of(&below, "silver/d/x.csv"), "s3://lake/team/silver/d/x.csv");
        let layers = [("silver/", url("s3://clean")), ("catalog/", url("s3://clean-catalog/x"))];
        let apart = Places::apart(layers).expect("places");
        assert_eq!(of(&apart, "silver/d/x.csv"), "s3://clean/d/x.csv");
        assert_eq!(of(&apart, "catalog/commits/1"), "s3://clean-catalog/x/commits/1");
        assert!(apart.object("gold/x").is_err());
        assert!(apart.object("silver/").is_err());
        assert_eq!(apart.describe(), "s3://clean-catalog/x, s3://clean");
        let overlapping = [("silver/", url("s3://lake")), ("gold/", url("s3://lake/gold"))];
        let error = Places::apart(overlapping).expect_err("they overlap").to_string();
        assert!(error.contains("s3://lake/gold"), "{error}");
    }

    #[test]
    fn a_listing_asks_the_places_that_it_concerns() {
        let layers = [("silver/", url("s3://clean/x")), ("bronze/", url("s3://raw"))];
        let places = Places::apart(layers).expect("places");
        let listed = |prefix, after| {
            let listings = places.listings(prefix, after);
            listings.iter().map(|one| format!("{}:{}>{}", one.bucket, one.prefix, one.after)).collect::<Vec<_>>()
        };
        assert_eq!(listed("", ""), ["raw:>", "clean:x/>"]);
        assert_eq!(listed("", "bronze/b"), ["raw:>b", "clean:x/>"]);
        assert_eq!(listed("", "gold/b"), ["clean:x/>"]);
        assert_eq!(listed("silver/d/", "silver/d/e"), ["clean:x/d/>x/d/e"]);
        assert_eq!(listed("silver/d/", "bronze/b"), ["clean:x/d/>"]);
        assert_eq!(listed("gold/", ""), Vec::<String>::new());
        assert_eq!(places.listings("silver/", "")[0].key("x/d/e"), Some("silver/d/e".to_owned()));
    }
}
