//! Asking the server itself how long text is, by `POST /tokenize` of vLLM and SGLang, before time zero.

use std::time::Duration;

use bench_contract::config::ApiType;
use serde_json::{Value, json};

use crate::clock::Instant;
use crate::eventloop::EventLoop;
use crate::http::once::get;
use crate::openai::head::{Addressing, head};
use crate::plan::prompts::Counter;
use crate::ready::{Awaited, Ready};
use crate::workload::Workload;

/// Time limit of one question.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// Time limit of all of them.
const LIMIT: Duration = Duration::from_secs(5);

/// Has the server count for the prompts of `workload`, where they need that, in an event loop on a thread of its own. Returns it with a
/// warning where it did not help.
///
/// # Errors
/// When that thread has failed.
pub async fn calibrate(
    mut workload: Workload,
    server: Awaited,
    ready: &Ready,
) -> anyhow::Result<(Workload, Option<String>)> {
    if !workload.wants_counter() {
        return Ok((workload, None));
    }
    let ready = ready.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let event_loop = EventLoop::new()?;
        let mut counter = ServerCounter {
            event_loop,
            server,
            ready,
            begun: Instant::now(),
        };
        let warning = workload.calibrate(&mut counter);
        Ok::<_, std::io::Error>((workload, warning))
    });
    Ok(asked.await??)
}

struct ServerCounter {
    event_loop: EventLoop,
    server: Awaited,
    ready: Ready,
    begun: Instant,
}

impl ServerCounter {
    fn ask(&self, question: &Value) -> Result<usize, String> {
        let address = self.ready.addresses.first().ok_or("it has no address")?;
        let Awaited {
            config,
            target,
            tls,
            key,
            ..
        } = &self.server;
        let to = Addressing {
            authority: &target.authority,
            path: &target.path,
            api_key: key.as_deref(),
        };
        let path = format!("{}/tokenize", target.path);
        let body = question.to_string();
        let head = head("POST", &path, "application/json", &to, config);
        let request = format!(
            "{head}content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let handle = self.event_loop.handle();
        let asking = get(&handle, *address, tls.as_ref(), &request, ASK_LIMIT);
        let answer = self.event_loop.block_on(asking);
        let (status, body) = answer
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        if status != 200 {
            return Err(format!("POST /tokenize answers {status}"));
        }
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        let count = answer["count"].as_u64().or_else(|| {
            let tokens = answer["tokens"].as_array()?;
            u64::try_from(tokens.len()).ok()
        });
        count
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| "POST /tokenize answers without a count".to_owned())
    }
}

impl Counter for ServerCounter {
    fn count_within(&mut self, text: &str) -> Result<usize, String> {
        self.ask(&json!({"model": self.ready.model, "prompt": text, "add_special_tokens": false}))
    }

    fn count_whole(&mut self, text: &str) -> Result<usize, String> {
        let model = &self.ready.model;
        self.ask(&if self.server.config.api.kind == ApiType::Chat {
            json!({
                "model": model, "messages": [{"role": "user", "content": text}],
                "add_generation_prompt": true, "add_special_tokens": false
            })
        } else {
            json!({"model": model, "prompt": text, "add_special_tokens": true})
        })
    }

    fn is_late(&self) -> bool {
        Duration::from_nanos(Instant::now().since(self.begun)) >= LIMIT
    }
}
