//! One download: redirects, limits, and going on after a lost connection.

use std::io::{self, Seek, SeekFrom, Write};
use std::time::Duration;

use http::header::{
    ACCEPT, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, IF_RANGE, LOCATION, RANGE,
};
use reqwest::{Client, Response, Url};
use tempfile::NamedTempFile;
use tokio::time::{Instant, sleep, timeout};

use super::error::HubError;
use super::file::{HubFile, is_name};
use crate::http::{client, innermost, untrusted};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// How long nothing may come.
const STALL: Duration = Duration::from_secs(20);

/// So many servers in a row may send us on.
const HOPS: usize = 10;

/// So often a download is gone on with.
const ATTEMPTS: u32 = 3;

/// Before the next attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// How often it is said how far it is.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// The most that is kept in memory, in bytes.
const MOST: usize = 512 * 1024 * 1024;

/// Where the bytes go.
pub(super) enum Sink<'a> {
    Memory(&'a mut Vec<u8>),
    File(&'a mut NamedTempFile),
}

impl Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Memory(kept) if kept.len() + bytes.len() > MOST => Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the file is larger than anything that is read whole",
            )),
            Self::Memory(kept) => {
                kept.extend_from_slice(bytes);
                Ok(())
            }
            Self::File(file) => file.write_all(bytes),
        }
    }

    fn clear(&mut self) -> io::Result<()> {
        match self {
            Self::Memory(kept) => {
                kept.clear();
                Ok(())
            }
            Self::File(file) => {
                file.as_file().set_len(0)?;
                file.seek(SeekFrom::Start(0)).map(drop)
            }
        }
    }
}

/// A download as it goes on.
pub(super) struct Download<'a> {
    client: Client,
    file: &'a HubFile,
    url: Url,
    host: String,
    token: Option<&'a str>,
    commit: Option<String>,
    /// What tells this version of the file from others.
    tag: Option<String>,
    done: u64,
    size: Option<u64>,
    said: Instant,
}

impl<'a> Download<'a> {
    pub(super) fn new(
        file: &'a HubFile,
        url: Url,
        token: Option<&'a str>,
    ) -> Result<Self, HubError> {
        Ok(Self {
            client: client(CONNECT).map_err(HubError::Other)?,
            file,
            host: url.origin().ascii_serialization(),
            url,
            token,
            commit: None,
            tag: None,
            done: 0,
            size: None,
            said: Instant::now(),
        })
    }

    /// The commit that the hub has named.
    pub(super) fn commit(&self) -> Option<&str> {
        self.commit.as_deref()
    }

    /// Downloads all of it, within `total`.
    pub(super) async fn run(
        &mut self,
        sink: &mut Sink<'_>,
        total: Option<Duration>,
        say: &mut dyn FnMut(&str),
    ) -> Result<(), HubError> {
        let Some(limit) = total else {
            return self.persist(sink, say).await;
        };
        match timeout(limit, self.persist(sink, say)).await {
            Ok(done) => done,
            Err(_) => Err(self.late(format!(
                "{} of {} within {} s",
                megabytes(self.done),
                self.size.map_or_else(|| "it".to_owned(), megabytes),
                limit.as_secs()
            ))),
        }
    }

    async fn persist(
        &mut self,
        sink: &mut Sink<'_>,
        say: &mut dyn FnMut(&str),
    ) -> Result<(), HubError> {
        let mut attempt = 1;
        loop {
            let before = self.done;
            let error = match self.attempt(sink, say).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if self.done > before {
                // It gets on.
                attempt = 1;
            }
            if attempt == ATTEMPTS || !error.is_passing() {
                return Err(error);
            }
            say(&format!("{error}; asking again"));
            sleep(PAUSE * attempt).await;
            attempt += 1;
        }
    }

    async fn attempt(
        &mut self,
        sink: &mut Sink<'_>,
        say: &mut dyn FnMut(&str),
    ) -> Result<(), HubError> {
        let mut response = self.open().await?;
        let goes_on = response.status().as_u16() == 206
            && response.headers().get(CONTENT_RANGE).is_some_and(|range| {
                let wanted = format!("bytes {}-", self.done);
                range.as_bytes().starts_with(wanted.as_bytes())
            });
        // What a proxy shows to those that it does not let through.
        let is_page = response.headers().get(CONTENT_TYPE);
        let is_page = is_page.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if is_page && self.commit.is_none() {
            return Err(HubError::Other(format!(
                "{} sends a web page in place of {}",
                self.host, self.file
            )));
        }
        if !goes_on {
            if response.status().as_u16() == 206 {
                return Err(HubError::Other(format!(
                    "{} sends another part of {} than was asked for",
                    self.host, self.file
                )));
            }
            self.done = 0;
            let cleared = sink.clear();
            cleared.map_err(|error| self.disk(sink, error))?;
        }
        self.size = response.content_length().map(|left| self.done + left);
        loop {
            let chunk = match timeout(STALL, response.chunk()).await {
                Ok(Ok(chunk)) => chunk,
                Ok(Err(error)) => return Err(self.lost(innermost(&error.without_url()))),
                Err(_) => {
                    let reason = format!("nothing came for {} s", STALL.as_secs());
                    return Err(self.lost(reason));
                }
            };
            let Some(chunk) = chunk else {
                return match self.size {
                    Some(size) if self.done < size => {
                        Err(self.lost("it ended too early".to_owned()))
                    }
                    _ => Ok(()),
                };
            };
            let written = sink.write(&chunk);
            written.map_err(|error| self.disk(sink, error))?;
            self.done += chunk.len() as u64;
            if self.said.elapsed() >= SAY_EVERY {
                self.said = Instant::now();
                let of = self
                    .size
                    .map_or_else(String::new, |size| format!(" of {}", megabytes(size)));
                say(&format!(
                    "fetching {}: {}{of}",
                    self.file,
                    megabytes(self.done)
                ));
            }
        }
    }

