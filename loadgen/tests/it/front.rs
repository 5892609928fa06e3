//! A server that speaks TLS, with certificates made for the test.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustix::event::{PollFd, PollFlags, poll};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};

/// An authority, with its files in a folder.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    folder: tempfile::TempDir,
}

/// What a server shows of itself.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Self::named(&format!(
            "authority {}",
            COUNT.fetch_add(1, Ordering::Relaxed)
        ))
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.crt"), certificate.pem()).unwrap();
        Self {
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
            folder,
        }
    }

    /// The file of its own certificate.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// A certificate for `names`, changed by `change` before it is signed.
    pub(crate) fn signs(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let (certificate, key) = self.sign(names, change);
        Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }

    /// A certificate that is its own authority, as `openssl req -x509` makes them, and a folder with its file.
    pub(crate) fn alone(change: impl FnOnce(&mut CertificateParams)) -> (Identity, Self) {
        let mut authority = Self::new();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(authority.file(), certificate.pem()).unwrap();
        authority.certificate = certificate.der().clone();
        let identity = Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        };
        authority.issuer = Issuer::new(params, key);
        (identity, authority)
    }

    /// The files of a client's certificate and key.
    pub(crate) fn client(&self) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.sign(&["client"], |_| ());
        let (cert_path, key_path) = (
            self.folder.path().join("tls.crt"),
            self.folder.path().join("tls.key"),
        );
        std::fs::write(&cert_path, certificate.pem()).unwrap();
        std::fs::write(&key_path, key.serialize_pem()).unwrap();
        (cert_path, key_path)
    }

    fn sign(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// The versions that are spoken.
pub(crate) const BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A certificate for the addresses of these tests.
pub(crate) fn here(authority: &Authority) -> Identity {
    authority.signs(&["127.0.0.1", "localhost"], |_| ())
}

/// A server's side of TLS: which versions, and whose clients are let in.
pub(crate) fn server_config(
    identity: Identity,
    versions: &[&'static SupportedProtocolVersion],
    clients_of: Option<&Authority>,
) -> Arc<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients_of {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate.clone()).unwrap();
            let provider = Arc::new(default_provider());
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let mut config = builder
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// TLS on the server's side of a socket.
pub(crate) type TlsSocket = rustls::StreamOwned<ServerConnection, TcpStream>;

/// Takes a connection's TLS off.
pub(crate) fn accept(config: &Arc<ServerConfig>, socket: TcpStream) -> TlsSocket {
    socket.set_nodelay(true).unwrap();
    TlsSocket::new(ServerConnection::new(config.clone()).unwrap(), socket)
}

/// Carries bytes between a TLS connection and the server behind it, until either ends.
pub(crate) fn relay(mut front: TlsSocket, server: SocketAddr) {
    let mut back = TcpStream::connect(server).unwrap();
    back.set_nodelay(true).unwrap();
    front.sock.set_nonblocking(true).unwrap();
    back.set_nonblocking(true).unwrap();
    loop {
        let mut sockets = [
            PollFd::new(&front.sock, PollFlags::IN),
            PollFd::new(&back, PollFlags::IN),
        ];
        let _ = poll(&mut sockets, None);
        if carry(&mut front, &mut back).is_err() || carry(&mut back, &mut front).is_err() {
            return;
        }
    }
}

/// Everything that there is to read now; an end is an error.
fn carry(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = [0u8; 16 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => write_all(to, &buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn write_all(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
            Err(error) => return Err(error),
        }
    }
    to.flush()
}
