//! Between a socket and hyper. A request passes once its head is whole and judged, and the next one once it is answered,
//! so hyper sees no malformed request, and a client that sends requests ahead costs one buffer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::net::TcpStream;

use super::head::{Verdict, judge};
use super::link::Link;
use super::settings::HttpLimits;

/// The bytes that are read at once.
const CHUNK: usize = 4096;

/// The socket as hyper sees it.
pub(super) struct Gate {
    stream: Arc<TcpStream>,
    link: Arc<Link>,
    limits: Arc<HttpLimits>,
    /// Bytes that hyper has not had.
    buffer: Vec<u8>,
    stage: Stage,
}

enum Stage {
    /// A head is coming, of which so many bytes were judged.
    Head { judged: usize },
    /// A request passes, of which so many bytes are to come.
    Passing { left: usize },
    /// A request has passed and is being answered.
    Answering,
    /// Nothing passes any more.
    Over,
}

impl Gate {
    /// Returns the gate of the connection.
    pub(super) fn new(stream: Arc<TcpStream>, link: Arc<Link>, limits: Arc<HttpLimits>) -> Self {
        Self { stream, link, limits, buffer: Vec::new(), stage: Stage::Head { judged: 0 } }
    }

    /// Reads what has come into the buffer. Returns how many bytes that were, or 0 at the end.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut chunk = [0; CHUNK];
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            match self.stream.try_read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(read) => {
                    self.buffer.extend_from_slice(&chunk[..read]);
                    return Poll::Ready(Ok(read));
                }
            }
        }
    }

    /// Hands hyper what it may have of the buffer.
    fn hand_over(&mut self, left: usize, to: &mut ReadBufCursor<'_>) {
        let bytes = left.min(self.buffer.len()).min(to.remaining());
        to.put_slice(&self.buffer[..bytes]);
        self.buffer.drain(..bytes);
        if self.buffer.is_empty() {
            // Connections that wait hold no buffer.
            self.buffer = Vec::new();
        }
        self.stage = match left - bytes {
            0 => Stage::Answering,
            left => Stage::Passing { left },
        };
    }
}

impl Read for Gate {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, mut to: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        loop {
            match gate.stage {
                Stage::Over => return Poll::Ready(Ok(())),
                Stage::Head { judged } if judged < gate.buffer.len() => {
                    gate.link.head_begun();
                    gate.stage = match judge(&gate.buffer, judged, &gate.limits) {
                        Verdict::More => Stage::Head { judged: gate.buffer.len() },
                        Verdict::Whole { head, body } if gate.link.pass() => Stage::Passing { left: head + body },
                        Verdict::Whole { .. } => Stage::Over,
                        Verdict::Refused(refusal) => {
                            gate.link.refuse(refusal);
                            Stage::Over
                        }
                    };
                }
                Stage::Passing { left } if !gate.buffer.is_empty() => {
                    gate.hand_over(left, &mut to);
                    return Poll::Ready(Ok(()));
                }
                Stage::Answering if gate.link.is_answered(context) => gate.stage = Stage::Head { judged: 0 },
                // Until the answer is given, hyper learns nothing of a client that leaves.
                Stage::Answering if gate.buffer.len() >= gate.limits.head_bytes => return Poll::Pending,
                // While a request is answered, hyper reads to learn whether the client is still there.
                Stage::Head { .. } | Stage::Passing { .. } | Stage::Answering => {
                    if ready!(gate.poll_fill(context))? == 0 {
                        gate.stage = Stage::Over;
                    }
                }
            }
        }
    }
}

impl Write for Gate {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.stream.poll_write_ready(context) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => {
                    self.link.stalled();
                    return Poll::Pending;
                }
            }
            match self.stream.try_write_vectored(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => {
                    self.link.wrote();
                    return Poll::Ready(result);
                }
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Called when hyper has written all that it had.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.flushed();
        Poll::Ready(Ok(()))
    }

    /// Leaves the socket to the connection's task, which may have a refusal to write.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
