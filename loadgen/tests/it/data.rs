//! Data sets and common prefixes: what is sent is what is in them, and what is wrong with them is said before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran};
use crate::loads::only_stage;

/// Bodies of requests, in order of schedule.
pub(crate) fn bodies(ran: &Ran) -> Vec<Value> {
    let entries = ran.json("per_request_lifecycle_metrics.json");
    let body = |entry: &Value| serde_json::from_str(entry["request"].as_str().unwrap()).unwrap();
    entries.as_array().unwrap().iter().map(body).collect()
}

/// A config whose prompts come from a file of this name and text.
fn of_file(bench: &Bench, kind: &str, name: &str, text: &str, patch: Value) -> Value {
    let file = bench.folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    let mut config = bench.config(json!({
        "load": {"seed": 5, "stages": [{"rate": 20, "duration": 0.5}]},
        "report": {"request_lifecycle": {"per_request": true}}
    }));
    config["data"] = json!({"type": kind, "path": file, "salt": "none"});
    crate::bench::merge(&mut config, patch);
    config
}

fn lines(count: usize) -> String {
    (0..count)
        .map(|n| {
            format!(
                "{{\"prompt\": \"question number {n}\", \"max_tokens\": {}}}\n",
                n % 5 + 1
            )
        })
        .collect()
}

#[test]
fn each_line_is_sent_once_with_its_own_length_and_keys() {
    let bench = Bench::new(SimArgs::default());
    let mut text = lines(9);
    text.push_str("{\"body\": {\"prompt\": \"from a batch\", \"max_tokens\": 3, \"temperature\": 0.5, \"model\": \"other\"}}\n");
    let config = of_file(&bench, "jsonl", "a.jsonl", &text, json!({}));
    let ran = bench.run(&config, &[]).expect(0);
    let bodies = bodies(&ran);
    let prompts: BTreeSet<&str> = bodies
        .iter()
        .map(|body| body["prompt"].as_str().unwrap())
        .collect();
    assert_eq!(prompts.len(), 10);
    let batch = bodies
        .iter()
        .find(|body| body["prompt"] == "from a batch")
        .unwrap();
    assert_eq!(
        (&batch["temperature"], &batch["max_tokens"], &batch["model"]),
        (&json!(0.5), &json!(3), &json!("sim"))
    );
    let stage = only_stage(&ran);
    assert_eq!(stage.lengths.output_mismatches, 0);
    // Guessed lengths are no counts of the client's.
    assert!(
        ran.records()
            .iter()
            .all(|record| record.input_tokens.is_none())
    );
    assert!(ran.stdout.contains("10 ok"), "{}", ran.stdout);
}

#[test]
fn stages_go_on_where_the_one_before_has_ended() {
    let bench = Bench::new(SimArgs::default());
    let stages = json!({"load": {"stages": [{"rate": 20, "duration": 0.25}, {"rate": 20, "duration": 0.25}]}});
    let config = of_file(&bench, "jsonl", "a.jsonl", &lines(10), stages);
    let ran = bench.run(&config, &[]).expect(0);
    let prompts: BTreeSet<String> = bodies(&ran)
        .iter()
        .map(|body| body["prompt"].to_string())
        .collect();
    assert_eq!(prompts.len(), 10);
}

#[test]
fn one_seed_sends_the_same_entries_in_the_same_order_whatever_the_workers() {
    let sent = |workers: u32, seed: u64| {
        let bench = Bench::new(SimArgs::default());
        let patch =
            json!({"load": {"seed": seed, "num_workers": workers}, "data": {"salt": "none"}});
        let config = of_file(&bench, "jsonl", "a.jsonl", &lines(40), patch);
        let ran = bench.run(&config, &[]).expect(0);
        let mut records = ran.records();
        records.sort_by_key(|record| record.index);
        let asked: Vec<(u32, u32)> = records
            .iter()
            .map(|record| (record.input_tokens_asked, record.output_tokens_asked))
            .collect();
        let mut bodies: Vec<String> = bodies(&ran).iter().map(Value::to_string).collect();
        bodies.sort();
        (asked, bodies)
    };
    let first = sent(1, 7);
    assert_eq!(first, sent(2, 7));
    assert_ne!(first.1, sent(1, 8).1);
}

