//! Lists a bucket, a thousand names at a time.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::Object as Listed;

use super::answer::{etag, modified};
use super::fault::Fault;
use crate::buckets::Listing;
use crate::store::Meta;

/// The greatest number of names in an answer of S3.
const PAGE: i32 = 1000;

/// Adds the objects of the listing that are not known.
pub(super) async fn list(
    client: &Client,
    listing: &Listing<'_>,
    known: &dyn Fn(&str) -> bool,
    found: &mut Vec<Meta>,
) -> Result<(), Fault> {
    // Each page begins after the last name of the page before. That needs no token, and exposes a server that goes in
    // circles.
    let mut after = listing.after.clone();
    loop {
        // The request has no `encoding-type=url`: some servers claim an encoding that they have not done. Only names
        // with control characters would need it, and nobody has such names.
        let page = client
            .list_objects_v2()
            .bucket(listing.bucket)
            .prefix(&listing.prefix)
            .set_start_after(Some(after.clone()).filter(|after| !after.is_empty()))
            .max_keys(PAGE)
            .send()
            .await?;
        let (more, objects) = (page.is_truncated() == Some(true), page.contents.unwrap_or_default());
        if more && objects.is_empty() {
            return Err(Fault::Odd("the server says that there are more objects, but lists none".to_owned()));
        }
        for object in objects {
            let Some(name) = object.key() else { continue };
            if name <= after.as_str() {
                return Err(Fault::Odd(format!(
                    "the server lists {name:?} after {after:?}: its listings are not in order"
                )));
            }
            name.clone_into(&mut after);
            // Consoles show an empty folder by an object whose name ends in `/`.
            let key = listing.key(name).filter(|key| !key.ends_with('/') && !known(key));
            if let Some(key) = key {
                found.push(meta(key, &object)?);
            }
        }
        if !more {
            return Ok(());
        }
    }
}

fn meta(key: String, object: &Listed) -> Result<Meta, Fault> {
    let bytes = object.size().unwrap_or(0).unsigned_abs();
    Ok(Meta { key, bytes, etag: etag(object.e_tag()), modified: modified(object.last_modified())? })
}
