//! Reads ranges of an object. One request reads neighbours together, and several requests run at the same time.

use std::ops::Range;
use std::sync::Arc;

use aws_sdk_s3::Client;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::download::Download;
use super::fault::Fault;
use crate::buckets::Object;

/// A gap between two ranges is read along if it has at most this many bytes, since another request would cost more.
const GAP: u64 = 64 << 10;
/// The number of requests that run at the same time.
const AT_ONCE: usize = 8;

/// Parts of an object that were read.
#[derive(Default)]
pub(super) struct Parts {
    /// The object's size in bytes, if anything was read.
    pub(super) bytes: Option<u64>,
    /// The offset of each part and its bytes, in the order of offsets.
    parts: Vec<(u64, Vec<u8>)>,
}

impl Parts {
    /// Reads the ranges, none of which may be reversed. Bytes beyond the object's end are left out.
    pub(super) async fn read(client: &Client, object: &Object, ranges: &[Range<u64>]) -> Result<Self, Fault> {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut reads = JoinSet::new();
        for part in join(ranges) {
            let (client, object, slots) = (client.clone(), object.clone(), slots.clone());
            reads.spawn(async move {
                let _slot = slots.acquire().await;
                let mut download = Download::part(&client, object, part.clone()).await?;
                let body = download.all().await?;
                Ok::<_, Fault>((part.start, body, download.bytes, download.etag))
            });
        }
        let mut read = Self::default();
        let mut version = None;
        while let Some(part) = reads.join_next().await {
            let (start, body, bytes, etag) = part.map_err(|error| Fault::Odd(error.to_string()))??;
            if version.get_or_insert_with(|| etag.clone()) != &etag {
                return Err(Fault::Replaced);
            }
            read.bytes = Some(bytes);
            read.parts.push((start, body));
        }
        read.parts.sort_unstable_by_key(|(start, _)| *start);
        Ok(read)
    }

    /// Returns the bytes of the ranges, one after the other. The object must have them all.
    pub(super) fn of(mut self, ranges: &[Range<u64>], total: usize) -> Vec<u8> {
        if let ([_], [(_, whole)]) = (ranges, &mut self.parts[..]) {
            return std::mem::take(whole);
        }
        let mut all = Vec::with_capacity(total);
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            let at = self.parts.partition_point(|(start, _)| *start <= range.start) - 1;
            let (start, body) = &self.parts[at];
            all.extend_from_slice(&body[(range.start - start) as usize..(range.end - start) as usize]);
        }
        all
    }
}

/// Returns the ranges to ask for.
fn join(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges.iter().filter(|range| !range.is_empty()).cloned().collect();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP) => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_read_together() {
        let far = 1 << 20;
        assert_eq!(join(&[far..far + 1, 5..7, 0..2, 3..3, 6..GAP]), [0..GAP, far..far + 1]);
        let parts = Parts { bytes: Some(far + 1), parts: vec![(0, (0..100).collect()), (far, vec![7])] };
        assert_eq!(parts.of(&[far..far + 1, 5..7, 3..3, 0..2], 5), [7, 5, 6, 0, 1]);
    }
}
