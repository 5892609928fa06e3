//! A simulator, a folder, and a run of the program.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use bench_contract::{Report, RequestRecord};
use bench_sim::{Sim, SimArgs};
use serde_json::{Value, json};

/// The program.
pub(crate) const LOADGEN: &str = env!("CARGO_BIN_EXE_loadgen");

/// A command that runs `script` in namespaces of its own (`flags` of unshare), to which the program and its arguments are to
/// be added as `"$@"`; `None`, with a word about it, where the system does not let one.
#[expect(clippy::print_stderr, reason = "whoever runs the tests should know")]
pub(crate) fn unshared(flags: &str, script: &str) -> Option<Command> {
    let make = |script: &str| {
        let mut command = Command::new("unshare");
        command.args([flags, "sh", "-c", script, "sh"]);
        command
    };
    let works = make("true")
        .output()
        .is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("skipped: no namespaces here");
    }
    works.then(|| make(script))
}

/// A command that runs `script`, to which the program and its arguments are to be added as `"$@"`.
pub(crate) fn by_shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]);
    command
}

/// A simulator and a folder for one test.
pub(crate) struct Bench {
    pub sim: Option<Sim>,
    pub folder: tempfile::TempDir,
}

/// What a run left behind.
pub(crate) struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub results: PathBuf,
}

impl Bench {
    /// A simulator with a truth log.
    pub(crate) fn new(args: SimArgs) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let args = SimArgs {
            listen: "127.0.0.1:0".to_owned(),
            truth: Some(folder.path().join("truth.jsonl")),
            ..args
        };
        Self {
            sim: Some(Sim::start(args).unwrap()),
            folder,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.sim.as_ref().unwrap().addr())
    }

    /// A config for the simulator: synthetic prompts of 32 tokens, replies of 8, `patch` laid over it.
    pub(crate) fn config(&self, patch: Value) -> Value {
        let mut config = json!({
            "api": {"type": "completion", "streaming": true},
            "data": {"type": "synthetic",
                "input_distribution": {"mean": 32, "std_dev": 0, "min": 32, "max": 32},
                "output_distribution": {"mean": 8, "std_dev": 0, "min": 8, "max": 8}},
            "load": {"type": "constant", "stages": [{"rate": 50, "duration": 1}], "interval": 0, "num_workers": 2},
            "server": {"type": "vllm", "base_url": self.url(), "ready_timeout": 20},
        });
        merge(&mut config, patch);
        config
    }

    fn command(&self, config: &Value, args: &[&str]) -> Command {
        self.complete(Command::new(LOADGEN), config, args)
    }

    /// The rest of a command that begins with the program.
    fn complete(&self, mut command: Command, config: &Value, args: &[&str]) -> Command {
        let file = self.folder.path().join("config.yml");
        std::fs::write(&file, config.to_string()).unwrap();
        command
            .arg("-c")
            .arg(file)
            .arg("--storage.local_storage.path")
            .arg(self.results())
            .args(args);
        if !args.contains(&"--fail-on") {
            // Whether the generator keeps its schedule is this machine's affair, not the test's.
            command.args(["--fail-on", "slo,inconclusive,error"]);
        }
        command
            .current_dir(self.folder.path())
            .env_remove("OPENAI_API_KEY")
            .env_remove("JOB_NAME")
            .env_remove("KUBERNETES_SERVICE_HOST");
        command
    }

    pub(crate) fn results(&self) -> PathBuf {
        self.folder.path().join("results")
    }

    /// Runs a config to its end.
    pub(crate) fn run(&self, config: &Value, args: &[&str]) -> Ran {
        self.ran(self.command(config, args).output().unwrap())
    }

    /// Runs a config to its end, started by `wrapper`.
    pub(crate) fn run_by(&self, mut wrapper: Command, config: &Value, args: &[&str]) -> Ran {
        wrapper.arg(LOADGEN);
        self.ran(self.complete(wrapper, config, args).output().unwrap())
    }

    /// Starts a run by `wrapper`.
    pub(crate) fn start_by(&self, mut wrapper: Command, config: &Value) -> Child {
        wrapper.arg(LOADGEN);
        self.complete(wrapper, config, &[])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Starts a run.
    pub(crate) fn start(&self, config: &Value) -> Child {
        self.start_with(config, &[])
    }

    /// Starts a run with these arguments.
    pub(crate) fn start_with(&self, config: &Value, args: &[&str]) -> Child {
        self.command(config, args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits for a run that was started.
    pub(crate) fn wait(&self, child: Child) -> Ran {
        self.ran(child.wait_with_output().unwrap())
    }

    fn ran(&self, output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            results: self.results(),
        }
    }

    /// The truth, a line a request; stops the simulator.
    pub(crate) fn truth(&mut self) -> Vec<Value> {
        drop(self.sim.take());
        let text = std::fs::read_to_string(self.folder.path().join("truth.jsonl")).unwrap();
        text.lines()
            .skip(1)
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn report(&self) -> Report {
        let file = self.results.join("report.json");
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.stderr));
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.results.join(name)).unwrap()).unwrap()
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        let lines = zstd_lines(&self.results.join("requests.jsonl.zst"));
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

fn zstd_lines(file: &Path) -> Vec<String> {
    let text = zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap();
    String::from_utf8(text)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Lays `patch` over `value`: maps merge, everything else replaces.
pub(crate) fn merge(value: &mut Value, patch: Value) {
    match (value, patch) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, part) in from {
                merge(into.entry(key).or_insert(Value::Null), part);
            }
        }
        (value, patch) => *value = patch,
    }
}
