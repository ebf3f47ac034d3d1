//! `/tables/<name>/rows.<format>`: the rows of a table that were asked for, as a file.

use std::convert::Infallible;
use std::io::{Error as IoError, Write};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, error};
use smelt_formats::{Formulas, TableFormat, TableOptions, table_writer};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::app::{App, Asked, refusal};
use super::saved::saved_as;
use crate::frame::{BLOCK_ROWS, Frame};
use crate::links;
use crate::query::{Found, find};
use crate::shell::Refusal;

/// The bytes of a piece of a file on its way.
const PIECE: usize = 64 << 10;
/// The pieces that wait for a client.
const WAITING: usize = 4;

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path((name, file)): Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Refusal> {
    let (format, content_type) = match file.as_str() {
        "rows.csv" => (TableFormat::Csv, "text/csv; charset=utf-8"),
        "rows.json" => (TableFormat::Json, "application/json"),
        "rows.jsonl" => (TableFormat::Jsonl, "application/jsonl"),
        "rows.parquet" => (TableFormat::Parquet, "application/vnd.apache.parquet"),
        _ => {
            let right = "a table's rows are at `rows.csv`, `rows.json`, `rows.jsonl` and `rows.parquet`";
            return Err(Refusal::not_found(right));
        }
    };
    format.check_built().map_err(refusal)?;
    let saved = saved_as(&format!("{name}.{}", format.extension()));
    let (told, found) = oneshot::channel::<Result<()>>();
    let (pieces, body) = mpsc::channel::<Bytes>(WAITING);
    let reading = Arc::clone(&app);
    // The file is written while it is sent, so that no more of it than some pieces is in memory.
    tokio::spawn(async move {
        let read = reading.blocking.run(move |_| {
            let looked = app.lake.see(|seen| {
                let frame = seen.table(&name)?;
                let asked = links::asked(&frame, &asked.parameters);
                Ok((Arc::clone(&frame), find(&frame, &asked, frame.rows())?))
            });
            match looked {
                Err(error) => drop(told.send(Err(error))),
                Ok((frame, found)) => {
                    drop(told.send(Ok(())));
                    send(&frame, &found, format, Pieces { to: pieces, piece: Vec::with_capacity(PIECE) });
                }
            }
        });
        drop(read.await);
    });
    match found.await {
        Ok(found) => found.map_err(refusal)?,
        Err(_) => {
            return Err(Refusal::busy("too many tables are being read at once", std::time::Duration::from_secs(5)));
        }
    }
    let body = Body::from_stream(ReceiverStream::new(body).map(Ok::<_, Infallible>));
    let mut response = ([(header::CONTENT_TYPE, content_type)], body).into_response();
    response.headers_mut().insert(header::CONTENT_DISPOSITION, saved);
    Ok(response)
}

fn send(frame: &Frame, found: &Found, format: TableFormat, mut pieces: Pieces) {
    let sent = write(frame, &found.rows, format, &mut pieces).and_then(|()| pieces.flush().map_err(gone));
    if let Err(error) = sent {
        tracing::warn!("a download ended early: {error}");
    }
}

fn gone(error: IoError) -> Error {
    Error::new(Kind::Unavailable, error.to_string())
}

pub(crate) fn write(frame: &Frame, rows: &[u32], format: TableFormat, out: impl Write + Send) -> error::Result<()> {
    let columns: Vec<usize> = (0..frame.schema().fields().len()).collect();
    let options = TableOptions { formulas: Formulas::Escape, ..TableOptions::default() };
    let mut writer = table_writer(format, Arc::clone(frame.schema()), &options, out)?;
    for rows in rows.chunks(BLOCK_ROWS) {
        writer.write(&frame.fetch(rows, &columns)?)?;
    }
    writer.finish().map(drop)
}

/// Returns these rows of a table as a file.
pub(super) fn file_of(frame: &Frame, rows: &[u32], format: TableFormat) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    write(frame, rows, format, &mut file)?;
    Ok(file)
}

/// Sends what is written in pieces, and waits where the client is slower.
struct Pieces {
    to: mpsc::Sender<Bytes>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        if piece.is_empty() {
            return Ok(());
        }
        let sent = self.to.blocking_send(piece.into());
        sent.map_err(|_| IoError::new(std::io::ErrorKind::BrokenPipe, "the client left"))
    }
}
