//! Proves that a server honours conditional writes. Without them two hosts could both believe that they committed.

use aws_sdk_s3::Client;
use bytes::Bytes;
use tokio::task::JoinSet;

use super::download::Download;
use super::fault::Fault;
use super::put::put_once;
use crate::buckets::Object;

/// The number of writers in a race.
const WRITERS: u8 = 8;
/// The greatest number of races. A race has no winner if the server tells each writer that another one is writing.
const RACES: u32 = 5;

/// Returns what the server did wrong; `None` if it passed. `object` must be new. The caller deletes it afterwards.
pub(super) async fn prove(client: &Client, object: &Object) -> Result<Option<String>, Fault> {
    let mut winners = Vec::new();
    for _ in 0..RACES {
        winners = race(client, object).await?;
        if !winners.is_empty() {
            break;
        }
    }
    let [winner] = winners[..] else {
        return Ok(Some(match winners.len() {
            0 => format!("it refused to create a new object {RACES} times, saying each time that there is one"),
            many => format!("it told {many} of {WRITERS} racing writers that they created the same object"),
        }));
    };
    let held = |body: &[u8]| body == body_of(winner);
    if !held(&read(client, object).await?) {
        return Ok(Some("it told one writer that it created an object, and kept what another one sent".to_owned()));
    }
    if put_once(client, object, Bytes::from_static(b"late")).await? || !held(&read(client, object).await?) {
        return Ok(Some("it replaced an object that was to be created only if there was none".to_owned()));
    }
    Ok(None)
}

/// Returns the writers that the server told that they created the object.
async fn race(client: &Client, object: &Object) -> Result<Vec<u8>, Fault> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (client, object) = (client.clone(), object.clone());
        writers
            .spawn(async move { Ok::<_, Fault>((writer, put_once(&client, &object, body_of(writer).into()).await?)) });
    }
    let mut winners = Vec::new();
    while let Some(told) = writers.join_next().await {
        let (writer, won) = told.map_err(|error| Fault::Odd(error.to_string()))??;
        winners.extend(won.then_some(writer));
    }
    Ok(winners)
}

fn body_of(writer: u8) -> Vec<u8> {
    format!("writer {writer}").into_bytes()
}

async fn read(client: &Client, object: &Object) -> Result<Vec<u8>, Fault> {
    Download::whole(client, object.clone()).await?.all().await
}
