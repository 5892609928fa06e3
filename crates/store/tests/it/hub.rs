//! Files of a hub on a real socket, which sends on, refuses and breaks off as the hub may.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use bench_store::Environment;
use bench_store::hub::{Hub, HubError, HubFile};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A hub. Each answer is the rest of a reply after `HTTP/1.1 `; with `!` before it the connection is cut after it.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(&str, usize) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let request = head(&mut stream);
                let number = {
                    let mut asked = kept.lock().unwrap();
                    asked.push(request.clone());
                    asked.len() - 1
                };
                let reply = answer(&request, number);
                let reply = reply.strip_prefix('!').unwrap_or(&reply);
                let _ = stream.write_all(format!("HTTP/1.1 {reply}").as_bytes());
                let _ = stream.shutdown(Shutdown::Write);
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn hub(&self, cache: &Path) -> Hub {
        hub(&format!("http://{}", self.address), cache, &[])
    }
}

fn head(stream: &mut TcpStream) -> String {
    let (mut bytes, mut one) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut one).is_ok_and(|read| read == 1) {
        bytes.push(one[0]);
    }
    String::from_utf8(bytes).unwrap()
}

fn hub(endpoint: &str, cache: &Path, more: &[(&str, &str)]) -> Hub {
    let cache = cache.to_str().unwrap();
    let set = [
        ("HF_ENDPOINT", endpoint),
        ("HF_HOME", cache),
        ("HF_TOKEN", "hf_secret\n"),
    ];
    let all = set.iter().chain(more);
    let env: Environment = all
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Hub::new(&env, None)
}

