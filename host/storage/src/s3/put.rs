//! Creates an object unless there is one. A small object takes one request; a large one is sent in parts and exists
//! only after the last request.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::fault::Fault;
use super::wire::{once, sending};
use crate::buckets::Object;

/// The value of `If-None-Match` that lets a request create an object but not replace one.
const ABSENT: &str = "*";
/// The fate of an object that has the key already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It stays, and nothing is written.
    Stays,
    /// The new one takes its place.
    IsReplaced,
}

impl Taken {
    /// Returns the value of `If-None-Match`, if there has to be one.
    fn if_none_match(self) -> Option<String> {
        (self == Self::Stays).then(|| ABSENT.to_owned())
    }
}

/// The time that the only attempt of a commit may take.
const COMMIT: Duration = Duration::from_secs(10);
/// The number of times that a writer tries again after the server says that another one is writing under the same key.
const CONTENTIONS: u32 = 5;
/// The bytes of a part. Parts are larger if there would be too many of them.
pub(super) const PART: u64 = 8 << 20;
/// The greatest number of parts that S3 accepts.
const MOST_PARTS: u64 = 10_000;
/// The number of parts that are sent at the same time.
const AT_ONCE: usize = 4;

/// Sends the object once and never again. Returns `false` if there is an object or if another writer is writing it.
/// After any other fault the object may be there or not, now or later.
pub(super) async fn put_once(client: &Client, object: &Object, body: Bytes) -> Result<bool, Fault> {
    let request = client.put_object().bucket(&object.bucket).key(&object.name).if_none_match(ABSENT);
    let settings = once(COMMIT, body.len());
    match request.body(ByteStream::from(body)).customize().config_override(settings).send().await.map_err(Fault::from) {
        Ok(_) => Ok(true),
        Err(fault) if fault.is_taken() || fault.is_contended() => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Sends the object, if need be more than once. Returns `false` if there is an object with that key; after a lost
/// answer that may be this very object.
pub(super) async fn put(client: &Client, object: &Object, taken: Taken, body: Bytes) -> Result<bool, Fault> {
    let mut contentions = 0;
    loop {
        let request = client.put_object().bucket(&object.bucket).key(&object.name);
        let request = request.set_if_none_match(taken.if_none_match());
        let settings = sending(body.len());
        let sent = request.body(ByteStream::from(body.clone())).customize().config_override(settings).send().await;
        match sent.map_err(Fault::from) {
            Ok(_) => return Ok(true),
            Err(fault) if fault.is_taken() => return Ok(false),
            Err(fault) if fault.is_contended() && contentions < CONTENTIONS => {
                contentions += 1;
                tokio::time::sleep(Duration::from_millis(20) * (1 << contentions)).await;
            }
            Err(fault) => return Err(fault),
        }
    }
}

/// Sends the file in parts. Returns the same as [`put`].
pub(super) async fn put_in_parts(
    client: &Client,
    object: &Object,
    taken: Taken,
    file: Arc<File>,
    bytes: u64,
) -> Result<bool, Fault> {
    if taken == Taken::Stays && exists(client, object).await? {
        // All parts would be sent for nothing.
        return Ok(false);
    }
    let begun = client.create_multipart_upload().bucket(&object.bucket).key(&object.name).send().await?;
    let id = begun.upload_id.ok_or_else(|| Fault::Odd("the server began an upload without an id".to_owned()))?;
    let done = match send_parts(client, object, &id, file, bytes).await {
        Ok(parts) => complete(client, object, taken, &id, parts).await,
        Err(fault) => Err(fault),
    };
    if !matches!(done, Ok(true)) {
        // Orphaned parts take room, but nobody sees them. So a failure to remove them must not hide the first fault.
        let abort = client.abort_multipart_upload().bucket(&object.bucket).key(&object.name).upload_id(id);
        if let Err(error) = abort.send().await {
            tracing::debug!("the parts of `{object}` were not removed: {}", Fault::from(error));
        }
    }
    done
}

async fn send_parts(
    client: &Client,
    object: &Object,
    id: &str,
    file: Arc<File>,
    bytes: u64,
) -> Result<Vec<CompletedPart>, Fault> {
    let size = PART.max(bytes.div_ceil(MOST_PARTS));
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut sent = JoinSet::new();
    for (number, start) in (1..).zip((0..bytes).step_by(size as usize)) {
        let request = client.upload_part().bucket(&object.bucket).key(&object.name).upload_id(id).part_number(number);
        let (file, slots) = (file.clone(), slots.clone());
        sent.spawn(async move {
            let _slot = slots.acquire().await;
            let mut part = vec![0; size.min(bytes - start) as usize];
            file.read_exact_at(&mut part, start).map_err(|error| Fault::Odd(format!("its temporary file: {error}")))?;
            let settings = sending(part.len());
            let answer = request.body(ByteStream::from(part)).customize().config_override(settings).send().await?;
            Ok::<_, Fault>(CompletedPart::builder().part_number(number).set_e_tag(answer.e_tag).build())
        });
    }
    let mut parts = Vec::new();
    while let Some(part) = sent.join_next().await {
        parts.push(part.map_err(|error| Fault::Odd(error.to_string()))??);
    }
    parts.sort_unstable_by_key(CompletedPart::part_number);
    Ok(parts)
}

async fn complete(
    client: &Client,
    object: &Object,
    taken: Taken,
    id: &str,
    parts: Vec<CompletedPart>,
) -> Result<bool, Fault> {
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let request = client.complete_multipart_upload().bucket(&object.bucket).key(&object.name).upload_id(id);
    let sent = request.multipart_upload(parts).set_if_none_match(taken.if_none_match()).send().await;
    match sent.map_err(Fault::from) {
        Ok(_) => Ok(true),
        Err(fault) if fault.is_taken() => Ok(false),
        // Another writer was first, or the SDK sent this request again after a lost answer.
        Err(fault) if (fault.is_contended() || fault.is_missing_upload()) && exists(client, object).await? => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Returns whether there is such an object.
pub(super) async fn exists(client: &Client, object: &Object) -> Result<bool, Fault> {
    match client.head_object().bucket(&object.bucket).key(&object.name).send().await.map_err(Fault::from) {
        Ok(_) => Ok(true),
        Err(fault) if fault.is_missing() => Ok(false),
        Err(fault) => Err(fault),
    }
}
