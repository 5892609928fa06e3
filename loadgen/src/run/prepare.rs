//! Everything that a run needs before it talks to anybody.

use std::sync::Arc;

use bench_contract::config::{Config, Connections, Dns, Server};
use bench_contract::{Environment, ExitCode};
use bench_report::Settings;

use super::documents::{CONFIG, config};
use super::files;
use super::upload::Uploads;
use crate::clock::{Origin, wall_ns};
use crate::data::source;
use crate::engine::{Addresses, Counters, Recipe, Shared, Target};
use crate::health::{cpus, environment};
use crate::http::tls::Tls;
use crate::notice;
use crate::openai::head::Addressing;
use crate::openai::request::RequestTemplate;
use crate::output::{Folder, Occasion};
use crate::plan::prompts::PromptMaker;
use crate::plan::random::hash_text;
use crate::plan::{Adapters, StageSpec, stages};
use crate::ready::Ready;
use crate::record::journal::{Journal, JournalFiles, LIFECYCLE, RECORDS};
use crate::run_id::{identity, pod, run_id};
use crate::trace;
use crate::workload::Workload;

/// A run that can start.
pub(super) struct Prepared {
    /// What to do.
    pub config: Config,
    /// The server under test.
    pub server: Server,
    /// Its address, taken apart.
    pub target: Target,
    /// How TLS is spoken to it, where it is.
    pub tls: Option<Tls>,
    /// The bearer key.
    pub api_key: Option<String>,
    /// The run's name.
    pub run_id: String,
    /// The line that tells it, and this attempt at it, from all others.
    pub identity: String,
    /// The seed of arrivals, lengths and prompts.
    pub seed: u64,
    /// Worker threads.
    pub workers: usize,
    /// The machine.
    pub environment: Environment,
    /// Where files go, if anywhere.
    pub folder: Option<Folder>,
    /// Where they are uploaded to, if anywhere.
    pub uploads: Option<Uploads>,
    /// What reports are computed with.
    pub settings: Settings,
    /// The stages, the warm-up first where there is one.
    pub specs: Vec<StageSpec>,
    /// Who follows it.
    pub audience: Audience,
    /// What can be seen of it while it goes on.
    pub counters: Arc<Counters>,
}

/// Who follows a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Somebody who wants to see how it gets on.
    Person,
    /// A part of this program that wants the report.
    Program,
}

/// What a run uses up.
pub(super) struct Supplies {
    /// Says what each request carries.
    pub workload: Workload,
    /// Writes the records, where there is a folder for them, once that is taken.
    pub journal: Option<Journal>,
}

impl Prepared {
    /// Finds everything that can be wrong without asking the server: makes the results folder, loads the tokenizer (from the
    /// hub, if it is not here), readies the process.
    ///
    /// # Errors
    /// With the exit code.
    pub(super) fn new(
        config: Config,
        audience: Audience,
    ) -> Result<(Self, Supplies), (ExitCode, String)> {
        let invalid = |reason: String| (ExitCode::InvalidInput, reason);
        let failed = |reason: String| (ExitCode::Failed, reason);
        let server = config.server.clone();
        let server = server.ok_or_else(|| invalid("there is no server to test".to_owned()))?;
        let target = Target::parse(&server.base_url).map_err(|error| invalid(error.to_string()))?;
        let tls = target.is_tls.then(|| Tls::set_up(&target.host, &server));
        let tls = tls
            .transpose()
            .map_err(|error| invalid(error.to_string()))?;
        let tls = tls.map(|setup| {
            if audience == Audience::Person {
                setup.notices.iter().for_each(|line| notice(line));
            }
            setup.tls
        });
        let trace = trace::read(&config).map_err(invalid)?;
        let mut specs = stages(&config, trace.as_ref()).map_err(invalid)?;
        let api_key = api_key(&server).map_err(invalid)?;
        let text = serde_json::to_string(&config).map_err(|error| failed(error.to_string()))?;
        let started = jiff::Timestamp::from_nanosecond(wall_ns().into());
        let started = started.map_err(|error| failed(error.to_string()))?;
        let run_id = run_id(|name| std::env::var(name).ok(), &text, started);
        let seed = config
            .load
            .given_seed()
            .unwrap_or_else(|| hash_text(&run_id));
        let mut say = |line: &str| {
            if audience == Audience::Person {
                notice(line);
            }
        };
        let prompts = PromptMaker::fetch(&config, seed, &run_id, &mut say).map_err(invalid)?;
        let data = source::fetch(&config, &mut say).map_err(invalid)?;
        let workload = Workload::new(
            prompts,
            &config,
            seed,
            &mut specs,
            trace.as_ref(),
            data.as_deref(),
        )
        .map_err(invalid)?;
        let warnings = files::make_room(&config, trace.as_ref());
        if audience == Audience::Person {
            for warning in warnings {
                notice(&format!("warning: {warning}"));
            }
        }
        let pod = pod(|name| std::env::var(name).ok());
        let occasion = Occasion {
            run_id: &run_id,
            started,
            pod: pod.as_deref(),
        };
        let folder = Folder::create(&config, occasion).map_err(failed)?;
        let uploads = match audience {
            Audience::Person => Uploads::of(&config, occasion),
            Audience::Program => None,
        };
        // A Job's CPUs are few and dear: as many threads as asked for, never more than there are CPUs.
        let asked = config
            .load
            .num_workers
            .map_or(usize::MAX, |asked| asked.max(1) as usize);
        let workers = asked.min(cpus());
        let environment = environment(workers);
        let host = pod.as_deref().unwrap_or(&environment.host);
        let prepared = Self {
            identity: identity(&run_id, host, started),
            environment,
            settings: Settings::from_config(&config),
            config,
            server,
            target,
            tls,
            api_key,
            run_id,
            seed,
            workers,
            folder,
            uploads,
            specs,
            audience,
            counters: Arc::default(),
        };
        let journal = None;
        Ok((prepared, Supplies { workload, journal }))
    }