#[test]
fn entries_begin_anew_in_each_run_unless_salt_is_none() {
    let bench = Bench::new(SimArgs::default());
    let starts = || {
        let salted = json!({"data": {"salt": "run"}});
        let config = of_file(&bench, "jsonl", "a.jsonl", &lines(10), salted);
        let ran = bench.run(&config, &[]).expect(0);
        let bodies = bodies(&ran);
        let prompts = bodies.iter().map(|body| body["prompt"].as_str().unwrap());
        let starts = prompts
            .map(|prompt| {
                let (salt, question) = prompt.split_once('\n').unwrap();
                assert!(question.starts_with("question number"), "{prompt}");
                salt.to_owned()
            })
            .collect::<BTreeSet<String>>();
        (ran.report().run.id, starts)
    };
    let (id, first) = starts();
    // Two runs that begin within one second are one to their ids.
    let second = loop {
        let (other, second) = starts();
        if other != id {
            break second;
        }
    };
    assert_eq!((first.len(), second.len()), (10, 10));
    assert!(first.is_disjoint(&second));
}

#[test]
fn a_closed_loop_needs_as_many_entries_as_are_known_and_says_when_it_comes_round() {
    let bench = Bench::new(SimArgs::default());
    let closed = |stage: Value, count: usize| {
        let mut config = of_file(&bench, "jsonl", "a.jsonl", &lines(count), json!({}));
        config["load"] = json!({"type": "concurrent", "num_workers": 1, "interval": 0,
            "warmup": {"duration": 0.1}, "stages": [stage]});
        config
    };
    let by_number = json!({"concurrency_level": 2, "num_requests": 20});
    let ran = bench.run(&closed(by_number, 10), &[]).expect(3);
    assert!(
        ran.stderr.contains("the run has at least 21 requests"),
        "{}",
        ran.stderr
    );
    let by_the_clock = json!({"concurrency_level": 2, "duration": 1});
    let ran = bench.run(&closed(by_the_clock, 5), &[]).expect(0);
    assert!(
        ran.stderr.contains("more requests than entries"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_user_who_thinks_keeps_the_lane_and_a_stop_leaves_the_run_partial() {
    let bench = Bench::new(SimArgs::default());
    let mut config = bench.config(json!({"api": {"type": "chat"}}));
    config["load"] = json!({"type": "concurrent", "num_workers": 1, "interval": 0,
        "stages": [{"concurrency_level": 3, "duration": 2}]});
    config["data"] = json!({"type": "shared_prefix",
        "multi_turn": {"max_turns": 4, "think_time": 100, "think_time_type": "fixed"},
        "shared_prefix": {"num_groups": 2, "system_prompt_len": 20, "question_len": 5, "output_len": 2}});
    let ran = bench.run(&config, &[]).expect(0);
    let talks = only_stage(&ran).conversations.unwrap();
    assert_eq!((talks.begun, talks.cut), (3, 3));

    config["load"]["stages"] = json!([{"concurrency_level": 3, "num_requests": 3}]);
    let mut child = bench.start(&config);
    let begun = bench.results().join("report.json");
    let records =
        || std::fs::read_to_string(&begun).is_ok_and(|text| text.contains("\"stage\": 0"));
    for _ in 0..1000 {
        if records() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // All conversations have begun by then, and every user thinks.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none());
    crate::ends::signal(&child, "TERM");
    let ran = bench.wait(child).expect(8);
    let stage = only_stage(&ran);
    assert!(stage.counts.is_conserved());
    assert!(stage.conversations.is_none_or(|talks| talks.completed == 0));
}

const TALK: &str = r#"[{"id": "a", "conversations": [
    {"from": "system", "value": "be brief"},
    {"from": "human", "value": "first question"}, {"from": "gpt", "value": "recorded answer one"},
    {"from": "human", "value": "second question"}, {"from": "gpt", "value": "recorded answer two"},
    {"from": "human", "value": "third question"}, {"from": "gpt", "value": "recorded answer three"}]}]"#;

#[test]
fn of_a_conversation_the_first_exchange_is_sent_unless_turns_are_asked_for() {
    let bench = Bench::new(SimArgs::default());
    let patch =
        json!({"api": {"type": "chat"}, "load": {"stages": [{"rate": 10, "duration": 0.1}]}});
    let config = of_file(&bench, "shareGPT", "a.json", TALK, patch);
    let ran = bench.run(&config, &[]).expect(0);
    assert_eq!(
        bodies(&ran)[0]["messages"],
        json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "first question"}])
    );
    // 19 characters of the recorded answer.
    assert_eq!(ran.records()[0].output_tokens, Some(5));
}

