use super::*;
use std::sync::atomic::Ordering;

use crate::plan::lengths::Lengths;
use crate::plan::prompt::Role;

fn config(json: serde_json::Value) -> Config {
    serde_json::from_value(json).unwrap()
}

fn synthetic(api: &str) -> Config {
    config(serde_json::json!({
        "api": {"type": api}, "data": {"type": "synthetic"}, "server": {"base_url": "http://a"}
    }))
}

fn text(made: &Made) -> &str {
    match &made.prompt {
        Prompt::Text(text) => text,
        Prompt::TokenIds(_) | Prompt::Messages(_) => panic!("not text: {made:?}"),
    }
}

#[test]
fn without_a_tokenizer_completions_get_exact_token_ids_and_chats_get_words() {
    let maker = PromptMaker::new(&synthetic("completion"), 1, "run").unwrap();
    let made = maker.make(0, 0, 100).unwrap();
    assert_eq!(made.tokens, Some(100));
    assert!(
        matches!(&made.prompt, Prompt::TokenIds(ids) if ids.len() == 100 && ids.iter().all(|id| COMMON_IDS.contains(id)))
    );
    assert!(!maker.wants_counter());
    let maker = PromptMaker::new(&synthetic("chat"), 1, "run").unwrap();
    let made = maker.make(0, 0, 100).unwrap();
    assert_eq!(made.tokens, None);
    assert_eq!(text(&made).split(' ').count(), 100);
    assert!(maker.describe().contains("about") && maker.wants_counter());
}

#[test]
fn the_start_differs_by_run_and_seed_and_the_rest_by_seed_only() {
    let ids = |seed, run: &str, stage, index| {
        let made = PromptMaker::new(&synthetic("completion"), seed, run)
            .unwrap()
            .make(stage, index, 64)
            .unwrap();
        match made.prompt {
            Prompt::TokenIds(ids) => ids,
            Prompt::Text(_) | Prompt::Messages(_) => Vec::new(),
        }
    };
    let first = ids(1, "a", 0, 0);
    assert_eq!(first, ids(1, "a", 0, 0));
    for other in [
        ids(1, "b", 0, 0),
        ids(2, "a", 0, 0),
        ids(1, "a", 1, 0),
        ids(1, "a", 0, 1),
    ] {
        assert_ne!(first[..SALTED], other[..SALTED]);
    }
    assert_eq!(first[SALTED..], ids(1, "b", 0, 0)[SALTED..]);
    assert_ne!(first[SALTED..], ids(2, "a", 0, 0)[SALTED..]);
}

#[test]
fn two_runs_whose_seeds_come_from_their_ids_share_no_start() {
    let start = |run: &str| {
        let maker = PromptMaker::new(&synthetic("completion"), random::hash_text(run), run);
        maker.unwrap().make(0, 0, 16).unwrap()
    };
    assert_ne!(start("run-a"), start("run-b"));
}

#[test]
fn salt_none_sends_the_same_bytes_in_every_run() {
    let folder = tempfile::tempdir().unwrap();
    tokenizer(folder.path(), Shape::default());
    for config in [synthetic("completion"), with(folder.path(), "chat")] {
        let mut config = config;
        config.data.salt = Some(Salt::None);
        let make = |run: &str| {
            PromptMaker::new(&config, 9, run)
                .unwrap()
                .make(0, 5, 300)
                .unwrap()
        };
        assert_eq!(make("a"), make("b"));
    }
}

/// How a small tokenizer splits text.
#[derive(Clone, Copy, Default)]
struct Shape {
    /// Whether it reads pairs of some words as one token, across the space.
    merges: bool,
    /// Whether a text of its own begins with a mark.
    marks: bool,
}

