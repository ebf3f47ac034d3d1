//! The operations of S3 that a lake needs, on [`Objects`]. `s3s-fs` does what it does well; this module does the rest.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use s3s::dto::*;
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};

use crate::objects::{Objects, Shared, Step, past};

/// The service of the buckets.
#[derive(Debug, Clone)]
pub(crate) struct Operations(pub(crate) Shared);

/// An extension of a listing's request: the listing does not know that number of the newest keys yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stale(pub(crate) usize);

type Answer<T> = S3Result<S3Response<T>>;

fn internal(error: std::io::Error) -> s3s::S3Error {
    s3_error!(error, InternalError)
}

fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::from(time)
}

/// Returns the body as a whole, so that no lock is held while a client is slow.
async fn whole(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else { return Ok(Bytes::new()) };
    let body = Body::from(body).collect().await;
    Ok(body.map_err(|error| s3s::S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, error))?.to_bytes())
}

fn blob(bytes: Bytes) -> StreamingBlob {
    StreamingBlob::from(Body::from(bytes))
}

/// Returns the bytes of a range of a file, which `s3s-fs` would read in pieces of 4 KiB.
fn read(objects: &Objects, bucket: &str, key: &str, range: Option<(u64, u64)>) -> std::io::Result<Bytes> {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::File::open(objects.path(bucket, key))?;
    let (start, end) = match range {
        Some(range) => range,
        None => (0, file.metadata()?.len()),
    };
    let mut bytes = BytesMut::zeroed((end - start) as usize);
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes.freeze())
}

impl Operations {
    /// Returns the number of the first write among the newest `many` keys with `prefix`.
    fn newest(&self, bucket: &str, prefix: &str, many: usize) -> S3Result<u64> {
        let Some(last) = many.checked_sub(1) else { return Ok(u64::MAX) };
        let mut written = Vec::new();
        self.0.scan(bucket, prefix, "", |_, entry| {
            written.push(entry.written);
            Step::Next
        })?;
        written.sort_unstable_by(|a, b| b.cmp(a));
        Ok(written.get(last).copied().unwrap_or(0))
    }
}

