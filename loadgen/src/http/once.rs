//! A single question to the server, outside the measurement.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::body::{Body, BodyError};
use super::connect::connect;
use super::head::HeadReader;

/// The most that an answer may take, in bytes.
const MOST: usize = 4 * 1024 * 1024;

/// Sends `request` to `address` and returns the status and the body.
///
/// # Errors
/// The system's, `TimedOut` after `limit`, or `InvalidData` for what is no HTTP.
pub async fn get(
    address: SocketAddr,
    request: &str,
    limit: Duration,
) -> io::Result<(u16, Vec<u8>)> {
    let answer = tokio::time::timeout(limit, ask(address, request, limit)).await;
    answer.unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer from {address} within {limit:?}"),
        ))
    })
}

async fn ask(address: SocketAddr, request: &str, limit: Duration) -> io::Result<(u16, Vec<u8>)> {
    let invalid =
        |error: String| io::Error::new(io::ErrorKind::InvalidData, format!("{address}: {error}"));
    let mut stream = connect(address, limit)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
    stream.write_all(request.as_bytes()).await?;
    let (mut reader, mut body, mut status, mut kept) =
        (HeadReader::default(), None::<Body>, 0, Vec::new());
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        let mut bytes = &buffer[..count];
        if body.is_none()
            && let Some((head, used)) = reader
                .feed(bytes)
                .map_err(|error| invalid(error.to_string()))?
        {
            status = head.status;
            body = Some(Body::new(head.framing));
            bytes = &bytes[used..];
        }
        if let Some(body) = &mut body {
            let decoded = body.decode(bytes, |part| {
                kept.extend_from_slice(part);
                Ok::<(), BodyError>(())
            });
            decoded.map_err(|error| invalid(error.to_string()))?;
            if body.is_done() || (count == 0 && body.may_close()) || kept.len() > MOST {
                return Ok((status, kept));
            }
        }
        if count == 0 {
            return Err(invalid(
                "the connection was closed in the middle of the answer".to_owned(),
            ));
        }
    }
}
