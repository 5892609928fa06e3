//! A store on a socket: as much of the HTTP of S3, Google and Azure as uploads need.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How the next upload goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Mishap {
    /// Not at all.
    None,
    /// It is answered with this status and code.
    Answer(u16, &'static str),
    /// The connection is cut after so many bytes of the body.
    CutAfter(usize),
    /// It succeeds, and the connection is cut in place of a reply.
    LostReply,
    /// There is never a reply.
    Stall,
}

/// A request that has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub method: String,
    pub target: String,
    pub headers: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct State {
    /// What is stored: bytes by `/bucket/key`.
    objects: BTreeMap<String, Vec<u8>>,
    /// Parts that wait to be completed.
    parts: BTreeMap<usize, Vec<u8>>,
    mishaps: VecDeque<Mishap>,
    /// The same of those who look.
    looks: VecDeque<Mishap>,
    /// Paths that nobody may write to.
    denied: BTreeSet<String>,
    seen: Vec<Seen>,
    may_look: bool,
}

/// The server. It lives as long as the test's process.
pub(crate) struct Server {
    pub address: SocketAddr,
    /// Its certificate in PEM, which it has signed itself, where it speaks TLS.
    pub certificate: Option<String>,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::listen(None)
    }

    /// One that speaks TLS.
    pub(crate) fn start_tls() -> Self {
        let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], PrivateKeyDer::from(key))
            .unwrap();
        Self::listen(Some((Arc::new(config), own.cert.pem())))
    }

    fn listen(tls: Option<(Arc<ServerConfig>, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let (config, certificate) = tls.unzip();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, state, config) = (stream.unwrap(), shared.clone(), config.clone());
                std::thread::spawn(move || match config {
                    None => while serve(&mut stream, &state).is_some() {},
                    Some(config) => {
                        let session = ServerConnection::new(config).unwrap();
                        let mut stream = StreamOwned::new(session, stream);
                        while serve(&mut stream, &state).is_some() {}
                    }
                });
            }
        });
        Self {
            address,
            certificate,
            state,
        }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = self.certificate.as_ref().map_or("http", |_| "https");
        format!("{scheme}://{}", self.address)
    }

    /// What goes wrong with the next requests that write.
    pub(crate) fn plan(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        self.state.lock().unwrap().mishaps.extend(mishaps);
    }

    /// What goes wrong with the next requests that look.
    pub(crate) fn plan_looks(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        self.state.lock().unwrap().looks.extend(mishaps);
    }

    /// Nothing that was planned goes wrong any more.
    pub(crate) fn recover(&self) {
        self.state.lock().unwrap().mishaps.clear();
    }

    /// Nobody may write to this path.
    pub(crate) fn deny(&self, path: &str) {
        self.state.lock().unwrap().denied.insert(path.to_owned());
    }

    pub(crate) fn let_look(&self) {
        self.state.lock().unwrap().may_look = true;
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap();
        state.objects.insert(path.to_owned(), bytes.to_vec());
    }

    pub(crate) fn object(&self, path: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().objects.get(path).cloned()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.state.lock().unwrap().objects.keys().cloned().collect()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }
}

/// Answers one request; `None` ends the connection.
fn serve(stream: &mut (impl Read + Write), state: &Mutex<State>) -> Option<()> {
    let (seen, already) = head(stream)?;
    let length: usize = seen.header("content-length").parse().unwrap_or(0);
    let writes = matches!(seen.method.as_str(), "PUT" | "POST");
    let mishap = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        match seen.method.as_str() {
            _ if writes => state.mishaps.pop_front(),
            "HEAD" | "GET" => state.looks.pop_front(),
            _ => None,
        }
    };
    let mut body = already;
    let wanted = match mishap {
        Some(Mishap::CutAfter(bytes)) => bytes.min(length),
        _ => length,
    };
    while body.len() < wanted {
        let mut piece = vec![0; (wanted - body.len()).min(1 << 20)];
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        body.extend_from_slice(&piece[..read]);
    }
    match mishap {
        Some(Mishap::CutAfter(_)) => return None,
        Some(Mishap::Stall) => loop {
            std::thread::park();
        },
        _ => {}
    }
    let reply = match &mishap {
        Some(Mishap::Answer(status, code)) => error(*status, code),
        _ => act(&mut state.lock().unwrap(), &seen, body),
    };
    if let Some(Mishap::LostReply) = mishap {
        return None;
    }
    let (status, headers, body) = reply;
    let mut text = format!("HTTP/1.1 {status} X\r\n{headers}");
    if seen.method != "HEAD" {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    let mut bytes = format!("{text}\r\n").into_bytes();
    bytes.extend(body);
    stream.write_all(&bytes).ok()
}

fn head(stream: &mut impl Read) -> Option<(Seen, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
    };
    let text = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap().split(' ');
    let seen = Seen {
        method: first.next().unwrap().to_owned(),
        target: first
            .next()
            .unwrap()
            .replace("%2F", "/")
            .replace("%2E", ".")
            .replace("%2D", "-"),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
    };
    Some((seen, bytes[end + 4..].to_vec()))
}

type Answer = (u16, String, Vec<u8>);

fn error(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>as it was told</Message></Error>");
    (status, String::new(), body.into_bytes())
}

/// What a store does.
fn act(state: &mut State, seen: &Seen, body: Vec<u8>) -> Answer {
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let creates =
        seen.header("if-none-match") == "*" || seen.header("x-goog-if-generation-match") == "0";
    let is_taken = creates && state.objects.contains_key(path);
    let done = || (200, "etag: \"tag\"\r\n".to_owned(), Vec::new());
    match seen.method.as_str() {
        "PUT" if state.denied.contains(path) => error(403, "AccessDenied"),
        "PUT" if query.contains("partNumber=") => {
            let number = query
                .split('&')
                .find_map(|pair| pair.strip_prefix("partNumber="));
            state.parts.insert(number.unwrap().parse().unwrap(), body);
            done()
        }
        "PUT" if is_taken => error(412, "PreconditionFailed"),
        "PUT" => {
            state.objects.insert(path.to_owned(), body);
            done()
        }
        "POST" if query == "uploads=" || query == "uploads" => {
            let id = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
            (200, String::new(), id.into())
        }
        "POST" if is_taken => error(412, "PreconditionFailed"),
        "POST" => {
            let parts = std::mem::take(&mut state.parts);
            state
                .objects
                .insert(path.to_owned(), parts.into_values().flatten().collect());
            let tag =
                "<CompleteMultipartUploadResult><ETag>\"t\"</ETag></CompleteMultipartUploadResult>";
            (200, String::new(), tag.into())
        }
        "DELETE" => {
            state.parts.clear();
            (204, String::new(), Vec::new())
        }
        "HEAD" if state.may_look => match state.objects.get(path) {
            Some(bytes) => (
                200,
                format!("content-length: {}\r\n{FOUND}", bytes.len()),
                Vec::new(),
            ),
            None => (404, String::new(), Vec::new()),
        },
        "GET" if state.may_look => match state.objects.get(path) {
            Some(bytes) => (200, FOUND.to_owned(), bytes.clone()),
            None => (404, String::new(), Vec::new()),
        },
        _ => (403, String::new(), Vec::new()),
    }
}

const FOUND: &str = "etag: \"tag\"\r\nlast-modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n";
