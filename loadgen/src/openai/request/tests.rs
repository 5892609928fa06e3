use bench_contract::config::ServerType;

use super::*;

const SERVERS: [ServerType; 5] = [
    ServerType::Vllm,
    ServerType::Sglang,
    ServerType::Tgi,
    ServerType::Openai,
    ServerType::Mock,
];

fn template(config: Value) -> RequestTemplate {
    let config: Config = serde_json::from_value(config).unwrap();
    let server = config.server.clone().unwrap();
    let to = Addressing {
        authority: "h:1",
        path: "",
        api_key: Some("k"),
    };
    RequestTemplate::new(&config, &server, &to, "m\"x")
}

fn config(server: ServerType, api: &str, streaming: bool) -> Value {
    json!({"api": {"type": api, "streaming": streaming}, "server": {"type": server, "base_url": "http://h:1"}})
}

fn ask(prompt: &Prompt) -> Ask<'_> {
    Ask {
        id: "id-1",
        prompt,
        extra: None,
        adapter: None,
        output_tokens: 5,
    }
}

/// Head and body, as text.
fn sent(template: &RequestTemplate, ask: &Ask<'_>) -> (String, String) {
    let (bytes, length) = template.request(ask);
    let (head, body) = bytes.split_at(bytes.len() - length);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(head), text(body))
}

fn body(template: &RequestTemplate, ask: &Ask<'_>) -> String {
    sent(template, ask).1
}

fn messages() -> Prompt {
    let of = |role, content: &str| Message {
        role,
        content: content.to_owned(),
    };
    Prompt::Messages(vec![
        of(Role::System, "be brief"),
        of(Role::User, "one"),
        of(Role::Assistant, "two"),
        of(Role::User, "three"),
    ])
}