#[async_trait::async_trait]
impl S3 for Operations {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        match self.0.create_bucket(&req.input.bucket).map_err(internal)? {
            true => Ok(S3Response::new(CreateBucketOutput::default())),
            false => Err(s3_error!(BucketAlreadyOwnedByYou)),
        }
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        self.0.delete_bucket(&req.input.bucket)?;
        Ok(S3Response::new(DeleteBucketOutput {}))
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.0.files.head_bucket(req).await
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        self.0.files.list_buckets(req).await
    }

    async fn get_bucket_location(&self, req: S3Request<GetBucketLocationInput>) -> Answer<GetBucketLocationOutput> {
        self.0.files.get_bucket_location(req).await
    }

    async fn get_object(&self, mut req: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        let _lock = self.0.lock(&bucket, &key).read().await;
        let entry = self.0.entry(&bucket, &key)?;
        Objects::expect_conditions(&entry, req.input.if_match.as_ref(), req.input.if_none_match.as_ref())?;
        if let Some(Range::Suffix { length }) = &mut req.input.range {
            *length = entry.bytes.min(*length);
        }
        let range = req.input.range.map(|range| range.check(entry.bytes)).transpose()?;
        let mut answer = self.0.files.get_object(req).await?;
        let objects = self.0.clone();
        let read = move || read(&objects, &bucket, &key, range.map(|range| (range.start, range.end)));
        let bytes = tokio::task::spawn_blocking(read).await.map_err(|error| s3_error!(error, InternalError))?;
        answer.output.body = Some(blob(bytes.map_err(internal)?));
        answer.output.e_tag = Some(ETag::Strong(entry.e_tag));
        Ok(answer)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        let _lock = self.0.lock(&req.input.bucket, &req.input.key).read().await;
        let entry = self.0.entry(&req.input.bucket, &req.input.key)?;
        Objects::expect_conditions(&entry, req.input.if_match.as_ref(), req.input.if_none_match.as_ref())?;
        let mut answer = self.0.files.head_object(req).await?;
        answer.output.e_tag = Some(ETag::Strong(entry.e_tag));
        Ok(answer)
    }

    async fn put_object(&self, mut req: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        self.0.expect_bucket(&bucket)?;
        req.input.body = Some(blob(whole(req.input.body.take()).await?));
        if self.0.heedless.load(Ordering::Relaxed) {
            req.input.if_none_match = None;
        }
        let _lock = self.0.lock(&bucket, &key).write().await;
        let answer = self.0.files.put_object(req).await?;
        let e_tag = answer.output.e_tag.clone().map(ETag::into_value);
        self.0.enter(&bucket, &key, e_tag).map_err(internal)?;
        Ok(answer)
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        self.0.expect_bucket(&bucket)?;
        let _lock = self.0.lock(&bucket, &key).write().await;
        let answer = self.0.files.copy_object(req).await?;
        let e_tag = answer.output.copy_object_result.as_ref().and_then(|result| result.e_tag.clone());
        self.0.enter(&bucket, &key, e_tag.map(ETag::into_value)).map_err(internal)?;
        Ok(answer)
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        let DeleteObjectInput { bucket, key, .. } = req.input;
        self.0.expect_bucket(&bucket)?;
        let _lock = self.0.lock(&bucket, &key).write().await;
        self.0.remove(&bucket, &key).map_err(internal)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        let DeleteObjectsInput { bucket, delete, .. } = req.input;
        self.0.expect_bucket(&bucket)?;
        let mut deleted = Vec::new();
        for ObjectIdentifier { key, .. } in delete.objects {
            let _lock = self.0.lock(&bucket, &key).write().await;
            self.0.remove(&bucket, &key).map_err(internal)?;
            deleted.push(DeletedObject { key: Some(key), ..Default::default() });
        }
        let deleted = Some(deleted).filter(|_| !delete.quiet.unwrap_or(false));
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..Default::default() }))
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        let after = req.input.marker.clone();
        let mut req = req.map_input(ListObjectsV2Input::from);
        req.input.start_after = after;
        let list = self.list_objects_v2(req).await?;
        Ok(list.map_output(|list| ListObjectsOutput {
            common_prefixes: list.common_prefixes,
            contents: list.contents,
            delimiter: list.delimiter,
            encoding_type: list.encoding_type,
            is_truncated: list.is_truncated,
            max_keys: list.max_keys,
            name: list.name,
            next_marker: list.next_continuation_token,
            prefix: list.prefix,
            ..Default::default()
        }))
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        let stale = req.extensions.get::<Stale>().map_or(0, |Stale(newest)| *newest);
        let input = req.input;
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let delimiter = input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
        let after = input.continuation_token.as_deref().max(input.start_after.as_deref()).unwrap_or_default();
        let most = input.max_keys.unwrap_or(1000).clamp(0, 1000) as usize;
        let shown = |key: &str| match &input.encoding_type {
            // S3 encodes keys on demand, except for slashes.
            Some(kind) if kind.as_str() == EncodingType::URL => urlencoding::encode(key).replace("%2F", "/"),
            _ => key.to_owned(),
        };

        let hidden = self.newest(&input.bucket, prefix, stale)?;
        let (mut contents, mut common, mut next, mut last) = (Vec::new(), Vec::new(), None, String::new());
        self.0.scan(&input.bucket, prefix, after, |key, entry| {
            if entry.written >= hidden {
                return Step::Next;
            }
            if contents.len() + common.len() == most {
                next = Some(std::mem::take(&mut last)).filter(|_| most > 0);
                return Step::Stop;
            }
            let rest = &key[prefix.len()..];
            if let Some((delimiter, at)) = delimiter.and_then(|delimiter| Some((delimiter, rest.find(delimiter)?))) {
                let of = &key[..prefix.len() + at + delimiter.len()];
                common.push(CommonPrefix { prefix: Some(shown(of)) });
                last = past(of);
                return Step::Past(of.to_owned());
            }
            last = key.to_owned();
            contents.push(Object {
                key: Some(shown(key)),
                e_tag: Some(ETag::Strong(entry.e_tag.clone())),
                last_modified: Some(timestamp(entry.modified)),
                size: Some(entry.bytes as i64),
                storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                ..Default::default()
            });
            Step::Next
        })?;
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: Some((contents.len() + common.len()) as i32),
            max_keys: Some(most as i32),
            is_truncated: Some(next.is_some()),
            contents: Some(contents),
            common_prefixes: Some(common),
            continuation_token: input.continuation_token,
            next_continuation_token: next,
            delimiter: input.delimiter,
            encoding_type: input.encoding_type,
            name: Some(input.bucket),
            prefix: input.prefix,
            start_after: input.start_after,
            ..Default::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        self.0.expect_bucket(&req.input.bucket)?;
        let answer = self.0.files.create_multipart_upload(req).await?;
        let output = &answer.output;
        if let (Some(bucket), Some(key), Some(id)) = (&output.bucket, &output.key, &output.upload_id) {
            self.0.begin_upload(bucket, key, id);
        }
        Ok(answer)
    }

    async fn upload_part(&self, mut req: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        self.0.expect_upload(&req.input.upload_id)?;
        req.input.body = Some(blob(whole(req.input.body.take()).await?));
        self.0.files.upload_part(req).await
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        self.0.expect_upload(&req.input.upload_id)?;
        self.0.files.list_parts(req).await
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        let ListMultipartUploadsInput { bucket, prefix, .. } = req.input;
        self.0.expect_bucket(&bucket)?;
        let uploads = self.0.uploads(&bucket, prefix.as_deref().unwrap_or_default());
        let uploads = uploads.into_iter().map(|(id, upload)| MultipartUpload {
            upload_id: Some(id),
            key: Some(upload.key),
            initiated: Some(timestamp(upload.initiated)),
            ..Default::default()
        });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            is_truncated: Some(false),
            uploads: Some(uploads.collect()),
            bucket: Some(bucket),
            prefix,
            ..Default::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let (bucket, key, id) = (req.input.bucket.clone(), req.input.key.clone(), req.input.upload_id.clone());
        self.0.expect_upload(&id)?;
        let _lock = self.0.lock(&bucket, &key).write().await;
        let mut answer = self.0.files.complete_multipart_upload(req).await?;
        if let Some(output) = answer.output.future.take() {
            answer.output = output.await?;
        }
        let e_tag = answer.output.e_tag.clone().map(ETag::into_value);
        self.0.enter(&bucket, &key, e_tag).map_err(internal)?;
        self.0.end_upload(&id);
        Ok(answer)
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let id = req.input.upload_id.clone();
        self.0.expect_upload(&id)?;
        let answer = self.0.files.abort_multipart_upload(req).await?;
        self.0.end_upload(&id);
        Ok(answer)
    }
}
