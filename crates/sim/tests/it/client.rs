//! A blocking HTTP client that keeps chunks apart.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lower-case names.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) chunks: Vec<Vec<u8>>,
    pub(crate) body: Vec<u8>,
    /// How the body broke off, if it did.
    pub(crate) broken: Option<ErrorKind>,
}

impl Reply {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(n, _)| n == name);
        field.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The data of each event; every event is one chunk.
    pub(crate) fn events(&self) -> Vec<String> {
        let event = |chunk: &Vec<u8>| {
            let text = String::from_utf8(chunk.clone()).unwrap();
            let text = text.strip_prefix("data: ").unwrap();
            let data = text
                .strip_suffix("\r\n\r\n")
                .or_else(|| text.strip_suffix("\n\n"));
            data.unwrap().to_owned()
        };
        self.chunks.iter().map(event).collect()
    }

    /// The events that are JSON.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let events = self.events();
        let objects = events.iter().filter_map(|e| serde_json::from_str(e).ok());
        objects.collect()
    }

    /// All text of a stream: of completions, or of chat's `content`.
    pub(crate) fn streamed_text(&self) -> String {
        self.all_of("content")
    }

    pub(crate) fn all_of(&self, key: &str) -> String {
        let mut all = String::new();
        for object in self.objects() {
            let choice = &object["choices"][0];
            let text = choice["text"].as_str().or(choice["delta"][key].as_str());
            all += text.unwrap_or("");
        }
        all
    }
}

pub(crate) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

impl Client {
    pub(crate) fn to(addr: SocketAddr) -> Self {
        let socket = TcpStream::connect(addr).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn send_post(&mut self, path: &str, body: impl AsRef<str>) {
        let body = body.as_ref();
        let len = body.len();
        self.send(format!(
            "POST {path} HTTP/1.1\r\nhost: sim\r\ncontent-type: application/json\r\ncontent-length: {len}\r\n\r\n{body}"
        ));
    }

    pub(crate) fn post(&mut self, path: &str, body: impl AsRef<str>) -> Reply {
        self.send_post(path, body);
        self.reply()
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: sim\r\n\r\n"));
        self.reply()
    }

    pub(crate) fn complete(&mut self, body: impl AsRef<str>) -> Reply {
        self.post("/v1/completions", body)
    }

    pub(crate) fn chat(&mut self, body: impl AsRef<str>) -> Reply {
        self.post("/v1/chat/completions", body)
    }

    /// Reads a whole reply. A body that breaks off is kept as far as it came.
    pub(crate) fn reply(&mut self) -> Reply {
        let mut reply = self.head().unwrap();
        if let Err(e) = self.body(&mut reply) {
            reply.broken = Some(e.kind());
        }
        reply
    }

    pub(crate) fn head(&mut self) -> io::Result<Reply> {
        let mut reply = Reply::default();
        let line = self.line()?;
        reply.status = line.split(' ').nth(1).unwrap().parse().unwrap();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(reply);
            }
            let (name, value) = line.split_once(": ").unwrap();
            reply
                .fields
                .push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    pub(crate) fn body(&mut self, reply: &mut Reply) -> io::Result<()> {
        if reply.field("transfer-encoding") == Some("chunked") {
            loop {
                let chunk = self.chunk()?;
                if chunk.is_empty() {
                    return Ok(());
                }
                reply.body.extend_from_slice(&chunk);
                reply.chunks.push(chunk);
            }
        }
        match reply.field("content-length") {
            Some(n) => {
                let n = n.parse().unwrap();
                while self.buffer.len() < n {
                    if let Err(e) = self.more() {
                        reply.body = std::mem::take(&mut self.buffer);
                        return Err(e);
                    }
                }
                reply.body = self.buffer.drain(..n).collect();
            }
            None => {
                while self.more().is_ok() {}
                reply.body = std::mem::take(&mut self.buffer);
            }
        }
        Ok(())
    }

    /// One chunk of a chunked body; the last one is empty.
    pub(crate) fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let line = self.line()?;
        assert!(!line.starts_with('0') || line == "0", "{line}");
        let n = usize::from_str_radix(&line, 16).unwrap();
        while self.buffer.len() < n + 2 {
            self.more()?;
        }
        let chunk = self.buffer.drain(..n).collect();
        assert_eq!(self.line()?, "");
        Ok(chunk)
    }

    /// Nothing more comes, and the server has closed.
    pub(crate) fn ended(&mut self) -> bool {
        self.buffer.is_empty()
            && self
                .more()
                .is_err_and(|e| e.kind() == ErrorKind::UnexpectedEof)
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
                return Ok(String::from_utf8(line[..at].to_vec()).unwrap());
            }
            self.more()?;
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut bytes = [0; 16 << 10];
        let n = self.socket.read(&mut bytes)?;
        if n == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend_from_slice(&bytes[..n]);
        Ok(())
    }
}
