//! Finds and ends uploads in parts that nobody finished. Nobody sees them, but the server keeps their parts and charges
//! for them.

use aws_sdk_s3::Client;

use super::answer::modified;
use super::fault::Fault;
use crate::buckets::{Listing, Object};
use crate::store::Unfinished;

/// Adds the uploads that the listing finds. Some servers, such as MinIO, show an upload only to those who know its key,
/// and end it by themselves after a day.
pub(super) async fn list(client: &Client, listing: &Listing<'_>, found: &mut Vec<Unfinished>) -> Result<(), Fault> {
    let (mut key, mut upload) = (None, None);
    loop {
        let page = client
            .list_multipart_uploads()
            .bucket(listing.bucket)
            .prefix(&listing.prefix)
            .set_key_marker(key.take())
            .set_upload_id_marker(upload.take())
            .send()
            .await?;
        for one in page.uploads() {
            let (Some(key), Some(id)) = (one.key().and_then(|name| listing.key(name)), one.upload_id()) else {
                continue;
            };
            found.push(Unfinished { key, id: id.to_owned(), begun: modified(one.initiated())? });
        }
        if page.is_truncated() != Some(true) {
            return Ok(());
        }
        (key, upload) = (page.next_key_marker, page.next_upload_id_marker);
        if key.is_none() {
            return Err(Fault::Odd("the server says that there are more uploads, but not after which key".to_owned()));
        }
    }
}

/// Ends the upload. It is no error if it has ended.
pub(super) async fn abort(client: &Client, object: &Object, id: &str) -> Result<(), Fault> {
    let request = client.abort_multipart_upload().bucket(&object.bucket).key(&object.name).upload_id(id);
    match request.send().await.map_err(Fault::from) {
        Err(fault) if fault.is_missing_upload() => Ok(()),
        sent => sent.map(drop),
    }
}
