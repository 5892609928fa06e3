//! The pages that are read: where they are, and what is said to get them.

use std::net::SocketAddr;

use bench_contract::config::{Config, Dns, MetricsOptions, Server};

use crate::engine::Target;
use crate::http::tls::Tls;
use crate::openai::head::{Addressing, head};

/// What a page may be written in, the text format first.
const ACCEPT: &str = "text/plain;version=0.0.4, */*;q=0.1";

/// The server under test, as the run speaks to it.
#[derive(Clone, Copy)]
pub struct Tested<'a> {
    /// The run's config.
    pub config: &'a Config,
    /// Its server.
    pub server: &'a Server,
    /// Where that is.
    pub target: &'a Target,
    /// How TLS is spoken to it, where it is.
    pub tls: Option<&'a Tls>,
    /// The API key, where it wants one.
    pub key: Option<&'a str>,
    /// Where it answered before time zero.
    pub addresses: &'a [SocketAddr],
}

/// A page.
pub(super) struct Page {
    /// Its URL.
    pub(super) url: String,
    /// The bytes that ask for it.
    pub(super) request: String,
    pub(super) tls: Option<Tls>,
    target: Target,
    /// Where it is, unless that is looked up again and again.
    pub(super) addresses: Vec<SocketAddr>,
    /// Whether its host is resolved while the run goes on: servers may come and go.
    pub(super) is_resolved: bool,
    /// Addresses of one of these families alone, if not empty.
    families: Vec<SocketAddr>,
}

impl Page {
    /// The addresses of its host, now.
    ///
    /// # Errors
    /// In words.
    pub(super) async fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        let found = self.target.resolve().await;
        let mut found = found.map_err(|error| error.to_string())?;
        let is_used = |address: &SocketAddr| {
            let mut families = self.families.iter();
            families.any(|other| other.is_ipv4() == address.is_ipv4())
        };
        if found.iter().any(is_used) {
            found.retain(is_used);
        }
        Ok(found)
    }
}

/// The pages of a run, and why others are not read.
pub(super) fn pages(tested: Tested<'_>, options: &MetricsOptions) -> (Vec<Page>, Vec<String>) {
    if options.urls.is_empty() {
        return (vec![own(tested)], Vec::new());
    }
    let (mut pages, mut problems) = (Vec::new(), Vec::new());
    for url in &options.urls {
        match named(tested, url) {
            Ok(page) => pages.push(page),
            Err(reason) => problems.push(format!(
                "the server's metrics could not be read: {url}: {reason}"
            )),
        }
    }
    (pages, problems)
}

/// The page of the server under test itself.
fn own(tested: Tested<'_>) -> Page {
    let path = format!("{}/metrics", tested.target.path);
    let scheme = if tested.target.is_tls {
        "https"
    } else {
        "http"
    };
    Page {
        url: format!("{scheme}://{}{path}", tested.target.authority),
        request: request(tested, tested.target, &path, true),
        tls: tested.tls.cloned(),
        target: tested.target.clone(),
        addresses: tested.addresses.to_vec(),
        is_resolved: tested.server.dns.unwrap_or_default() == Dns::PerConnection,
        families: tested.addresses.to_vec(),
    }
}

/// A page that the config names.
fn named(tested: Tested<'_>, url: &str) -> Result<Page, String> {
    let target = Target::parse(url).map_err(|error| error.to_string())?;
    let path = match target.path.as_str() {
        "" => "/metrics",
        path => path,
    };
    let is_own =
        (target.is_tls, &target.authority) == (tested.target.is_tls, &tested.target.authority);
    let tls = match (target.is_tls, tested.tls.filter(|_| is_own)) {
        (false, _) => None,
        (true, Some(tls)) => Some(tls.clone()),
        (true, None) => {
            // Who we are is for the server under test to know.
            let stranger = Server {
                cert_path: None,
                key_path: None,
                ..tested.server.clone()
            };
            let setup = Tls::set_up(&target.host, &stranger).map_err(|error| error.to_string())?;
            Some(setup.tls)
        }
    };
    Ok(Page {
        url: url.to_owned(),
        request: request(tested, &target, path, is_own),
        tls,
        addresses: Vec::new(),
        is_resolved: true,
        families: Vec::new(),
        target,
    })
}

/// The head of the question. Only the server under test gets the key, and the headers of requests.
fn request(tested: Tested<'_>, target: &Target, path: &str, is_own: bool) -> String {
    let to = Addressing {
        authority: &target.authority,
        path: &target.path,
        api_key: tested.key.filter(|_| is_own),
    };
    let nothing = Config::default();
    let config = if is_own { tested.config } else { &nothing };
    head("GET", path, ACCEPT, &to, config) + "connection: close\r\n\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(config: serde_json::Value) -> (Vec<Page>, Vec<String>) {
        let config: Config = serde_json::from_value(config).unwrap();
        let server = config.server.clone().unwrap();
        let tested = Tested {
            target: &Target::parse(&server.base_url).unwrap(),
            server: &server,
            config: &config,
            tls: None,
            key: Some("secret"),
            addresses: &["10.0.0.1:8000".parse().unwrap()],
        };
        pages(tested, &config.metrics.clone().unwrap_or_default())
    }

    #[test]
    fn the_page_of_the_server_is_asked_for_with_its_key() {
        let (pages, problems) = made(serde_json::json!({
            "server": {"base_url": "http://gate:8000/qwen/"},
            "api": {"headers": {"x-tenant": "t"}},
        }));
        assert_eq!((pages.len(), problems.len()), (1, 0));
        let page = &pages[0];
        assert_eq!(page.url, "http://gate:8000/qwen/metrics");
        assert!(
            page.request
                .starts_with("GET /qwen/metrics HTTP/1.1\r\nhost: gate:8000\r\n")
        );
        for line in ["authorization: Bearer secret\r\n", "x-tenant: t\r\n"] {
            assert!(page.request.contains(line), "{}", page.request);
        }
        assert!(page.request.ends_with("connection: close\r\n\r\n"));
        assert!(!page.is_resolved);
    }

    #[test]
    fn nobody_else_gets_the_key() {
        let (pages, problems) = made(serde_json::json!({
            "server": {"base_url": "http://gate:8000"},
            "api": {"headers": {"x-tenant": "t"}},
            "metrics": {"urls": ["http://pod-0:8000", "http://GATE:8000/m", "https://gate:8000/metrics"]},
        }));
        assert_eq!(problems, Vec::<String>::new());
        assert!(
            pages[0]
                .request
                .starts_with("GET /metrics HTTP/1.1\r\nhost: pod-0:8000\r\n")
        );
        assert!(pages[1].request.starts_with("GET /m HTTP/1.1\r\n"));
        let has_key: Vec<bool> = pages
            .iter()
            .map(|page| page.request.contains("secret") || page.request.contains("x-tenant"))
            .collect();
        // The same name without TLS, or with it, is somebody else.
        assert_eq!(has_key, [false, true, false]);
        assert!(pages[2].tls.is_some() && pages[0].tls.is_none());
    }
}
