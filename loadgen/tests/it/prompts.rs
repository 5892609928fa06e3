//! Prompts of exact length: with a tokenizer from a hub, and without one by the server's own count.

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};

use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran, by_shell};
use crate::server::{listen, models, read_request};

/// What a server of chats has been sent.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Value>>>);

/// What a server counts when it is asked.
#[derive(Clone, Copy, PartialEq)]
enum Counts {
    Chats,
    TextAlone,
    Nothing,
}

/// A server of chats: words of five letters are two tokens, the template of a chat is six.
fn server(counts: Counts, seen: Seen) -> SocketAddr {
    listen(move |_, mut stream| {
        let request = read_request(&mut stream);
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        if head.starts_with("GET") {
            models(&mut stream);
            return;
        }
        let body: Value = serde_json::from_str(body).unwrap();
        let reply = |stream: &mut std::net::TcpStream, status: u16, body: &str| {
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        };
        if head.starts_with("POST /tokenize ") && counts == Counts::Nothing {
            return reply(&mut stream, 404, "{}");
        }
        if head.starts_with("POST /tokenize ") {
            assert_eq!(body["model"], "m");
            match (body["prompt"].as_str(), &body["messages"][0]["content"]) {
                (Some(prompt), _) => reply(
                    &mut stream,
                    200,
                    &json!({"count": tokens(prompt)}).to_string(),
                ),
                (_, Value::String(content)) if counts == Counts::Chats => {
                    reply(
                        &mut stream,
                        200,
                        &json!({"count": tokens(content) + 6}).to_string(),
                    );
                }
                _ => reply(&mut stream, 422, "{}"),
            }
            return;
        }
        seen.0.lock().unwrap().push(body);
        let event = json!({"choices": [{"index": 0, "delta": {"content": "a"}}]});
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: {event}\n\ndata: [DONE]\n\n"
        );
    })
}

fn tokens(text: &str) -> usize {
    let of = |word: &str| if word.len() == 5 { 2 } else { 1 };
    text.split(' ').map(of).sum()
}

fn run(address: SocketAddr, patch: Value, env: &str) -> (Bench, Ran) {
    let bench = Bench::new(SimArgs::default());
    let mut config = bench.config(json!({
        "api": {"type": "chat"},
        "load": {"stages": [{"rate": 20, "duration": 1}]},
        "server": {"base_url": format!("http://{address}")}
    }));
    for (key, value) in patch.as_object().unwrap() {
        config[key] = value.clone();
    }
    let script = format!(
        "export HF_HOME={}/hf {env}; exec \"$@\"",
        bench.folder.path().display()
    );
    let wrapper: Command = by_shell(&script);
    let ran = bench.run_by(wrapper, &config, &[]).expect(0);
    (bench, ran)
}