    /// Follows the hub to where the bytes are.
    async fn open(&mut self) -> Result<Response, HubError> {
        let mut url = self.url.clone();
        for _ in 0..HOPS {
            let response = self.ask(&url).await?;
            let status = response.status().as_u16();
            let headers = response.headers();
            self.learn(headers);
            match status {
                200 | 206 => {
                    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
                    let tag = tag.filter(|tag| !tag.starts_with("W/"));
                    self.tag = tag.map(str::to_owned);
                    return Ok(response);
                }
                301 | 302 | 303 | 307 | 308 => {
                    let location = headers.get(LOCATION).and_then(|to| to.to_str().ok());
                    let next = location.and_then(|to| url.join(to).ok());
                    let next = next.filter(|next| matches!(next.scheme(), "http" | "https"));
                    let next = next.ok_or_else(|| {
                        HubError::Other(format!("{} sends us on to nowhere", self.host))
                    })?;
                    if url.scheme() == "https" && next.scheme() == "http" {
                        return Err(HubError::Other(format!(
                            "{} sends us on from https to http",
                            self.host
                        )));
                    }
                    url = next;
                }
                _ => return Err(self.refusal(status, headers)),
            }
        }
        Err(HubError::Other(format!(
            "{} sends us on without end",
            self.host
        )))
    }

    async fn ask(&self, url: &Url) -> Result<Response, HubError> {
        let mut request = self.client.get(url.clone()).header(ACCEPT, "*/*");
        // Where the bytes are is often another's machine, whom the token is none of its business.
        if let Some(token) = self.token
            && url.origin() == self.url.origin()
        {
            request = request.bearer_auth(token);
        }
        if let (Some(tag), true) = (&self.tag, self.done > 0) {
            request = request
                .header(RANGE, format!("bytes={}-", self.done))
                .header(IF_RANGE, tag);
        }
        let host = url.origin().ascii_serialization();
        match timeout(STALL, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                let error = error.without_url();
                let reason = innermost(&error);
                Err(if untrusted(&error) {
                    HubError::Certificate { host, reason }
                } else if error.is_connect() && error.is_timeout() {
                    let reason = format!("no connection within {} s", CONNECT.as_secs());
                    HubError::Unreachable { host, reason }
                } else if error.is_builder() {
                    HubError::Other("HF_TOKEN holds a character that no header may have".to_owned())
                } else {
                    HubError::Unreachable { host, reason }
                })
            }
            Err(_) => Err(self.late(format!("no answer within {} s", STALL.as_secs()))),
        }
    }

    fn learn(&mut self, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        if let Some(commit) = text("x-repo-commit").filter(|commit| is_name(commit)) {
            self.commit = Some(commit.to_owned());
        }
    }

    /// What a status other than success means.
    fn refusal(&self, status: u16, headers: &HeaderMap) -> HubError {
        let text = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().trim_end_matches('.').to_owned()
        };
        let (host, file) = (self.host.clone(), self.file.to_string());
        let message = text("x-error-message");
        match (status, text("x-error-code").as_str()) {
            (_, "EntryNotFound") => HubError::Missing {
                file,
                host,
                message,
                only_file: true,
            },
            (404, "") if self.commit.is_some() => HubError::Missing {
                file,
                host,
                message,
                only_file: true,
            },
            (404 | 410, _) | (_, "RevisionNotFound") => HubError::Missing {
                file,
                host,
                message,
                only_file: false,
            },
            (401 | 403, _) => HubError::Denied {
                file,
                host,
                status,
                message,
                had_token: self.token.is_some(),
            },
            _ => HubError::Refused {
                host,
                status,
                message,
            },
        }
    }

    fn late(&self, reason: String) -> HubError {
        HubError::Late {
            host: self.host.clone(),
            file: self.file.to_string(),
            reason,
        }
    }

    fn lost(&self, reason: String) -> HubError {
        HubError::Lost {
            host: self.host.clone(),
            file: self.file.to_string(),
            bytes: self.done,
            reason,
        }
    }

    fn disk(&self, sink: &Sink<'_>, error: io::Error) -> HubError {
        match sink {
            Sink::File(file) => HubError::Disk {
                path: file.path().to_owned(),
                error,
            },
            Sink::Memory(_) => HubError::Other(format!("{} cannot be read: {error}", self.file)),
        }
    }
}

fn megabytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let megabytes = bytes as f64 / 1e6;
    format!("{megabytes:.1} MB")
}