    /// Takes the folder for this run, which may hold the results of an earlier one until then, and begins to write its files.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub(super) fn take_folder(&self) -> Result<Option<Journal>, String> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        folder.take()?;
        if folder.is_temporary() {
            let path = folder.path().display();
            self.tell(&format!("results are in {path} until they are uploaded"));
        }
        // Should the run be killed, it is known whose records are here, and by what config.
        folder.write(CONFIG, &config(self)?)?;
        journal(folder, &self.config).map(Some)
    }

    /// Says how the run gets on.
    pub(super) fn tell(&self, line: &str) {
        if self.audience == Audience::Person {
            notice(line);
        }
    }

    /// What all workers share. The run's time begins here.
    #[must_use]
    pub(super) fn shared(&self, ready: &Ready) -> Shared {
        let api = &self.config.api;
        Shared {
            origin: Origin::now(),
            addresses: match self.server.dns.unwrap_or_default() {
                Dns::Once => Addresses::once(ready.addresses.clone()),
                Dns::PerConnection => {
                    Addresses::per_connection(self.target.clone(), ready.addresses.clone())
                }
            },
            tls: self.tls.clone(),
            api: api.kind,
            adapters: Adapters::of(&self.config.load),
            streaming: api.streaming,
            reuse: api.connections.unwrap_or_default() == Connections::Reuse,
            total_limit: self.config.load.request_timeout().to_duration(),
            limits: api.timeouts.clone().unwrap_or_default(),
            per_request: self.config.request_lifecycle().per_request,
            counters: self.counters.clone(),
        }
    }

    /// What request bodies are made from.
    pub(super) fn recipe(&self, workload: Workload, ready: &Ready) -> Recipe {
        let to = Addressing {
            authority: &self.target.authority,
            path: &self.target.path,
            api_key: self.api_key.as_deref(),
        };
        Recipe {
            workload,
            template: RequestTemplate::new(&self.config, &self.server, &to, &ready.model),
            id_prefix: self.run_id.clone(),
        }
    }
}

/// The bearer key: the config's, else the environment's, without the line end that a Secret made by `echo` has.
fn api_key(server: &Server) -> Result<Option<String>, String> {
    let given = server.api_key.as_ref().map(|key| key.expose().to_owned());
    let key = given.or_else(|| std::env::var("OPENAI_API_KEY").ok());
    let key = key
        .map(|key| key.trim().to_owned())
        .filter(|key| !key.is_empty());
    match key {
        Some(key) if !key.chars().all(|c| c.is_ascii_graphic()) => {
            Err("the API key holds a space or a character that no header may have".to_owned())
        }
        key => Ok(key),
    }
}

fn journal(folder: &Folder, config: &Config) -> Result<Journal, String> {
    let per_request = config.request_lifecycle().per_request;
    let files = JournalFiles {
        records: folder.file(RECORDS),
        lifecycle: per_request.then(|| folder.file(LIFECYCLE)),
    };
    let name = files.records.display().to_string();
    Journal::start(&files).map_err(|error| format!("cannot create {name}: {error}"))
}
