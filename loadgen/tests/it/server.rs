//! Servers of a few lines, which behave as no simulator does.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// An event of one token.
pub(crate) const EVENT: &str = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n";

/// The head of a stream, without its end.
pub(crate) const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";

/// A server that lists a model, and answers every other request as `answer` does.
pub(crate) fn serve(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut stream = stream;
                if read_request(&mut stream).starts_with("GET /v1/models") {
                    models(&mut stream);
                } else {
                    answer(stream);
                }
            });
        }
    });
    url
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
