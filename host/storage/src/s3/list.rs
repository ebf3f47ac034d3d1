//! Listing a bucket, a thousand names at a time.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::Object as Listed;

use super::fault::Fault;
use super::{etag, modified};
use crate::Meta;
use crate::buckets::Listing;

/// The most that S3 answers with.
const PAGE: i32 = 1000;

/// Adds what the listing finds, without what is known.
pub(super) async fn list(
    client: &Client,
    listing: &Listing<'_>,
    known: &dyn Fn(&str) -> bool,
    found: &mut Vec<Meta>,
) -> Result<(), Fault> {
    // Each page begins after the last name of the one before: that needs no token, and a server that goes in circles shows.
    let mut after = listing.after.clone();
    loop {
        // No `encoding-type=url`: some servers claim to have encoded what they have not, and names with control characters,
        // which alone need it, are no one's.
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
            return Err(Fault::Odd("the server says that there is more to list, but lists nothing".to_owned()));
        }
        for object in objects {
            let Some(name) = object.key() else { continue };
            if name <= after.as_str() {
                return Err(Fault::Odd(format!(
                    "the server lists {name:?} after {after:?}: its listings are not in order"
                )));
            }
            name.clone_into(&mut after);
            // What ends in `/` is how consoles show an empty folder.
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
