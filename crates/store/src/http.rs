//! The HTTP client below `object_store`: the workspace's TLS, a checksum for every upload, and an eye on every exchange.

use std::cell::RefCell;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, IF_NONE_MATCH};
use http::{Method, Uri};
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use rustls::{ClientConfig, RootCertStore};

use crate::body::Upload;
use crate::error::{Reply, StoreError};

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// The same to a metadata service, which is on the machine itself or nowhere.
const CONNECT_LOCAL: Duration = Duration::from_secs(1);

/// Makes the clients of one store.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    /// To the store, by way of the proxies that the environment names.
    outside: reqwest::Client,
    /// To metadata services, which no proxy can reach.
    local: reqwest::Client,
    /// Whether the end of an upload in parts has to find nothing at its key.
    creates: bool,
}

impl Connector {
    /// With the system's certificate authorities (`SSL_CERT_FILE` names others), else the public ones of this build.
    /// `creates`: whether an upload in parts may not replace anything.
    pub(crate) fn new(creates: bool) -> Result<Self, StoreError> {
        let cannot = |error: &dyn Error| StoreError::Setup(no_https(error));
        let tls = tls().map_err(StoreError::Setup)?;
        let outside = builder(CONNECT, tls.clone()).build();
        let local = builder(CONNECT_LOCAL, tls).no_proxy().build();
        Ok(Self {
            outside: outside.map_err(|error| cannot(&error))?,
            local: local.map_err(|error| cannot(&error))?,
            creates,
        })
    }

    async fn send(
        &self,
        request: http::Request<reqwest::Body>,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let client = if is_metadata(request.uri()) {
            &self.local
        } else {
            &self.outside
        };
        client.execute(request.try_into()?).await
    }
}

/// A client that follows nobody, by way of the proxies that the environment names.
pub(crate) fn client(connect: Duration) -> Result<reqwest::Client, String> {
    let client = builder(connect, tls()?).build();
    client.map_err(|error| no_https(&error))
}

fn builder(connect: Duration, tls: ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(connect)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("benchctl/", env!("CARGO_PKG_VERSION")))
}

fn no_https(error: &dyn Error) -> String {
    format!("cannot set up HTTPS: {error}")
}

fn tls() -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| no_https(&error))?;
    Ok(versions
        .with_root_certificates(authorities())
        .with_no_client_auth())
}

fn authorities() -> RootCertStore {
    let mut store = RootCertStore::empty();
    let (added, _) =
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

/// Whether it is the address of a cloud's metadata service.
fn is_metadata(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    host.starts_with("169.254.")
        || host.starts_with("[fd00:ec2:")
        || host == "metadata.google.internal"
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let upload = upload_of(&request);
        if let Some(digest) = upload.as_ref().and_then(|upload| upload.content_md5())
            && !is_signed_by_key(&request)
        {
            request.headers_mut().insert(CONTENT_MD5, digest);
        }
        if self.creates && ends_upload_in_parts(&request) {
            let nothing = HeaderValue::from_static("*");
            request.headers_mut().insert(IF_NONE_MATCH, nothing);
        }
        let request = match upload.as_ref().and_then(|upload| upload.file.as_ref()) {
            None => request.map(reqwest::Body::wrap),
            Some(file) => {
                let body = file.body(request.body().content_length() as u64);
                let body = body.map_err(|error| {
                    let path = file.path.display();
                    see(Some(StoreError::File(format!(
                        "cannot read {path}: {error}"
                    ))));
                    HttpError::new(HttpErrorKind::Unknown, error)
                })?;
                request.map(|_| body)
            }
        };
        let response = match self.send(request).await {
            Ok(response) => response,
            Err(error) => return Err(broken(error)),
        };
        let (parts, body) = http::Response::from(response).into_parts();
        if parts.status.is_success() {
            see(None);
            let body = HttpResponseBody::new(body.map_err(broken));
            return Ok(HttpResponse::from_parts(parts, body));
        }
        let body = body.collect().await.map_err(broken)?.to_bytes();
        see(Some(StoreError::of_reply(Reply::new(
            parts.status,
            &parts.headers,
            &body,
        ))));
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}

/// The upload that a request is for, if it is one: others, for example for credentials, may be made meanwhile.
fn upload_of(request: &HttpRequest) -> Option<Arc<Upload>> {
    let upload = UPLOAD.try_with(Arc::clone).ok()?;
    let length = request.body().content_length() as u64;
    (request.method() == Method::PUT && length == upload.length).then_some(upload)
}

/// Azure signs the checksum too where a key of the account signs, and the signature is there already.
fn is_signed_by_key(request: &HttpRequest) -> bool {
    let authorization = request.headers().get(AUTHORIZATION);
    authorization.is_some_and(|value| value.as_bytes().starts_with(b"SharedKey"))
}

/// Whether a request makes an object of the parts that were uploaded before.
fn ends_upload_in_parts(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == Method::POST && query.split('&').any(|pair| pair.starts_with("uploadId="))
}

tokio::task_local! {
    /// What was wrong with the last exchange.
    static SEEN: RefCell<Option<StoreError>>;
    /// What is uploaded.
    static UPLOAD: Arc<Upload>;
}

/// Awaits `work`, which uploads this.
pub(crate) async fn uploading<T>(upload: Arc<Upload>, work: impl Future<Output = T>) -> T {
    UPLOAD.scope(upload, work).await
}

fn see(error: Option<StoreError>) {
    let _ = SEEN.try_with(|seen| *seen.borrow_mut() = error);
}

/// Awaits `work`, and says what was wrong with its last exchange, if anything.
pub(crate) async fn watched<T>(work: impl Future<Output = T>) -> (T, Option<StoreError>) {
    SEEN.scope(RefCell::new(None), async {
        let done = work.await;
        (done, SEEN.with(RefCell::take))
    })
    .await
}

/// An exchange that has come to no reply.
fn broken(error: reqwest::Error) -> HttpError {
    // The URL may carry a token, and stands beside the message anyway.
    let error = error.without_url();
    let reason = innermost(&error);
    see(Some(if untrusted(&error) {
        StoreError::Certificate { reason }
    } else {
        StoreError::Unreachable {
            reason,
            was_sent: !error.is_connect(),
        }
    }));
    let kind = if error.is_connect() {
        HttpErrorKind::Connect
    } else {
        HttpErrorKind::Unknown
    };
    HttpError::new(kind, error)
}

/// Whether the other side's certificate is what is wrong.
pub(crate) fn untrusted(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause
            .downcast_ref::<rustls::Error>()
            .is_some_and(|error| matches!(error, rustls::Error::InvalidCertificate(_)))
    })
}

/// An error and what has caused it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

/// What has caused an error; I/O errors keep it to themselves.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<std::io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    }
}

/// What has caused all of it, in its own words.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}
