//! Downloads an object or a part of it. If the connection breaks, the download resumes where it was.

use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::answer::{etag, modified};
use super::fault::Fault;
use crate::buckets::Object;

/// The greatest offset in a request. Servers do not understand greater numbers, and no object is so large.
const LAST: u64 = i64::MAX as u64;
/// The number of times that a download resumes.
const RESUMPTIONS: u32 = 4;
/// After this many bytes without a break the count of resumptions begins again, since large objects break off more
/// often.
const SMOOTH: u64 = 4 << 20;
/// The pause before the download resumes, doubled each time.
const PAUSE: Duration = Duration::from_millis(50);

/// An object or a part of one that is being downloaded.
pub(super) struct Download {
    client: Client,
    object: Object,
    /// The object's size in bytes when it was opened.
    pub(super) bytes: u64,
    /// The object's etag, without quotes.
    pub(super) etag: String,
    /// The time at which the object was written, in microseconds since the epoch.
    pub(super) modified: i64,
    /// The range that is still to come.
    rest: Range<u64>,
    body: Option<ByteStream>,
    resumptions: u32,
    /// The offset at which the download last resumed.
    resumed: u64,
}

impl Download {
    /// Asks for the whole object.
    pub(super) async fn whole(client: &Client, object: Object) -> Result<Self, Fault> {
        let answer = get(client, &object, None, None).await?;
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok());
        let bytes = length.ok_or_else(|| Fault::Odd("the server does not say how long the object is".to_owned()))?;
        Self::of(client, object, answer, bytes, 0..bytes)
    }

    /// Asks for a part of the object, which must not be empty. The object may end before the part does.
    pub(super) async fn part(client: &Client, object: Object, part: Range<u64>) -> Result<Self, Fault> {
        let answer = get(client, &object, Some(&part), None).await?;
        let bytes = size_in_range(&answer, part.start)?;
        let rest = part.start..part.end.min(bytes);
        Self::of(client, object, answer, bytes, rest)
    }

    fn of(
        client: &Client,
        object: Object,
        answer: GetObjectOutput,
        bytes: u64,
        rest: Range<u64>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            client: client.clone(),
            object,
            bytes,
            etag: etag(answer.e_tag()),
            modified: modified(answer.last_modified())?,
            resumed: rest.start,
            rest,
            body: Some(answer.body),
            resumptions: 0,
        })
    }

    /// Returns how many bytes are still to come.
    pub(super) fn left(&self) -> u64 {
        self.rest.end - self.rest.start
    }

    /// Returns the next bytes. `None` comes only after all bytes have come.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        while !self.rest.is_empty() {
            let body = match &mut self.body {
                Some(body) => body,
                None => self.body.insert(self.resume().await?),
            };
            match body.next().await {
                Some(Ok(mut bytes)) if !bytes.is_empty() => {
                    bytes.truncate(usize::try_from(self.left()).unwrap_or(usize::MAX));
                    self.rest.start += bytes.len() as u64;
                    return Ok(Some(bytes));
                }
                Some(Ok(_)) => {}
                // The connection broke or stalled, or the answer ended too early.
                Some(Err(error)) => self.broke_off(&error.to_string()).await?,
                None => self.broke_off("the connection ended early").await?,
            }
        }
        Ok(None)
    }

    /// Returns all bytes that are still to come.
    pub(super) async fn all(&mut self) -> Result<Vec<u8>, Fault> {
        let mut all = Vec::with_capacity(usize::try_from(self.left()).unwrap_or(0) + 1);
        while let Some(bytes) = self.next().await? {
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }

    async fn broke_off(&mut self, why: &str) -> Result<(), Fault> {
        self.body = None;
        if self.rest.start - self.resumed >= SMOOTH {
            self.resumptions = 0;
        }
        (self.resumed, self.resumptions) = (self.rest.start, self.resumptions + 1);
        if self.resumptions > RESUMPTIONS {
            return Err(Fault::Unreachable(format!("its transfer broke off {} times, last: {why}", self.resumptions)));
        }
        tokio::time::sleep(PAUSE * (1 << self.resumptions)).await;
        Ok(())
    }

    async fn resume(&self) -> Result<ByteStream, Fault> {
        let answer = match get(&self.client, &self.object, Some(&self.rest), Some(&self.etag)).await {
            Err(fault) if fault.is_taken() || fault.is_beyond_end() => return Err(Fault::Replaced),
            answer => answer?,
        };
        // Some servers ignore If-Match.
        if etag(answer.e_tag()) != self.etag || size_in_range(&answer, self.rest.start)? != self.bytes {
            return Err(Fault::Replaced);
        }
        Ok(answer.body)
    }
}

async fn get(
    client: &Client,
    object: &Object,
    part: Option<&Range<u64>>,
    if_match: Option<&str>,
) -> Result<GetObjectOutput, Fault> {
    let answer = client
        .get_object()
        .bucket(&object.bucket)
        .key(&object.name)
        .set_range(part.map(|part| format!("bytes={}-{}", part.start, (part.end - 1).min(LAST))))
        .set_if_match(if_match.map(|etag| format!("\"{etag}\"")))
        .send()
        .await;
    answer.map_err(|error| match Fault::from(error) {
        fault if fault.is_missing() => Fault::Missing,
        fault => fault,
    })
}

/// Returns the size of the object of which the answer has a part, from a header such as `bytes 3-4/10`.
fn size_in_range(answer: &GetObjectOutput, start: u64) -> Result<u64, Fault> {
    let range = answer.content_range().unwrap_or_default();
    let size = range.strip_prefix(&format!("bytes {start}-")).and_then(|rest| rest.split_once('/')?.1.parse().ok());
    size.ok_or_else(|| Fault::Odd(format!("the server answered a request for a part with `Content-Range: {range}`")))
}