#[test]
fn turns_carry_the_servers_own_answers() {
    let bench = Bench::new(SimArgs::default());
    let patch = json!({"api": {"type": "chat"}, "data": {"multi_turn": {"think_time": "50ms"}, "reuse": true},
        "load": {"stages": [{"rate": 0.4, "duration": 5}], "num_workers": 1}});
    let config = of_file(&bench, "shareGPT", "a.json", TALK, patch);
    let ran = bench.run(&config, &[]).expect(0);
    let mut bodies = bodies(&ran);
    bodies.sort_by_key(|body| body["messages"].as_array().unwrap().len());
    let roles = |body: &Value| -> Vec<String> {
        let messages = body["messages"].as_array().unwrap();
        messages
            .iter()
            .map(|message| message["role"].as_str().unwrap().to_owned())
            .collect()
    };
    let last = bodies.last().unwrap();
    assert_eq!(
        roles(last),
        ["system", "user", "assistant", "user", "assistant", "user"]
    );
    let said = last["messages"].as_array().unwrap();
    assert_eq!(said[3]["content"], "second question");
    for place in [2, 4] {
        let answer = said[place]["content"].as_str().unwrap();
        assert!(
            !answer.contains("recorded") && !answer.is_empty(),
            "{answer}"
        );
    }
    let mut records = ran.records();
    records.sort_by_key(|record| (record.session, record.turn));
    assert_eq!(
        records
            .iter()
            .map(|r| (r.session, r.turn, r.turns, r.index))
            .collect::<Vec<_>>()[..3],
        [
            (Some(0), Some(0), Some(3), 0),
            (Some(0), Some(1), Some(3), 1),
            (Some(0), Some(2), Some(3), 2)
        ]
    );
    for pair in records
        .windows(2)
        .filter(|pair| pair[0].session == pair[1].session)
    {
        assert!(pair[1].scheduled_ns >= pair[0].last_token_ns.unwrap());
    }
    let talks = only_stage(&ran).conversations.unwrap();
    assert_eq!((talks.begun, talks.completed, talks.failed), (2, 2, 0));
    assert!(
        ran.stdout.contains("2 conversations begun"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_turn_that_fails_ends_its_conversation_and_all_are_accounted_for() {
    let bench = Bench::new(SimArgs {
        fault_500: 0.3,
        ..SimArgs::default()
    });
    let mut config = bench.config(
        json!({"api": {"type": "chat"}, "load": {"type": "poisson", "seed": 3,
        "stages": [{"rate": 60, "duration": 1}]}}),
    );
    config["data"] = json!({"type": "conversation_replay", "conversation_replay": {"num_conversations": 50,
        "shared_system_prompt_len": 20, "turns_per_conversation": {"type": "uniform", "min": 1, "max": 4},
        "input_tokens_per_turn": {"mean": 10, "std_dev": 0, "min": 10, "max": 10},
        "output_tokens_per_turn": {"mean": 4, "std_dev": 0, "min": 4, "max": 4}}});
    let ran = bench.run(&config, &[]);
    let stage = only_stage(&ran);
    assert!(stage.counts.is_conserved());
    let talks = stage.conversations.unwrap();
    assert_eq!(talks.begun, talks.completed + talks.failed + talks.cut);
    assert_eq!(talks.failed, stage.counts.sent - stage.counts.ok());
    assert!(talks.failed > 0 && talks.completed > 0, "{talks:?}");
    let records = ran.records();
    let mut turns: BTreeMap<u64, Vec<(u32, bool)>> = BTreeMap::new();
    for record in &records {
        let ok = record.outcome == bench_contract::Outcome::Ok;
        turns
            .entry(record.session.unwrap())
            .or_default()
            .push((record.turn.unwrap(), ok));
    }
    for (session, mut turns) in turns {
        turns.sort_unstable();
        let numbers: Vec<u32> = turns.iter().map(|(turn, _)| *turn).collect();
        assert_eq!(
            numbers,
            (0..turns.len() as u32).collect::<Vec<_>>(),
            "{session}"
        );
        // Only the last one may have failed.
        assert!(
            turns[..turns.len() - 1].iter().all(|(_, ok)| *ok),
            "{session}"
        );
    }
}

#[test]
fn a_closed_loop_holds_so_many_conversations_at_once() {
    let bench = Bench::new(SimArgs::default());
    let mut config = bench.config(json!({"api": {"type": "chat"}}));
    config["load"] = json!({"type": "concurrent", "num_workers": 2, "interval": 0,
        "stages": [{"concurrency_level": 3, "num_requests": 7}]});
    config["data"] = json!({"type": "shared_prefix", "multi_turn": {"max_turns": 4},
        "shared_prefix": {"num_groups": 2, "num_prompts_per_group": 5, "system_prompt_len": 20,
            "question_len": 5, "output_len": 4}});
    let ran = bench.run(&config, &[]).expect(0);
    let stage = only_stage(&ran);
    let talks = stage.conversations.unwrap();
    assert_eq!(
        (talks.begun, talks.completed, stage.counts.sent),
        (7, 7, 28)
    );
    assert!(stage.health.in_flight_max <= 3);
}

#[test]
fn groups_share_their_prefix_and_nothing_else() {
    let bench = Bench::new(SimArgs {
        prefix_cache: true,
        ..SimArgs::default()
    });
    let mut config = bench.config(json!({"api": {"type": "chat"},
        "report": {"request_lifecycle": {"per_request": true}}}));
    config["data"] = json!({"type": "shared_prefix", "shared_prefix": {"num_groups": 5,
        "num_prompts_per_group": 10, "system_prompt_len": 40, "question_len": 12, "output_len": 3}});
    let ran = bench.run(&config, &[]).expect(0);
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for body in bodies(&ran) {
        let said = body["messages"].as_array().unwrap();
        assert_eq!(
            (&said[0]["role"], &said[1]["role"]),
            (&json!("system"), &json!("user"))
        );
        groups
            .entry(said[0]["content"].to_string())
            .or_default()
            .insert(said[1]["content"].to_string());
    }
    assert_eq!(groups.len(), 5);
    assert!(groups.values().all(|questions| questions.len() == 10));
    let report = ran.report();
    let lengths = &report.stages[0].lengths;
    let (cached, prompts) = (
        lengths.input_cached.unwrap(),
        lengths.input_server.as_ref().unwrap().total,
    );
    assert!(cached > 0 && !lengths.cached_unasked);
    // Both sides count the same tokens.
    let server = report.server_metrics.unwrap();
    let rate = server.stages[0].prefix_hit_rate.unwrap();
    assert!(
        (rate - cached as f64 / prompts as f64).abs() < 1e-6,
        "{rate}: {cached} of {prompts}"
    );
}

#[test]
fn a_cache_that_nobody_asked_for_is_noticed() {
    let bench = Bench::new(SimArgs {
        prefix_cache: true,
        ..SimArgs::default()
    });
    let config = bench.config(json!({"data": {"salt": "none"}, "load": {"seed": 3}}));
    let first = bench.run(&config, &[]).expect(0);
    assert!(!only_stage(&first).lengths.cached_unasked);
    let second = bench.run(&config, &[]).expect(0);
    assert!(only_stage(&second).lengths.cached_unasked);
    let words: Vec<&str> = second.stdout.split_whitespace().collect();
    let said = words.join(" ");
    assert!(said.contains("the workload did not ask for"), "{said}");
    let config = bench.config(json!({"load": {"seed": 3}}));
    let salted = bench.run(&config, &[]).expect(0);
    assert!(!only_stage(&salted).lengths.cached_unasked);
}

#[test]
fn blocks_of_one_name_are_the_same_tokens() {
    let bench = Bench::new(SimArgs::default());
    let file = bench.folder.path().join("trace.jsonl");
    let text = r#"{"timestamp": 0, "input_length": 1100, "output_length": 3, "hash_ids": [1, 2, 3]}
{"timestamp": 20, "input_length": 1024, "output_length": 4, "hash_ids": [1, 2]}
{"timestamp": 40, "input_length": 600, "output_length": 5, "hash_ids": [9, 2]}
"#;
    std::fs::write(&file, text).unwrap();
    let mut config = bench.config(json!({"report": {"request_lifecycle": {"per_request": true}}}));
    config["load"] = json!({"type": "trace_replay", "trace": {"file": file, "format": "Mooncake"}});
    config["data"] = json!({"type": "random"});
    let ran = bench.run(&config, &[]).expect(0);
    let mut prompts: Vec<Vec<u64>> = bodies(&ran)
        .iter()
        .map(|body| serde_json::from_value(body["prompt"].clone()).unwrap())
        .collect();
    prompts.sort_by_key(Vec::len);
    let [third, second, first] = &prompts[..] else {
        panic!("{}", prompts.len())
    };
    assert_eq!((first.len(), second.len(), third.len()), (1100, 1024, 600));
    assert_eq!(first[..1024], second[..]);
    assert_ne!(first[..512], third[..512]);
    assert_eq!(first[512..600], third[512..600]);
}

#[test]
fn wrong_data_is_told_with_its_place_and_nothing_is_sent() {
    let mut bench = Bench::new(SimArgs::default());
    let broken = format!("{}{{\"prompt\": }}\n", lines(16));
    for (kind, name, text, expected) in [
        (
            "jsonl",
            "b.jsonl",
            broken.as_str(),
            "b.jsonl, line 17: expected value",
        ),
        (
            "jsonl",
            "c.jsonl",
            "",
            "c.jsonl: it holds no entry that could be sent",
        ),
        (
            "jsonl",
            "d.jsonl",
            "{\"question\": \"x\"}",
            "d.jsonl, line 1: it has neither `prompt` nor `messages`",
        ),
        (
            "jsonl",
            "e.jsonl",
            &lines(3),
            "e.jsonl: 3 entries can be sent, and the run has 10 requests; shorten the run",
        ),
        (
            "jsonl",
            "f.jsonl",
            "{\"prompt\": \"x\"}\n",
            "set data.reuse: true",
        ),
        (
            "shareGPT",
            "g.json",
            "[{\"id\": 1}]",
            "g.json, line 1: it has no `conversations`",
        ),
        (
            "shareGPT",
            "h.json",
            "[",
            "h.json, line 1: the file ends within the array",
        ),
    ] {
        let config = of_file(&bench, kind, name, text, json!({}));
        let ran = bench.run(&config, &[]).expect(3);
        assert!(ran.stderr.contains(expected), "{expected}\n{}", ran.stderr);
        assert!(ran.stdout.is_empty());
    }
    let endless = of_file(
        &bench,
        "jsonl",
        "i.jsonl",
        &"{\"prompt\": \"x\"}\n".repeat(20),
        json!({}),
    );
    let ran = bench.run(&endless, &[]).expect(3);
    assert!(
        ran.stderr
            .contains("nothing says how long the reply is to be"),
        "{}",
        ran.stderr
    );
    assert_eq!(bench.truth().len(), 0);
}
