//! Creating an object unless there is one: in one request, or, if it is large, in many that count only once the last was
//! answered.

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

/// The header that lets an object be created but not replaced.
const ABSENT: &str = "*";
/// How long the one try of a commit may take.
const COMMIT: Duration = Duration::from_secs(10);
/// How often a writer comes back whom the server told that another one is at the same key.
const CONTENTIONS: u32 = 5;
/// The size of a part; larger if there would be too many.
pub(super) const PART: u64 = 8 << 20;
const MOST_PARTS: u64 = 10_000;
/// How many parts are on their way at once.
const AT_ONCE: usize = 4;

/// Sends the object once, with no second try: `false` if there is one or if another writer is at it. After any other
/// fault it may be there or not, now or in a moment.
pub(super) async fn put_once(client: &Client, object: &Object, body: Bytes) -> Result<bool, Fault> {
    let request = client.put_object().bucket(&object.bucket).key(&object.name).if_none_match(ABSENT);
    let settings = once(COMMIT, body.len());
    match request.body(ByteStream::from(body)).customize().config_override(settings).send().await.map_err(Fault::from) {
        Ok(_) => Ok(true),
        Err(fault) if fault.is_taken() || fault.is_contended() => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Sends the object, again if need be: `false` if there is one, which after a lost answer may be this very one.
pub(super) async fn put(client: &Client, object: &Object, body: Bytes) -> Result<bool, Fault> {
    let mut contentions = 0;
    loop {
        let request = client.put_object().bucket(&object.bucket).key(&object.name).if_none_match(ABSENT);
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

/// Sends the file in parts. What comes of it is as for [`put`].
pub(super) async fn put_in_parts(client: &Client, object: &Object, file: Arc<File>, bytes: u64) -> Result<bool, Fault> {
    if exists(client, object).await? {
        // All of it would be sent for nothing.
        return Ok(false);
    }
    let begun = client.create_multipart_upload().bucket(&object.bucket).key(&object.name).send().await?;
    let id = begun.upload_id.ok_or_else(|| Fault::Odd("the server began an upload without an id".to_owned()))?;
    let done = match send_parts(client, object, &id, file, bytes).await {
        Ok(parts) => complete(client, object, &id, parts).await,
        Err(fault) => Err(fault),
    };
    if !matches!(done, Ok(true)) {
        // Parts that are left take room, but no one sees them; why it failed is what matters.
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

async fn complete(client: &Client, object: &Object, id: &str, parts: Vec<CompletedPart>) -> Result<bool, Fault> {
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let request = client.complete_multipart_upload().bucket(&object.bucket).key(&object.name).upload_id(id);
    let sent = request.multipart_upload(parts).if_none_match(ABSENT).send().await;
    match sent.map_err(Fault::from) {
        Ok(_) => Ok(true),
        Err(fault) if fault.is_taken() => Ok(false),
        // Another writer was first, or an answer was lost and this was the second try.
        Err(fault) if (fault.is_contended() || fault.is_missing_upload()) && exists(client, object).await? => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Whether there is such an object.
pub(super) async fn exists(client: &Client, object: &Object) -> Result<bool, Fault> {
    match client.head_object().bucket(&object.bucket).key(&object.name).send().await.map_err(Fault::from) {
        Ok(_) => Ok(true),
        Err(fault) if fault.is_missing() => Ok(false),
        Err(fault) => Err(fault),
    }
}
