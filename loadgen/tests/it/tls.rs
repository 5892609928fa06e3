//! https: what is trusted and what is not, and that nothing is measured differently.

use std::net::SocketAddr;
use std::sync::Arc;

use bench_contract::{Outcome, RequestRecord};
use bench_sim::SimArgs;
use rustls::ServerConfig;
use rustls::version::TLS13;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran, by_shell};
use crate::front::{Authority, BOTH, accept, here, relay, server_config};
use crate::server::listen;

/// A simulator behind TLS.
fn front(bench: &Bench, config: Arc<ServerConfig>) -> SocketAddr {
    let server = bench.sim.as_ref().unwrap().addr();
    listen(move |_, socket| relay(accept(&config, socket), server))
}

/// A run of 20 requests against `address`, `server` laid over the config's server.
fn run(bench: &Bench, url: String, server: Value) -> Ran {
    let mut config = bench.config(json!({
        "server": {"base_url": url}, "load": {"stages": [{"rate": 20, "duration": 1}]}
    }));
    for (key, value) in server.as_object().unwrap() {
        config["server"][key] = value.clone();
    }
    bench.run(&config, &[])
}

/// The run does not begin, is not waited for, and says why.
#[track_caller]
fn refused(ran: Ran, says: &[&str]) {
    let ran = ran.expect(7);
    let report = ran.report();
    assert_eq!((report.counts.planned, report.counts.not_sent), (20, 20));
    assert!(!ran.stderr.contains("waiting for"), "{}", ran.stderr);
    for words in says {
        assert!(
            report.run.partial_because[0].contains(words),
            "no `{words}` in {:?}",
            report.run
        );
    }
}

/// Index, outcome, events, tokens, tokens of the prompt.
type Seen = (u64, Outcome, u32, Option<u32>, Option<u32>);

/// What was seen of each reply but its instants.
fn seen(ran: &Ran) -> Vec<Seen> {
    let of = |r: &RequestRecord| {
        (
            r.index,
            r.outcome,
            r.events,
            r.output_tokens,
            r.server_prompt_tokens,
        )
    };
    let mut seen: Vec<_> = ran.records().iter().map(of).collect();
    seen.sort_unstable_by_key(|record| record.0);
    seen
}

#[test]
fn what_is_counted_over_tls_is_what_is_counted_without_and_what_the_server_did() {
    for version in BOTH {
        let authority = Authority::new();
        let mut bench = Bench::new(SimArgs::default());
        let plain = run(&bench, bench.url(), json!({})).expect(0);
        let plain = seen(&plain);
        let front = front(&bench, server_config(here(&authority), &[version], None));
        let ran = run(
            &bench,
            format!("https://{front}"),
            json!({"ca_path": authority.file()}),
        )
        .expect(0);
        assert_eq!(seen(&ran), plain);
        let report = ran.report();
        assert_eq!((report.counts.planned, report.counts.ok()), (20, 20));
        assert!(
            report.stages[0].health.connections_opened < 20,
            "connections are used again"
        );
        for record in ran.records() {
            let instants = [
                record.dispatched_ns,
                record.sent_ns,
                record.first_token_ns,
                record.end_ns,
            ];
            assert!(
                instants.iter().all(Option::is_some) && instants.is_sorted(),
                "{record:?}"
            );
            assert!(
                record.reused || record.sent_ns > record.dispatched_ns,
                "connecting takes time"
            );
        }
        let truth = bench.truth();
        assert_eq!(truth.len(), 40, "twenty of each run");
        assert!(
            truth
                .iter()
                .all(|line| line["tokens"] == 8 && line["client_closed"] == false)
        );
    }
}