#[test]
fn a_server_that_counts_takes_the_place_of_a_tokenizer() {
    let seen = Seen::default();
    let (_bench, ran) = run(server(Counts::Chats, seen.clone()), json!({}), "A=1");
    assert!(
        ran.stderr.contains("by the server's own count"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("warning: prompts"), "{}", ran.stderr);
    let seen = seen.0.lock().unwrap();
    assert_eq!(seen.len(), 20);
    for body in seen.iter() {
        assert_eq!(
            tokens(body["messages"][0]["content"].as_str().unwrap()) + 6,
            32
        );
    }
    assert_eq!(
        ran.report().run.prompts,
        "text of exact length by the server's own count"
    );
}

#[test]
fn a_server_that_does_not_count_chats_is_said_to_leave_them_inexact() {
    let seen = Seen::default();
    let (_bench, ran) = run(server(Counts::TextAlone, seen.clone()), json!({}), "A=1");
    assert!(
        ran.stderr.contains("POST /tokenize answers 422"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("without what the server adds"),
        "{}",
        ran.stderr
    );
    let seen = seen.0.lock().unwrap();
    for body in seen.iter() {
        assert_eq!(tokens(body["messages"][0]["content"].as_str().unwrap()), 32);
    }
}

#[test]
fn a_server_without_a_count_gets_words_and_a_warning() {
    let (_bench, ran) = run(server(Counts::Nothing, Seen::default()), json!({}), "A=1");
    assert!(
        ran.stderr
            .contains("warning: prompts are only about as long as asked"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("tokenizerPath"), "{}", ran.stderr);
    assert!(ran.report().run.prompts.contains("about"));
}

/// A hub with this tokenizer, and a template of two tokens.
fn hub(tokenizer: String) -> SocketAddr {
    listen(move |_, mut stream| {
        let request = read_request(&mut stream);
        let (status, body) = match request.split(' ').nth(1) {
            Some("/own/model/resolve/main/tokenizer.json") => (200, tokenizer.as_str()),
            // Of the same commit as the tokenizer.
            Some("/own/model/resolve/abc/chat_template.jinja") => {
                (200, "User: {{ messages[0].content }} Assistant:")
            }
            _ => (404, ""),
        };
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\nx-repo-commit: abc\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
    })
}

/// Every word that follows white space is a token.
fn tokenizer() -> String {
    let words = include_str!("../../src/plan/prompts/words.txt");
    let words: serde_json::Map<String, Value> = ["[UNK]"]
        .into_iter()
        .chain(words.split_whitespace())
        .zip(0..)
        .map(|(word, id)| (word.to_owned(), json!(id)))
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": null, "post_processor": null,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"}
    })
    .to_string()
}

#[test]
fn a_tokenizer_is_fetched_from_the_hub_that_the_environment_names() {
    let seen = Seen::default();
    let named = json!({"tokenizer": {"pretrained_model_name_or_path": "own/model"}});
    let env = format!("HF_ENDPOINT=http://{} HF_TOKEN=hf_secret", hub(tokenizer()));
    let (_bench, ran) = run(server(Counts::Chats, seen.clone()), named, &env);
    assert!(
        ran.stderr
            .contains("fetching tokenizer.json of own/model from http://127.0.0.1"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("hf_secret"));
    assert_eq!(
        ran.report().run.prompts,
        "text of exact length by own/model and its chat template"
    );
    let seen = seen.0.lock().unwrap();
    assert_eq!(seen.len(), 20);
    for body in seen.iter() {
        let content = body["messages"][0]["content"].as_str().unwrap();
        assert_eq!(content.split_whitespace().count() + 2, 32);
    }
}

#[test]
fn a_tokenizer_that_is_not_to_be_had_leaves_token_ids_and_says_why() {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({"tokenizer": {"pretrained_model_name_or_path": "own/model"}}));
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (env, words) in [
        (format!("HF_ENDPOINT=http://{closed}"), "cannot be reached"),
        ("HF_HUB_OFFLINE=1".to_owned(), "HF_HUB_OFFLINE is set"),
        (
            format!(
                "HF_ENDPOINT=http://{}",
                listen(|_, mut stream| {
                    read_request(&mut stream);
                    let _ = write!(
                        stream,
                        "HTTP/1.1 401 X\r\nx-error-code: GatedRepo\r\ncontent-length: 0\r\n\r\n"
                    );
                })
            ),
            "answers 401",
        ),
    ] {
        let script = format!(
            "export HF_HOME={}/hf {env}; exec \"$@\"",
            bench.folder.path().display()
        );
        let ran = bench.run_by(by_shell(&script), &config, &[]).expect(0);
        assert!(
            ran.stderr
                .contains("warning: the tokenizer own/model is not to be had"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(words), "no `{words}` in {}", ran.stderr);
        assert!(
            ran.stderr.contains("tokenizerPath") && ran.stderr.contains("token ids"),
            "{}",
            ran.stderr
        );
        assert!(
            ran.report()
                .run
                .prompts
                .starts_with("token ids, exact by count")
        );
    }
}