/// A tokenizer of a few hundred merges, written where `folder` is: bytes, cut as GPT-2 cuts them.
fn tokenizer(folder: &std::path::Path, shape: Shape) {
    // GPT-2's names of bytes: a space is U+0120.
    let name = |text: &str| text.replace(' ', "\u{120}");
    let mut vocabulary: Vec<String> = vec!["<s>".to_owned(), "<end>".to_owned()];
    vocabulary.extend((b'!'..=b'~').map(|byte| char::from(byte).to_string()));
    vocabulary.push(name(" "));
    vocabulary.extend(["\u{10a}", "\u{109}", "\u{10d}"].map(str::to_owned));
    let mut merges: Vec<String> = Vec::new();
    let mut join = |left: &str, right: &str, vocabulary: &mut Vec<String>| {
        let (whole, pair) = (format!("{left}{right}"), format!("{left} {right}"));
        if !vocabulary.contains(&whole) {
            vocabulary.push(whole.clone());
        }
        if !merges.contains(&pair) {
            merges.push(pair);
        }
        whole
    };
    // Some of the words whole, each letter by letter: first without the space, then with it.
    for word in words::Words::common().iter().filter(|word| word.len() < 5) {
        let mut built = word[..1].to_owned();
        for at in 1..word.len() {
            built = join(&built, &word[at..=at], &mut vocabulary);
        }
        join(&name(" "), &built, &mut vocabulary);
    }
    if shape.merges {
        for word in ["and", "the", "way"] {
            join(&name(" day"), &name(&format!(" {word}")), &mut vocabulary);
        }
    }
    let ids: serde_json::Map<String, serde_json::Value> = vocabulary
        .into_iter()
        .enumerate()
        .map(|(id, token)| (token, id.into()))
        .collect();
    let marks = serde_json::json!({"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}});
    let special = |id: u32, content: &str| {
        serde_json::json!({"id": id, "content": content, "special": true, "single_word": false,
            "lstrip": false, "rstrip": false, "normalized": false})
    };
    let tokenizer = serde_json::json!({
        "version": "1.0",
        // What a library would cut prompts to, and no server does.
        "truncation": {"direction": "Right", "max_length": 12, "strategy": "LongestFirst", "stride": 0},
        "padding": null, "normalizer": null,
        "added_tokens": [special(0, "<s>"), special(1, "<end>")],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": !shape.merges},
        "decoder": null,
        "post_processor": if shape.marks { marks } else { serde_json::Value::Null },
        "model": {"type": "BPE", "vocab": ids, "merges": merges}
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
}

/// A chat template of seven tokens: a mark, `user:`, the message, a mark, a line end.
fn template(folder: &std::path::Path) {
    let text = "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}<end>{% endfor %}\n{%- if add_generation_prompt %}{{ '\n' }}{% endif %}";
    let config = serde_json::json!({"bos_token": "<s>", "chat_template": text});
    std::fs::write(folder.join("tokenizer_config.json"), config.to_string()).unwrap();
}

fn with(folder: &std::path::Path, api: &str) -> Config {
    let mut config = synthetic(api);
    config.tokenizer = Some(bench_contract::config::Tokenizer {
        pretrained_model_name_or_path: Some(folder.display().to_string()),
        ..Default::default()
    });
    config
}

/// Makes prompts of many lengths, each exact by a tokenizer that knows nothing of how they were made; so many miss.
fn check(config: &Config, lengths: impl IntoIterator<Item = TokenCount>) -> (PromptMaker, usize) {
    let maker = PromptMaker::new(config, 1, "run").unwrap();
    assert!(maker.describe().contains("exact"), "{}", maker.describe());
    let chat = config.api.kind == ApiType::Chat;
    let own = ModelTokenizer::of(config, chat, None).ok().unwrap();
    let mut missed = 0;
    for (index, wanted) in (0..).zip(lengths) {
        let made = maker.make(0, index, wanted).unwrap();
        let text = text(&made);
        let message = Message {
            role: Role::User,
            content: text.to_owned(),
        };
        let chatted = chat.then(|| own.count_chat(&[message]).unwrap()).flatten();
        let counted = match (chatted, chat) {
            (Some(counted), _) => counted,
            (None, true) => own.count_within(text).unwrap(),
            (None, false) => own.count(text).unwrap(),
        };
        assert_eq!(made.tokens, TokenCount::try_from(counted).ok(), "{text}");
        missed += usize::from(counted != wanted as usize);
    }
    assert_eq!(maker.misses().load(Ordering::Relaxed), missed as u64);
    (maker, missed)
}

#[test]
fn with_a_tokenizer_text_is_exact_to_the_token_marks_included() {
    let folder = tempfile::tempdir().unwrap();
    for marks in [false, true] {
        tokenizer(
            folder.path(),
            Shape {
                marks,
                merges: false,
            },
        );
        let (_, missed) = check(
            &with(folder.path(), "completion"),
            [2, 3, 16, 17, 18, 100, 1000, 20_000],
        );
        assert_eq!(missed, 0);
    }
}

#[test]
fn a_chat_is_as_long_as_asked_with_its_template() {
    let folder = tempfile::tempdir().unwrap();
    tokenizer(folder.path(), Shape::default());
    template(folder.path());
    let config = with(folder.path(), "chat");
    let (maker, missed) = check(&config, 9..200);
    assert_eq!(missed, 0);
    assert!(maker.describe().ends_with("and its chat template"));
    let one = Message {
        role: Role::User,
        content: "the day".to_owned(),
    };
    let around = maker.overhead(std::slice::from_ref(&one)).unwrap().unwrap();
    assert_eq!(
        maker.overhead(&[one.clone(), one]).unwrap(),
        Some(around + (around - 2))
    );
    // Nothing is shorter than its template and a token, and that is counted.
    let (_, missed) = check(&config, [1, around, around + 1]);
    assert_eq!(missed, 2);
}

#[test]
fn a_template_that_refuses_is_said_and_the_content_counted() {
    let folder = tempfile::tempdir().unwrap();
    tokenizer(folder.path(), Shape::default());
    let template = folder.path().join("chat_template.jinja");
    std::fs::write(template, "{{ raise_exception('only tools') }}").unwrap();
    let mut said = String::new();
    let config = with(folder.path(), "chat");
    let maker = PromptMaker::fetch(&config, 1, "run", &mut |line| said.push_str(line)).unwrap();
    assert!(
        said.contains("warning: ") && said.contains("only tools"),
        "{said}"
    );
    assert_eq!(maker.make(0, 0, 50).unwrap().tokens, Some(50));
}

#[test]
fn tokens_across_spaces_are_counted_and_corrected() {
    let folder = tempfile::tempdir().unwrap();
    tokenizer(
        folder.path(),
        Shape {
            merges: true,
            marks: true,
        },
    );
    let (_, missed) = check(&with(folder.path(), "completion"), 20..120);
    assert!(missed <= 2, "{missed} of 100");
}

#[test]
fn prose_of_ones_own_is_used_and_need_not_have_spaces() {
    let folder = tempfile::tempdir().unwrap();
    tokenizer(folder.path(), Shape::default());
    let path = folder.path().join("prose.txt");
    let mut config = with(folder.path(), "completion");
    config.data.corpus_file_path = Some(path.display().to_string());
    std::fs::write(&path, "the day was long.\n\nAnd so\twas zebra").unwrap();
    let (maker, missed) = check(&config, 17..200);
    assert_eq!(missed, 0);
    assert!(
        text(&maker.make(0, 0, 200).unwrap()).contains(" long.\n\nAnd so\twas zebra the day was")
    );
    // A sentence of many tokens without any space.
    std::fs::write(&path, "abcdefghijklmnopqrstuvwxyz".repeat(40)).unwrap();
    let (_, missed) = check(&config, 17..200);
    assert_eq!(missed, 0);
}

#[test]
fn text_begins_with_words_of_the_run_and_goes_on_with_prose_of_the_seed() {
    let folder = tempfile::tempdir().unwrap();
    tokenizer(folder.path(), Shape::default());
    let config = with(folder.path(), "completion");
    let make = |seed, run: &str| {
        let made = PromptMaker::new(&config, seed, run)
            .unwrap()
            .make(0, 3, 400)
            .unwrap();
        let text = text(&made).to_owned();
        let words: Vec<&str> = text.split(' ').collect();
        (words[..SALTED].join(" "), words[SALTED..].join(" "))
    };
    let (start, rest) = make(1, "a");
    assert!(
        pieces::prose(None).unwrap().repeat(2).contains(&rest[..80]),
        "{rest}"
    );
    assert_eq!(make(1, "b").1, rest);
    for (other, _) in [make(1, "b"), make(2, "a")] {
        assert_ne!(other, start);
    }
    assert_ne!(make(2, "a").1, rest);
}

#[test]
fn messages_and_parts_are_made_without_what_is_around_them() {
    let folder = tempfile::tempdir().unwrap();
    tokenizer(
        folder.path(),
        Shape {
            marks: true,
            merges: false,
        },
    );
    let config = with(folder.path(), "completion");
    let maker = PromptMaker::new(&config, 1, "run").unwrap();
    let own = ModelTokenizer::of(&config, false, None).ok().unwrap();
    let (text, counted) = maker.content(Purpose::Prompt, 0, 0, 77).unwrap().unwrap();
    assert_eq!((own.count_within(&text).unwrap(), counted), (77, Some(77)));
}

#[test]
fn a_tokenizer_path_that_is_not_there_is_named() {
    let error = PromptMaker::new(&with("/no/such/tokenizer".as_ref(), "completion"), 1, "run");
    let error = error.err().unwrap();
    assert!(error.contains("/no/such/tokenizer"), "{error}");
}

/// The tokenizer of a real model, named in `REAL_TOKENIZER`: a folder with its `tokenizer.json`. Reports what it takes.
#[test]
#[ignore = "needs REAL_TOKENIZER=FOLDER"]
fn a_real_tokenizer_is_met_to_the_token() {
    let folder = std::env::var_os("REAL_TOKENIZER").expect("REAL_TOKENIZER names a folder");
    let production = config(serde_json::json!({"data": {"type": "synthetic",
        "input_distribution": {"mean": 1024, "std_dev": 512, "min": 128, "max": 4096}}}));
    let lengths = Lengths::from_config(production.data.input_distribution.as_ref().unwrap());
    for api in ["completion", "chat"] {
        let config = with(folder.as_ref(), api);
        let begun = crate::clock::Instant::now();
        let maker = PromptMaker::new(&config, 1, "run").unwrap();
        let loaded = crate::clock::Instant::now();
        for index in 0..1000 {
            let wanted = lengths.draw(1, 0, Purpose::InputLength, index);
            maker.make(0, index, wanted).unwrap();
        }
        let made = crate::clock::Instant::now();
        println!(
            "{api}: {}; loaded in {} ms, 1000 prompts in {} ms",
            maker.describe(),
            loaded.since(begun) / 1_000_000,
            made.since(loaded) / 1_000_000
        );
        let drawn = (0..1000).map(|index| lengths.draw(1, 0, Purpose::InputLength, index));
        let (_, missed) = check(&config, drawn);
        assert_eq!(missed, 0, "{api}");
    }
}
