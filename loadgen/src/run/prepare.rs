//! Everything that a run needs before it talks to anybody.

use std::sync::Arc;

use anyhow::Context;
use bench_contract::config::{ApiType, Config, Connections, Server};
use bench_contract::{Environment, ExitCode};
use bench_report::Settings;

use crate::clock::{Origin, wall_ns};
use crate::engine::{Addresses, Counters, Recipe, Shared, Target};
use crate::health::{cpus, environment, grow_file_table, raise_file_limit};
use crate::notice;
use crate::openai::chunk::Api;
use crate::openai::request::{Addressing, RequestTemplate};
use crate::output::Folder;
use crate::plan::prompts::PromptMaker;
use crate::plan::random::hash_text;
use crate::ready::Ready;
use crate::record::journal::{Journal, JournalFiles};
use crate::run_id::run_id;

/// Descriptors that the table is grown for: more connections at once grow it while the run goes on.
const FILES: u64 = 16_384;

/// A run that can start.
pub(super) struct Prepared {
    /// What to do.
    pub config: Config,
    /// The server under test.
    pub server: Server,
    /// Its address, taken apart.
    pub target: Target,
    /// The bearer key.
    pub api_key: Option<String>,
    /// The run's name.
    pub run_id: String,
    /// The seed of arrivals, lengths and prompts.
    pub seed: u64,
    /// Worker threads.
    pub workers: usize,
    /// The machine.
    pub environment: Environment,
    /// Where files go, if anywhere.
    pub folder: Option<Folder>,
    /// What reports are computed with.
    pub settings: Settings,
}

impl Prepared {
    /// Makes the results folder and readies the process.
    ///
    /// # Errors
    /// With the exit code.
    pub(super) fn new(config: Config) -> Result<Self, (ExitCode, String)> {
        let server = config.server.clone().ok_or((
            ExitCode::InvalidInput,
            "there is no server to test".to_owned(),
        ))?;
        let target = Target::parse(&server.base_url)
            .map_err(|error| (ExitCode::InvalidInput, error.to_string()))?;
        let text = serde_json::to_string(&config)
            .map_err(|error| (ExitCode::Failed, error.to_string()))?;
        let started = i128::from(wall_ns());
        let started = jiff::Timestamp::from_nanosecond(started)
            .map_err(|error| (ExitCode::Failed, error.to_string()))?;
        let run_id = run_id(|name| std::env::var(name).ok(), &text, started);
        let folder =
            Folder::create(&config, &run_id, started).map_err(|error| (ExitCode::Failed, error))?;
        match raise_file_limit() {
            Ok(limit) => grow_file_table(FILES, limit),
            Err((limit, error)) => notice(&format!(
                "warning: the limit on open files stays at {limit}: {error}"
            )),
        }
        // A Job's CPUs are few and dear: as many threads as asked for, never more than there are CPUs.
        let workers = config
            .load
            .num_workers
            .map_or(usize::MAX, |asked| asked.max(1) as usize)
            .min(cpus());
        let given = server.api_key.as_ref().map(|key| key.expose().to_owned());
        Ok(Self {
            api_key: given.or_else(|| {
                std::env::var("OPENAI_API_KEY")
                    .ok()
                    .filter(|key| !key.is_empty())
            }),
            seed: config
                .load
                .given_seed()
                .unwrap_or_else(|| hash_text(&run_id)),
            environment: environment(workers),
            settings: Settings::from_config(&config),
            config,
            server,
            target,
            run_id,
            workers,
            folder,
        })
    }

    /// What all workers share. The run's time begins here.
    #[must_use]
    pub(super) fn shared(&self, ready: &Ready) -> Shared {
        let api = &self.config.api;
        Shared {
            origin: Origin::now(),
            addresses: Addresses::new(ready.addresses.clone()),
            api: if api.kind == ApiType::Chat {
                Api::Chat
            } else {
                Api::Completion
            },
            streaming: api.streaming,
            reuse: api.connections.unwrap_or_default() == Connections::Reuse,
            total_limit: self.config.load.request_timeout().to_duration(),
            limits: api.timeouts.clone().unwrap_or_default(),
            per_request: self.config.request_lifecycle().per_request,
            counters: Arc::new(Counters::default()),
        }
    }

    /// What request bodies are made from.
    ///
    /// # Errors
    /// When the tokenizer is broken.
    pub(super) fn recipe(&self, ready: &Ready) -> anyhow::Result<Recipe> {
        let to = Addressing {
            authority: &self.target.authority,
            path: &self.target.path,
            api_key: self.api_key.as_deref(),
        };
        Ok(Recipe {
            prompts: PromptMaker::new(&self.config, self.seed, &self.run_id)
                .map_err(anyhow::Error::msg)?,
            template: RequestTemplate::new(&self.config, &self.server, &to, &ready.model),
            id_prefix: self.run_id.clone(),
        })
    }

    /// Starts the journal, where there is a folder for it.
    ///
    /// # Errors
    /// When its files cannot be created.
    pub(super) fn journal(&self) -> anyhow::Result<Option<Journal>> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let per_request = self.config.request_lifecycle().per_request;
        let files = JournalFiles {
            records: folder.file("requests.jsonl.zst"),
            lifecycle: per_request.then(|| folder.file("per_request_lifecycle_metrics.json")),
        };
        let started = Journal::start(&files)
            .with_context(|| format!("cannot create {}", files.records.display()));
        started.map(Some)
    }
}