#[test]
fn a_long_prompt_and_fresh_connections_go_over_tls_too() {
    let authority = Authority::new();
    let bench = Bench::new(SimArgs {
        events_per_write: 64,
        ..SimArgs::default()
    });
    let front = front(&bench, server_config(here(&authority), &BOTH, None));
    let config = bench.config(json!({
        "api": {"connections": "fresh"},
        "data": {
            "input_distribution": {"mean": 100_000, "min": 100_000, "max": 100_000},
            "output_distribution": {"mean": 3000, "min": 3000, "max": 3000}
        },
        "load": {"stages": [{"rate": 5, "duration": 1}]},
        "server": {"base_url": format!("https://localhost:{}", front.port()), "ca_path": authority.file()}
    }));
    let report = bench.run(&config, &[]).expect(0).report();
    assert_eq!(
        (
            report.counts.ok(),
            report.stages[0].health.connections_opened
        ),
        (5, 5)
    );
    assert_eq!(
        report.stages[0].lengths.output.as_ref().unwrap().total,
        15_000
    );
}

#[test]
fn an_unknown_authority_is_refused_at_once() {
    let bench = Bench::new(SimArgs::default());
    let front = front(&bench, server_config(here(&Authority::new()), &BOTH, None));
    let says = [
        "signed by nobody of",
        "benchmark.target.tls.caSecret",
        "insecureSkipVerify",
    ];
    refused(run(&bench, format!("https://{front}"), json!({})), &says);
    let other = Authority::new();
    let ran = run(
        &bench,
        format!("https://{front}"),
        json!({"ca_path": other.file()}),
    );
    refused(ran, &[other.file().to_str().unwrap()]);
}

#[test]
fn without_a_file_the_systems_authorities_are_trusted_and_where_there_are_none_the_public_ones() {
    let authority = Authority::new();
    let bench = Bench::new(SimArgs::default());
    let front = front(&bench, server_config(here(&authority), &BOTH, None));
    let config = bench.config(json!({
        "load": {"stages": [{"rate": 20, "duration": 1}]},
        "server": {"base_url": format!("https://{front}")}
    }));
    let system = |file: &str| {
        let script = format!("unset SSL_CERT_DIR; export SSL_CERT_FILE={file}; exec \"$@\"");
        bench.run_by(by_shell(&script), &config, &[])
    };
    system(authority.file().to_str().unwrap()).expect(0);
    let none = system("/dev/null");
    let says = "this system has no CA certificates";
    assert!(none.stderr.contains(says), "{}", none.stderr);
    refused(none, &["public authorities of this build"]);
}

#[test]
fn an_authority_that_has_another_key_by_now_is_named_as_such() {
    let bench = Bench::new(SimArgs::default());
    let (old, new) = (Authority::named("ca"), Authority::named("ca"));
    let front = front(&bench, server_config(here(&new), &BOTH, None));
    let ran = run(
        &bench,
        format!("https://{front}"),
        json!({"ca_path": old.file()}),
    );
    refused(ran, &["of this name with another key", "caSecret"]);
}