/// The body that each server gets on each API, to the byte.
#[test]
fn every_server_gets_the_keys_that_it_takes() {
    let prompt = Prompt::Text("say \"hi\"".to_owned());
    let text = r#""say \"hi\"""#;
    let user = format!(r#"[{{"role":"user","content":{text}}}]"#);
    let usage = r#""stream_options":{"include_usage":true}"#;
    let own = format!(r#""max_tokens":5,"ignore_eos":true,"stream":true,{usage},"min_tokens":5"#);
    for (servers, api, expected) in [
        (
            &[ServerType::Vllm, ServerType::Sglang, ServerType::Mock][..],
            "completion",
            format!(r#""prompt":{text},{own}"#),
        ),
        (
            &[ServerType::Tgi],
            "completion",
            format!(r#""prompt":{text},"max_tokens":5,"stream":true"#),
        ),
        (
            &[ServerType::Openai],
            "completion",
            format!(r#""prompt":{text},"max_tokens":5,"stream":true,{usage}"#),
        ),
        (
            &[ServerType::Vllm, ServerType::Sglang, ServerType::Mock],
            "chat",
            format!(r#""messages":{user},{own}"#),
        ),
        (
            &[ServerType::Tgi],
            "chat",
            format!(r#""messages":{user},"max_tokens":5,"stream":true,{usage}"#),
        ),
        (
            &[ServerType::Openai],
            "chat",
            format!(r#""messages":{user},"max_completion_tokens":5,"stream":true,{usage}"#),
        ),
        (
            &[ServerType::Vllm, ServerType::Mock],
            "responses",
            format!(r#""input":{text},"max_output_tokens":5,"ignore_eos":true,"stream":true"#),
        ),
        (
            &[ServerType::Sglang, ServerType::Openai, ServerType::Tgi],
            "responses",
            format!(r#""input":{text},"max_output_tokens":5,"stream":true"#),
        ),
        (
            &SERVERS,
            "anthropic_messages",
            format!(r#""messages":{user},"max_tokens":5,"stream":true"#),
        ),
        (&SERVERS, "embeddings", format!(r#""input":{text}"#)),
    ] {
        for &server in servers {
            let template = template(config(server, api, true));
            let expected = format!(r#"{{"model":"m\"x",{expected}}}"#);
            assert_eq!(body(&template, &ask(&prompt)), expected, "{server:?} {api}");
        }
    }
}

#[test]
fn where_the_end_of_a_text_counts_nothing_is_said_of_a_least_length() {
    let mut config = config(ServerType::Vllm, "completion", false);
    config["server"]["ignore_eos"] = false.into();
    let prompt = Prompt::TokenIds(vec![1, 22, 333]);
    assert_eq!(
        body(&template(config), &ask(&prompt)),
        r#"{"model":"m\"x","prompt":[1,22,333],"max_tokens":5,"ignore_eos":false,"stream":false}"#
    );
}

#[test]
fn each_api_has_its_own_form_of_a_conversation() {
    let body = |api| {
        let text = body(
            &template(config(ServerType::Tgi, api, false)),
            &ask(&messages()),
        );
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let said = json!([{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}, {"role": "user", "content": "three"}]);
    let mut all = said.clone();
    let system = json!({"role": "system", "content": "be brief"});
    all.as_array_mut().unwrap().insert(0, system);
    assert_eq!(body("chat")["messages"], all);
    assert_eq!(body("responses")["input"], all);
    let apart = body("anthropic_messages");
    assert_eq!(
        (&apart["messages"], &apart["system"]),
        (&said, &json!("be brief"))
    );
    assert_eq!(body("completion")["prompt"], "be brief\none\ntwo\nthree");
    assert_eq!(body("embeddings")["input"], "be brief\none\ntwo\nthree");
}

#[test]
fn more_keys_replace_ours_and_nothing_is_there_twice() {
    let mut config = config(ServerType::Vllm, "completion", false);
    config["api"]["extra_body"] = json!({"temperature": 0, "ignore_eos": false, "max_tokens": 9});
    let template = template(config);
    let prompt = Prompt::Text("a".to_owned());
    assert_eq!(
        body(&template, &ask(&prompt)),
        r#"{"model":"m\"x","prompt":"a","max_tokens":9,"ignore_eos":false,"stream":false,"temperature":0}"#
    );
    let extra = json!({"top_p": 1, "temperature": 1, "prompt": "b"});
    let of_one = Ask {
        extra: extra.as_object(),
        adapter: Some("lora-1"),
        ..ask(&prompt)
    };
    assert_eq!(
        body(&template, &of_one),
        r#"{"model":"lora-1","prompt":"b","max_tokens":9,"ignore_eos":false,"stream":false,"temperature":1,"top_p":1}"#
    );
    // The other requests are as before.
    assert!(body(&template, &ask(&prompt)).ends_with(r#""temperature":0}"#));
}

#[test]
fn a_length_of_one_request_is_not_contradicted() {
    let template = template(config(ServerType::Sglang, "chat", false));
    let prompt = Prompt::Text("a".to_owned());
    let extra = json!({"max_completion_tokens": 2});
    let of_one = Ask {
        extra: extra.as_object(),
        ..ask(&prompt)
    };
    assert!(body(&template, &ask(&prompt)).contains("min_tokens"));
    assert!(!body(&template, &of_one).contains("min_tokens"));
}

#[test]
fn structured_output_is_asked_for_in_the_form_of_the_api() {
    let format = json!({"json_schema": {"type": "object"}});
    let named = json!({"name": "structured_output", "schema": {"type": "object"}});
    for (server, api, format, name, expected) in [
        (
            ServerType::Vllm,
            "completion",
            &format,
            "response_format",
            json!({"type": "json_schema", "json_schema": named}),
        ),
        (
            ServerType::Openai,
            "chat",
            &format,
            "response_format",
            json!({"type": "json_schema", "json_schema": named}),
        ),
        (
            ServerType::Vllm,
            "chat",
            &json!({"type": "json_object"}),
            "response_format",
            json!({"type": "json_object"}),
        ),
        (
            ServerType::Tgi,
            "chat",
            &format,
            "response_format",
            json!({"type": "json_object", "value": {"type": "object"}}),
        ),
        (
            ServerType::Vllm,
            "responses",
            &format,
            "text",
            json!({"format": {"type": "json_schema", "name": "structured_output", "schema": {"type": "object"}}}),
        ),
        (
            ServerType::Openai,
            "responses",
            &json!({"type": "json_object"}),
            "text",
            json!({"format": {"type": "json_object"}}),
        ),
        (
            ServerType::Vllm,
            "anthropic_messages",
            &format,
            "output_config",
            json!({"format": {"type": "json_schema", "schema": {"type": "object"}}}),
        ),
    ] {
        let mut config = config(server, api, false);
        config["api"]["response_format"] = format.clone();
        let text = body(&template(config), &ask(&Prompt::Text("a".to_owned())));
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body[name], expected, "{server:?} {api}");
    }
}

#[test]
fn the_head_names_route_key_and_length() {
    let prompt = Prompt::Text("a".to_owned());
    for (api, route) in [
        ("completion", "/v1/completions"),
        ("chat", "/v1/chat/completions"),
        ("responses", "/v1/responses"),
        ("anthropic_messages", "/v1/messages"),
        ("embeddings", "/v1/embeddings"),
    ] {
        let (head, body) = sent(
            &template(config(ServerType::Vllm, api, false)),
            &ask(&prompt),
        );
        let begin = format!("POST {route} HTTP/1.1\r\nhost: h:1\r\n");
        assert!(head.starts_with(&begin), "{head}");
        let length = format!("content-length: {}\r\n", body.len());
        assert!(head.contains(&length) && head.contains("authorization: Bearer k\r\n"));
        assert!(head.ends_with("x-request-id: id-1\r\n\r\n"));
        let is_anthropic =
            head.contains("x-api-key: k\r\n") && head.contains("anthropic-version: 2023-06-01\r\n");
        assert_eq!(is_anthropic, api == "anthropic_messages", "{head}");
    }
    let strict = template(config(ServerType::Openai, "anthropic_messages", false));
    let head = sent(&strict, &ask(&prompt)).0;
    assert!(head.contains("x-api-key: k") && !head.contains("authorization"));
}

#[test]
fn headers_of_the_config_replace_ours() {
    let mut config = config(ServerType::Openai, "chat", false);
    config["api"]["headers"] = json!({"Authorization": "Basic x", "Host": "gateway", "X-A": "1"});
    let head = sent(&template(config), &ask(&Prompt::Text("a".to_owned()))).0;
    assert!(head.contains("Authorization: Basic x") && !head.contains("Bearer"));
    assert!(
        head.contains("Host: gateway") && !head.contains("host: h:1") && head.contains("X-A: 1")
    );
}
