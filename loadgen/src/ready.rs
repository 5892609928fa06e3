//! Waiting for the server before time zero.

use std::net::SocketAddr;
use std::time::Duration;

use bench_contract::config::{Config, Server};
use serde_json::Value;

use crate::clock::Instant;
use crate::engine::{Stop, StopSender, Target};
use crate::http::once::get;
use crate::notice;
use crate::openai::request::{Addressing, head};

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

/// Waits until the server lists its models (or, where it has no such list, says that it is healthy), up to
/// `server.ready_timeout`.
///
/// # Errors
/// [`NotReady`], with the last answer.
pub async fn wait(
    config: &Config,
    server: &Server,
    target: &Target,
    key: Option<&str>,
    stop: &StopSender,
) -> Result<Ready, NotReady> {
    let limit = server.ready_timeout().to_duration();
    let begun = Instant::now();
    let waited = || Duration::from_nanos(Instant::now().since(begun));
    let mut stopped = stop.subscribe();
    let mut said = Duration::ZERO;
    loop {
        let last = match ask(config, server, target, key).await {
            Answer::Ready(ready) => return Ok(ready),
            Answer::Never(reason) => return Err(NotReady::Failed(reason)),
            Answer::NotYet(reason) => reason,
        };
        if waited() >= limit {
            return Err(NotReady::Failed(format!(
                "the server at {} was not ready within {} s: {last}",
                target.base_url,
                limit.as_secs_f64()
            )));
        }
        if said.is_zero() || waited() >= said + SAY_EVERY {
            notice(&format!(
                "waiting for {} ({:.0} of {:.0} s): {last}",
                target.base_url,
                waited().as_secs_f64(),
                limit.as_secs_f64()
            ));
            said = waited().max(Duration::from_nanos(1));
        }
        tokio::select! {
            () = tokio::time::sleep(ASK_EVERY) => {}
            _ = stopped.wait_for(|asked| *asked != Stop::No) => return Err(NotReady::Stopped),
        }
    }
}

enum Answer {
    Ready(Ready),
    NotYet(String),
    Never(String),
}

async fn ask(config: &Config, server: &Server, target: &Target, key: Option<&str>) -> Answer {
    let addresses = match target.resolve().await {
        Ok(addresses) => addresses,
        Err(error) => return Answer::NotYet(error.to_string()),
    };
    let to = Addressing {
        authority: &target.authority,
        path: &target.path,
        api_key: key,
    };
    let request = |route: &str| {
        head("GET", &format!("{}{route}", target.path), &to, config)
            + "accept: application/json\r\nconnection: close\r\n\r\n"
    };
    let models = get(addresses[0], &request("/v1/models"), ASK_LIMIT).await;
    match models {
        Ok((200, body)) => choose(server, addresses, &body),
        Ok((401 | 403, _)) => Answer::Never(format!(
            "the server at {} refuses the API key: set OPENAI_API_KEY, or benchmark.target.apiKeySecret",
            target.base_url
        )),
        Ok((404 | 405 | 501, _)) => match get(addresses[0], &request("/health"), ASK_LIMIT).await {
            Ok((200..=299, _)) => match &server.model_name {
                Some(model) => Answer::Ready(Ready {
                    addresses,
                    model: model.clone(),
                }),
                None => {
                    Answer::Never("the server lists no models: set server.model_name".to_owned())
                }
            },
            Ok((status, _)) => Answer::NotYet(format!("GET /health answers {status}")),
            Err(error) => Answer::NotYet(error.to_string()),
        },
        Ok((status, _)) => Answer::NotYet(format!("GET /v1/models answers {status}")),
        Err(error) => Answer::NotYet(error.to_string()),
    }
}

fn choose(server: &Server, addresses: Vec<SocketAddr>, body: &[u8]) -> Answer {
    let list: Value = serde_json::from_slice(body).unwrap_or_default();
    let served: Vec<&str> = list["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|model| model["id"].as_str())
        .collect();
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