fn ok(body: &str) -> String {
    format!(
        "200 OK\r\nx-repo-commit: {COMMIT}\r\netag: \"t\"\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn refused(status: u16, code: &str) -> String {
    format!(
        "{status} X\r\nx-repo-commit: {COMMIT}\r\nx-error-code: {code}\r\nx-error-message: So it is.\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    )
}

fn tokenizer() -> HubFile {
    HubFile::of_model("a/b", "tokenizer.json").unwrap()
}

fn data() -> HubFile {
    HubFile::of_data_set("hf://a/b/dir/x y.json").unwrap()
}

fn snapshot(home: &Path, file: &str) -> std::path::PathBuf {
    home.join("hub/models--a--b/snapshots")
        .join(COMMIT)
        .join(file)
}

#[test]
fn the_token_stays_with_the_hub_and_the_file_goes_into_its_cache() {
    let elsewhere = Server::start(|_, _| {
        "200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nwhole".to_owned()
    });
    let to = format!("http://{}/blob?signed", elsewhere.address);
    let server = Server::start(move |_, number| {
        let location = if number == 0 { "/api/here" } else { &to };
        format!(
            "302 Found\r\nlocation: {location}\r\nx-repo-commit: {COMMIT}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
    });
    let home = tempfile::tempdir().unwrap();
    let hub = server.hub(home.path());
    let mut said = Vec::new();
    let bytes = hub
        .read(&tokenizer(), &mut |line| said.push(line.to_owned()))
        .unwrap();
    assert_eq!(bytes, b"whole");
    let asked = server.asked();
    assert!(
        asked[0].starts_with("GET /a/b/resolve/main/tokenizer.json "),
        "{asked:?}"
    );
    assert!(
        asked
            .iter()
            .all(|request| request.contains("authorization: Bearer hf_secret\r\n"))
    );
    assert!(!elsewhere.asked()[0].contains("hf_secret"));
    assert_eq!(
        said,
        [format!(
            "fetching tokenizer.json of a/b from {}",
            hub.endpoint()
        )]
    );
    assert!(!format!("{hub:?}").contains("hf_secret"));

    let path = snapshot(home.path(), "tokenizer.json");
    assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    let refs = home.path().join("hub/models--a--b/refs/main");
    assert_eq!(std::fs::read_to_string(refs).unwrap(), COMMIT);
    assert_eq!(hub.cached(&tokenizer()), Some(path));
    assert_eq!(
        hub.read(&tokenizer(), &mut |_| panic!("asked again"))
            .unwrap(),
        b"whole"
    );
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn refusals_say_what_they_mean() {
    for (status, code, words, remedy) in [
        (401, "GatedRepo", "answers 401: So it is", "HF_TOKEN"),
        (403, "", "answers 403", "token"),
        (
            404,
            "RepoNotFound",
            "has no tokenizer.json of a/b",
            "check the name; a private",
        ),
        (
            404,
            "EntryNotFound",
            "has no tokenizer.json of a/b",
            "name of the file",
        ),
        (418, "", "answers 418", "later"),
    ] {
        let server = Server::start(move |_, _| refused(status, code));
        let home = tempfile::tempdir().unwrap();
        let hub = server.hub(home.path());
        let error = hub.read(&tokenizer(), &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.remedy().contains(remedy), "{}", error.remedy());
        assert_eq!(hub.cached(&tokenizer()), None);
        // What does not exist in a commit is asked for once.
        let again = hub.read(&tokenizer().at(COMMIT), &mut |_| {}).unwrap_err();
        assert_eq!(again.is_only_file_missing(), code == "EntryNotFound");
        assert_eq!(
            server.asked().len(),
            if code == "EntryNotFound" { 1 } else { 2 }
        );
    }
}

#[test]
fn a_lost_connection_is_gone_on_with_where_it_broke() {
    let server = Server::start(|request, number| {
        let cut = ok("0123456789").replace("0123456789", "01234");
        match number {
            0 => format!("!{cut}"),
            1 => "503 X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned(),
            _ => {
                assert!(
                    request.contains("range: bytes=5-\r\n")
                        && request.contains("if-range: \"t\"\r\n")
                );
                "206 X\r\ncontent-range: bytes 5-9/10\r\nconnection: close\r\ncontent-length: 5\r\n\r\n56789".to_owned()
            }
        }
    });
    let home = tempfile::tempdir().unwrap();
    let fetched = server.hub(home.path()).fetch(&data(), &mut |_| {}).unwrap();
    assert_eq!(std::fs::read(&*fetched).unwrap(), b"0123456789");
    assert!(server.asked()[0].starts_with("GET /datasets/a/b/resolve/main/dir/x%20y.json "));
    assert!(fetched.ends_with("dir/x y.json"), "{fetched:?}");
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_server_that_cannot_go_on_begins_anew_and_half_a_file_is_none() {
    let server = Server::start(|_, number| match number {
        0 => format!("!{}", ok("0123456789").replace("0123456789", "01234")),
        _ => ok("abcdefghij"),
    });
    let home = tempfile::tempdir().unwrap();
    let fetched = server.hub(home.path()).fetch(&data(), &mut |_| {}).unwrap();
    assert_eq!(std::fs::read(&*fetched).unwrap(), b"abcdefghij");

    let server = Server::start(|_, _| ok("0123456789").replace("0123456789", ""));
    let home = tempfile::tempdir().unwrap();
    let hub = server.hub(home.path());
    let error = hub.fetch(&data(), &mut |_| {}).unwrap_err();
    assert!(
        matches!(error, HubError::Lost { bytes: 0, .. }),
        "{error:?}"
    );
    assert_eq!(hub.cached(&data()), None);
    let left = std::fs::read_dir(home.path().join("hub/datasets--a--b/blobs")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn nobody_is_asked_offline_and_nobody_waited_for_who_is_not_there() {
    let home = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoint = format!("http://{closed}");
    let offline = hub(&endpoint, home.path(), &[("HF_HUB_OFFLINE", "1")]);
    let error = offline.read(&tokenizer(), &mut |_| {}).unwrap_err();
    assert!(matches!(
        error,
        HubError::Offline {
            variable: "HF_HUB_OFFLINE",
            ..
        }
    ));
    assert!(error.to_string().contains("hub"), "{error}");

    let error = hub(&endpoint, home.path(), &[])
        .read(&tokenizer(), &mut |_| {})
        .unwrap_err();
    assert!(matches!(error, HubError::Unreachable { .. }), "{error:?}");
    assert!(error.remedy().contains("HF_ENDPOINT"));

    let error = hub("nowhere", home.path(), &[])
        .read(&tokenizer(), &mut |_| {})
        .unwrap_err();
    assert!(
        error.to_string().contains("HF_ENDPOINT is nowhere"),
        "{error}"
    );
}

#[test]
fn a_cache_that_cannot_be_written_to_does_not_stop_anything() {
    let server = Server::start(|_, _| ok("whole"));
    let home = tempfile::tempdir().unwrap();
    // No folder can be made where a file is, whoever asks.
    std::fs::write(home.path().join("hub"), "").unwrap();
    let hub = server.hub(home.path());
    let mut said = String::new();
    assert_eq!(
        hub.read(&tokenizer(), &mut |line| said.push_str(line))
            .unwrap(),
        b"whole"
    );
    assert!(
        said.contains("warning: ") && said.contains("HF_HOME"),
        "{said}"
    );

    let fetched = hub.fetch(&data(), &mut |_| {}).unwrap();
    let path = fetched.to_path_buf();
    assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    drop(fetched);
    assert!(!path.exists());
}
