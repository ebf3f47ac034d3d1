//! Reads an object while its next megabytes are fetched.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;

use super::download::Download;
use super::fault::Fault;

/// The most bytes that are fetched before they are read.
const AHEAD: usize = 8 << 20;

/// A download that continues by itself.
pub(super) struct ReadAhead {
    pieces: mpsc::UnboundedReceiver<Result<Bytes, Fault>>,
    piece: Bytes,
    /// The bytes of the room that the current piece takes.
    taken: usize,
    room: Arc<Semaphore>,
    /// The number of bytes that are still to come.
    left: u64,
    task: AbortHandle,
}

impl ReadAhead {
    pub(super) fn start(runtime: &Runtime, mut download: Download) -> Self {
        let (send, pieces) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(AHEAD));
        let (left, free) = (download.left(), room.clone());
        let work = async move {
            while let Some(piece) = download.next().await.transpose() {
                let bytes = piece.as_ref().map_or(0, |piece: &Bytes| room_of(piece));
                match free.acquire_many(bytes as u32).await {
                    Ok(permits) => permits.forget(),
                    Err(_) => return,
                }
                let over = piece.is_err();
                if send.send(piece).is_err() || over {
                    return;
                }
            }
        };
        let task = runtime.spawn(work).abort_handle();
        Self { pieces, piece: Bytes::new(), taken: 0, room, left, task }
    }
}

fn room_of(piece: &Bytes) -> usize {
    piece.len().min(AHEAD)
}

impl Read for ReadAhead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while self.piece.is_empty() {
            self.room.add_permits(std::mem::take(&mut self.taken));
            if self.left == 0 {
                return Ok(0);
            }
            self.piece = match self.pieces.blocking_recv() {
                Some(piece) => piece.map_err(|fault| io::Error::other(fault.to_string()))?,
                // An end without an error would look like a shorter object.
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "its download was abandoned")),
            };
            self.taken = room_of(&self.piece);
            self.left -= self.piece.len() as u64;
        }
        let bytes = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..bytes]);
        Ok(bytes)
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.task.abort();
    }
}
