//! Servers of a few lines, which behave as no simulator does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// An event of one token.
pub(crate) const EVENT: &str = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n";

/// The head of a stream, without its end.
pub(crate) const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";

/// Gives each connection, with its number, to `serve` on a thread of its own.
pub(crate) fn listen(serve: impl Fn(u32, TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    let count = AtomicU32::new(0);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let serve = serve.clone();
            std::thread::spawn(move || serve(number, socket));
        }
    });
    address
}

/// A server that lists a model, has no metrics, and answers every other request as `answer` does.
pub(crate) fn serve(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let address = listen(move |_, mut stream| {
        let request = read_request(&mut stream);
        if request.starts_with("GET /v1/models") {
            models(&mut stream);
        } else if request.starts_with("GET /metrics") {
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        } else {
            answer(stream);
        }
    });
    format!("http://{address}")
}

/// Answers with a list of one model.
pub(crate) fn models(stream: &mut impl Write) {
    let body = r#"{"data":[{"id":"m"}]}"#;
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
}

/// Reads one request whole.
pub(crate) fn read_request(stream: &mut impl Read) -> String {
    let (mut bytes, mut chunk) = (Vec::new(), [0u8; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return text,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

/// Answers every request with a stream of one token, and counts those that are no question for the models.
pub(crate) fn answer_all(listener: TcpListener, count: Arc<AtomicU32>) {
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if read_request(&mut stream).starts_with("GET") {
                models(&mut stream);
                continue;
            }
            count.fetch_add(1, Ordering::Relaxed);
            let _ = write!(stream, "{STREAM}\r\n{EVENT}data: [DONE]\n\n");
        }
    });
}
