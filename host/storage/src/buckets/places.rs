//! Maps keys to objects in buckets.

use std::fmt;

use super::url::BucketUrl;
use smelt_common::Error;
use smelt_common::error::Result;

/// An object as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The bucket that has the object.
    pub bucket: String,
    /// The object's name in that bucket.
    pub name: String,
}

impl fmt::Display for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s3://{}/{}", self.bucket, self.name)
    }
}

/// The place of the objects whose keys begin with `layer`.
#[derive(Debug, Clone)]
struct LayerPlace {
    /// The layer's prefix, such as `silver/`. Empty for the place of all layers.
    layer: String,
    url: BucketUrl,
}

/// The places of all layers.
#[derive(Debug, Clone)]
pub struct Places(Vec<LayerPlace>);

/// A listing to ask a server for.
#[derive(Debug)]
pub struct Listing<'p> {
    place: &'p LayerPlace,
    /// The bucket to list.
    pub bucket: &'p str,
    /// The beginning of the names to list.
    pub prefix: String,
    /// The name after which the listing begins. May be empty.
    pub after: String,
}

impl Places {
    /// Puts all layers below one URL.
    pub fn below(url: BucketUrl) -> Self {
        Self(vec![LayerPlace { layer: String::new(), url }])
    }

    /// Puts each layer (`silver/`) at a URL of its own.
    ///
    /// # Errors
    /// Two of the URLs overlap.
    pub fn apart<'l>(layers: impl IntoIterator<Item = (&'l str, BucketUrl)>) -> Result<Self> {
        let place = |(layer, url): (&str, _)| LayerPlace { layer: layer.to_owned(), url };
        let mut places: Vec<_> = layers.into_iter().map(place).collect();
        places.sort_by(|a, b| a.layer.cmp(&b.layer));
        for (at, one) in places.iter().enumerate() {
            let within = |other: &&LayerPlace| {
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

    /// Returns the names of the buckets, each once.
    pub fn buckets(&self) -> Vec<&str> {
        let mut buckets: Vec<_> = self.0.iter().map(|place| place.url.bucket.as_str()).collect();
        buckets.sort_unstable();
        buckets.dedup();
        buckets
    }

    /// Returns the object with that key.
    pub fn object(&self, key: &str) -> Result<Object> {
        let find = |place: &LayerPlace| {
            let rest = key.strip_prefix(&place.layer).filter(|rest| !rest.is_empty())?;
            Some(Object { bucket: place.url.bucket.clone(), name: format!("{}{rest}", place.url.prefix) })
        };
        self.0.iter().find_map(find).ok_or_else(|| Error::internal(format!("`{key}` is not a key")))
    }

    /// Returns the listings that together find the keys that begin with `prefix` and are greater than `after`. They
    /// come in the order of keys.
    pub fn listings(&self, prefix: &str, after: &str) -> Vec<Listing<'_>> {
        let listing = |place: &'_ LayerPlace| {
            let LayerPlace { layer, url } = place;
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

    /// Returns where the object or the layer is, for people.
    pub fn locate(&self, key: &str) -> String {
        let place = self.0.iter().find_map(|place| Some((place, key.strip_prefix(&place.layer)?)));
        let name = place.map(|(LayerPlace { url, .. }, rest)| format!("s3://{}/{}{rest}", url.bucket, url.prefix));
        name.unwrap_or_else(|| key.to_owned()).trim_end_matches('/').to_owned()
    }

    /// Returns where all layers are, for people.
    pub fn describe(&self) -> String {
        self.0.iter().map(|place| place.url.to_string()).collect::<Vec<_>>().join(", ")
    }
}

impl Listing<'_> {
    /// Returns the key of the object of that name. `None` if the name lies outside the listed place.
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
