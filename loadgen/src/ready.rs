//! Waiting for the server before time zero.

use std::net::SocketAddr;
use std::time::Duration;

use bench_contract::config::{Config, Server};
use serde_json::Value;
use tokio::sync::watch;

use crate::clock::Instant;
use crate::engine::{Stop, StopSender, Target};
use crate::eventloop::{EventLoop, Handle};
use crate::http::once::{OnceError, get};
use crate::http::tls::Tls;
use crate::notice;
use crate::openai::head::{Addressing, head};
use crate::plan::Adapters;

/// Time limit of one question.
const ASK_LIMIT: Duration = Duration::from_secs(10);

/// Between two questions.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Between two lines that say what is being waited for.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// A server that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Where it is.
    pub addresses: Vec<SocketAddr>,
    /// The model to ask for.
    pub model: String,
}

/// Why there is no server to test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// Not within the time limit, or never will be.
    Failed(String),
    /// The run was asked to stop first.
    Stopped,
}

/// The server to wait for, and how to speak to it.
#[derive(Clone)]
pub struct Awaited {
    /// The run's config.
    pub config: Config,
    /// Its server.
    pub server: Server,
    /// Where that is.
    pub target: Target,
    /// How TLS is spoken to it, where it is.
    pub tls: Option<Tls>,
    /// The API key, where it wants one.
    pub key: Option<String>,
}

/// Waits until the server lists its models (or, where it has no such list, says that it is healthy), up to
/// `server.ready_timeout`, in an event loop on a thread of its own.
///
/// # Errors
/// [`NotReady`], with the last answer.
pub async fn wait(awaited: Awaited, stop: &StopSender) -> Result<Ready, NotReady> {
    let stopped = stop.subscribe();
    let waiting = tokio::task::spawn_blocking(move || {
        let event_loop = EventLoop::new()?;
        event_loop.block_on(awaited.wait(&event_loop.handle(), stopped))
    });
    let ended = waiting.await.unwrap_or_else(|error| Err(error.into()));
    ended.unwrap_or_else(|error| {
        Err(NotReady::Failed(format!(
            "cannot wait for the server: {error}"
        )))
    })
}

impl Awaited {
    async fn wait(
        &self,
        handle: &Handle,
        mut stopped: watch::Receiver<Stop>,
    ) -> Result<Ready, NotReady> {
        let Self { server, target, .. } = self;
        let limit = server.ready_timeout().to_duration();
        let begun = Instant::now();
        let waited = || Duration::from_nanos(Instant::now().since(begun));
        let mut said = None;
        let mut last = "no answer yet".to_owned();
        loop {
            let left = limit.saturating_sub(waited());
            tokio::select! {
                answer = self.ask(handle) => match answer {
                    Answer::Ready(ready) => return Ok(ready),
                    Answer::Never(reason) => return Err(NotReady::Failed(reason)),
                    Answer::NotYet(reason) => last = reason,
                },
                () = handle.sleep(left) => {}
                _ = stopped.wait_for(|asked| *asked != Stop::No) => return Err(NotReady::Stopped),
            }
            if waited() >= limit {
                return Err(NotReady::Failed(format!(
                    "the server at {} was not ready within {} s: {last}",
                    target.base_url,
                    limit.as_secs_f64()
                )));
            }
            if said.is_none_or(|said| waited() >= said + SAY_EVERY) {
                notice(&format!(
                    "waiting for {} ({:.0} of {:.0} s): {last}",
                    target.base_url,
                    waited().as_secs_f64(),
                    limit.as_secs_f64()
                ));
                said = Some(waited());
            }
            tokio::select! {
                () = handle.sleep(ASK_EVERY.min(limit.saturating_sub(waited()))) => {}
                _ = stopped.wait_for(|asked| *asked != Stop::No) => return Err(NotReady::Stopped),
            }
        }
    }

