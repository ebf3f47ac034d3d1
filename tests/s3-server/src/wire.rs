//! Connections and bodies: a connection that can be reset, and a body that can be slow or break off.

use std::collections::VecDeque;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// A connection. If `reset` is set, it ends with a reset instead of an orderly end.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    pub(crate) reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // If this fails, the client sees an orderly end, which also comes too early.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.reset.load(Ordering::Relaxed) {
            true => Poll::Ready(Ok(())),
            false => Pin::new(&mut self.stream).poll_shutdown(cx),
        }
    }
}

/// The body of an answer: pieces with pauses between them, and perhaps less than was announced.
pub(crate) struct Pieces {
    pieces: VecDeque<Bytes>,
    announced: u64,
    pause: Duration,
    pausing: Option<Pin<Box<Sleep>>>,
    breaks_off: bool,
}

/// The time that hyper needs to hand a piece to the kernel before the connection breaks.
const FLUSH: Duration = Duration::from_millis(5);

/// The number of pieces in a second: a hundred are smooth, and even a short body has several.
const PACE: u64 = 100;

impl Pieces {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        let announced = bytes.len() as u64;
        let pieces = Some(bytes).filter(|bytes| !bytes.is_empty()).into_iter().collect();
        Self { pieces, announced, pause: Duration::ZERO, pausing: None, breaks_off: false }
    }

    /// Returns a body that announces all bytes and sends half of them.
    pub(crate) fn half(bytes: Bytes) -> Self {
        let announced = bytes.len() as u64;
        let half = bytes.slice(..bytes.len() / 2);
        Self { announced, pause: FLUSH, breaks_off: true, ..Self::whole(half) }
    }

    /// Returns a body that sends that number of bytes a second.
    pub(crate) fn slow(mut bytes: Bytes, per_second: u64) -> Self {
        let whole = Self { pause: pause(), ..Self::whole(Bytes::new()) };
        let (announced, piece) = (bytes.len() as u64, piece(per_second));
        let mut pieces = VecDeque::new();
        while !bytes.is_empty() {
            pieces.push_back(bytes.split_to(piece.min(bytes.len())));
        }
        Self { pieces, announced, ..whole }
    }
}

/// Returns the number of bytes between two pauses at that pace.
pub(crate) fn piece(per_second: u64) -> usize {
    (per_second / PACE).max(1) as usize
}

pub(crate) fn pause() -> Duration {
    Duration::from_secs(1) / PACE as u32
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(pausing) = &mut self.pausing {
            match pausing.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => self.pausing = None,
            }
        }
        let piece = self.pieces.pop_front();
        if !self.pause.is_zero() && (self.breaks_off || !self.pieces.is_empty()) {
            self.pausing = Some(Box::pin(tokio::time::sleep(self.pause)));
        }
        match piece {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.breaks_off => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && !self.breaks_off
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_body_comes_in_pieces_with_a_pause_after_each() {
        let Pieces { pieces, announced, pause, .. } = Pieces::slow(Bytes::from(vec![b'x'; 1050]), 20_000);
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [200, 200, 200, 200, 200, 50]);
        assert_eq!((announced, pause), (1050, Duration::from_millis(10)));
    }
}