#[test]
fn a_certificate_that_is_its_own_authority_is_taken_where_it_is_given() {
    let bench = Bench::new(SimArgs::default());
    let (identity, authority) = Authority::alone(|_| ());
    let address = front(&bench, server_config(identity, &BOTH, None));
    let ca = json!({"ca_path": authority.file()});
    run(&bench, format!("https://{address}"), ca.clone()).expect(0);
    let other_name = format!("https://localhost:{}", address.port());
    refused(run(&bench, other_name, ca), &["not for `localhost`"]);
    let (_, stranger) = Authority::alone(|_| ());
    for ca in [json!({}), json!({"ca_path": stranger.file()})] {
        let ran = run(&bench, format!("https://{address}"), ca);
        refused(ran, &["is its own authority, and not one of", "caSecret"]);
    }
    let (identity, authority) = Authority::alone(|params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let address = front(&bench, server_config(identity, &BOTH, None));
    let ca = json!({"ca_path": authority.file()});
    refused(
        run(&bench, format!("https://{address}"), ca),
        &["has expired"],
    );
}

#[test]
fn without_verification_anybody_is_believed_and_it_is_said() {
    let bench = Bench::new(SimArgs::default());
    let expired = Authority::new().signs(&["elsewhere"], |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    for version in BOTH {
        let identity = if version == &TLS13 {
            here(&Authority::new())
        } else {
            Authority::new().signs(&["elsewhere"], |_| ())
        };
        let front = front(&bench, server_config(identity, &[version], None));
        let ran = run(
            &bench,
            format!("https://{front}"),
            json!({"insecure_skip_verify": true}),
        )
        .expect(0);
        assert!(
            ran.stderr.contains("certificate is not checked"),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.report().counts.ok(), 20);
    }
    let front = front(&bench, server_config(expired, &BOTH, None));
    run(
        &bench,
        format!("https://{front}"),
        json!({"insecure_skip_verify": true}),
    )
    .expect(0);
}

#[test]
fn a_certificate_for_another_name_and_one_that_has_expired_are_refused_at_once() {
    let authority = Authority::new();
    let bench = Bench::new(SimArgs::default());
    let ca = || json!({"ca_path": authority.file()});
    let identity = authority.signs(&["127.0.0.1", "llm.example"], |_| ());
    let other = front(&bench, server_config(identity, &BOTH, None));
    run(&bench, format!("https://{other}"), ca()).expect(0);
    let ran = run(&bench, format!("https://localhost:{}", other.port()), ca());
    refused(ran, &["not for `localhost`, but for", "llm.example"]);
    let identity = authority.signs(&["127.0.0.1"], |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let expired = front(&bench, server_config(identity, &BOTH, None));
    refused(
        run(&bench, format!("https://{expired}"), ca()),
        &["has expired, on 2020-01-01"],
    );
}

#[test]
fn a_client_certificate_is_shown_where_one_is_asked_for() {
    for version in BOTH {
        let authority = Authority::new();
        let bench = Bench::new(SimArgs::default());
        let front = front(
            &bench,
            server_config(here(&authority), &[version], Some(&authority)),
        );
        let url = format!("https://{front}");
        let (cert_path, key_path) = authority.client();
        let with =
            json!({"ca_path": authority.file(), "cert_path": cert_path, "key_path": key_path});
        run(&bench, url.clone(), with).expect(0);
        let without = run(&bench, url.clone(), json!({"ca_path": authority.file()}));
        if version == &TLS13 {
            refused(
                without,
                &["asks for a client certificate", "server.cert_path"],
            );
        }
        let stranger = Authority::new();
        let (cert_path, key_path) = stranger.client();
        let foreign =
            json!({"ca_path": authority.file(), "cert_path": cert_path, "key_path": key_path});
        refused(
            run(&bench, url, foreign),
            &["does not accept the client certificate"],
        );
    }
}

#[test]
fn a_server_that_speaks_plain_http_is_refused_at_once() {
    let bench = Bench::new(SimArgs::default());
    let plain = bench.url().replace("http://", "https://");
    refused(
        run(&bench, plain, json!({})),
        &["plain HTTP on this port", "as http://"],
    );
}

#[test]
fn plain_http_to_a_port_that_speaks_tls_is_refused_at_once() {
    let bench = Bench::new(SimArgs::default());
    let front = front(&bench, server_config(here(&Authority::new()), &BOTH, None));
    let ran = run(&bench, format!("http://{front}"), json!({}));
    refused(ran, &["speaks TLS on this port", "as https://"]);
}

#[test]
fn files_that_cannot_be_used_are_said_before_the_server_is_asked() {
    let authority = Authority::new();
    let bench = Bench::new(SimArgs::default());
    let (cert_path, key_path) = authority.client();
    for (server, says) in [
        (
            json!({"ca_path": "/no/such/ca.crt"}),
            "server.ca_path /no/such/ca.crt: No such file",
        ),
        (json!({"ca_path": key_path}), "holds no certificate in PEM"),
        (
            json!({"cert_path": cert_path, "key_path": cert_path}),
            "holds no private key in PEM",
        ),
        (
            json!({"cert_path": authority.file(), "key_path": key_path}),
            "cannot use server.cert_path with server.key_path",
        ),
    ] {
        let ran = run(&bench, "https://127.0.0.1:1".to_owned(), server).expect(3);
        assert!(ran.stderr.contains(says), "no `{says}` in {}", ran.stderr);
    }
}