    /// Asks every address. Those where nothing answers are left out as long as another one is ready, because a name may stand
    /// for addresses that nobody listens on; one that answers and is not ready is waited for.
    async fn ask(&self, handle: &Handle) -> Answer {
        let addresses = match self.target.resolve().await {
            Ok(addresses) => addresses,
            Err(error) => return Answer::NotYet(error.to_string()),
        };
        let (mut ready, mut list, mut silent) = (Vec::new(), None, Vec::new());
        for address in addresses {
            match self.ask_one(handle, address).await {
                Said::Ready(models) => {
                    ready.push(address);
                    list = list.or(models);
                }
                Said::NotYet(reason) => return Answer::NotYet(reason),
                Said::Silent(reason) => silent.push(reason),
                Said::Never(reason) => return Answer::Never(reason),
            }
        }
        if ready.is_empty() {
            return Answer::NotYet(silent.join("; "));
        }
        for reason in silent {
            notice(&format!(
                "warning: an address of the server is left out: {reason}"
            ));
        }
        let adapters = Adapters::of(&self.config.load);
        choose(
            &self.server,
            adapters.as_ref(),
            ready,
            &list.unwrap_or_default(),
        )
    }

    async fn ask_one(&self, handle: &Handle, address: SocketAddr) -> Said {
        let Self {
            config,
            target,
            tls,
            key,
            ..
        } = self;
        let ask =
            async |request: &str| get(handle, address, tls.as_ref(), request, ASK_LIMIT).await;
        let to = Addressing {
            authority: &target.authority,
            path: &target.path,
            api_key: key.as_deref(),
        };
        let request = |route: &str| {
            let path = format!("{}{route}", target.path);
            head("GET", &path, "application/json", &to, config) + "connection: close\r\n\r\n"
        };
        let silent = |error: OnceError| {
            if error.is_final() {
                Said::Never(error.to_string())
            } else {
                Said::Silent(error.to_string())
            }
        };
        match ask(&request("/v1/models")).await {
            Ok((200, body)) => Said::Ready(Some(body)),
            Ok((status @ (401 | 403), _)) => Said::Never(format!(
                "the server at {} refuses the API key (GET /v1/models answers {status}): set OPENAI_API_KEY, or benchmark.target.apiKeySecret",
                target.base_url
            )),
            Ok((404 | 405 | 501, _)) => match ask(&request("/health")).await {
                Ok((200..=299, _)) => Said::Ready(None),
                Ok((status, _)) => Said::NotYet(format!("GET /health answers {status}")),
                Err(error) => silent(error),
            },
            Ok((status, _)) => Said::NotYet(format!("GET /v1/models answers {status}")),
            Err(error) => silent(error),
        }
    }
}

enum Answer {
    Ready(Ready),
    NotYet(String),
    Never(String),
}

/// What one address says.
enum Said {
    /// Its list of models; `None` where it has no such list and is healthy.
    Ready(Option<Vec<u8>>),
    /// It answers, and is not ready.
    NotYet(String),
    /// Nothing answers there.
    Silent(String),
    /// It refuses the key, or there will never be TLS with it: waiting does not help.
    Never(String),
}

fn choose(
    server: &Server,
    adapters: Option<&Adapters>,
    addresses: Vec<SocketAddr>,
    body: &[u8],
) -> Answer {
    let list: Value = serde_json::from_slice(body).unwrap_or_default();
    let served: Vec<&str> = list["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|model| model["id"].as_str())
        .collect();
    for adapter in adapters.into_iter().flat_map(Adapters::names) {
        if !served.is_empty() && !served.contains(&adapter) {
            notice(&format!(
                "warning: the server does not list the adapter `{adapter}`; it serves {}",
                served.join(", ")
            ));
        }
    }
    let model = match (&server.model_name, served.first()) {
        (Some(wanted), Some(_)) if !served.contains(&wanted.as_str()) => {
            notice(&format!(
                "warning: the server does not list the model `{wanted}`; it serves {}",
                served.join(", ")
            ));
            wanted.clone()
        }
        (Some(wanted), _) => wanted.clone(),
        (None, Some(first)) => (*first).to_owned(),
        (None, None) => {
            return Answer::Never("the server lists no models: set server.model_name".to_owned());
        }
    };
    Answer::Ready(Ready { addresses, model })
}
