//! Addresses with TLS, by an authority of the test's own.

#![expect(
    clippy::unwrap_used,
    reason = "a script that does not go as written has failed"
)]

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tidings_client::{Config, DisconnectReason, Incoming, Tls, connect};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{accept_hdr_async, tungstenite::Message};

use crate::peer::{agree, next, welcome, within};

/// A server for `localhost`, and the certificate of the authority that vouches for it.
async fn server() -> (TcpListener, TlsAcceptor, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener, TlsAcceptor::from(Arc::new(config)), authority.pem())
}

fn config(listener: &TcpListener, scheme: &str) -> Config {
    let port = listener.local_addr().unwrap().port();
    let mut config = Config::new(format!("{scheme}://localhost:{port}/ws"), "a-token", "a-device");
    config.backoff.attempts_max = Some(1);
    config
}

#[tokio::test]
async fn a_server_of_a_private_authority_is_believed_where_that_is_configured() {
    for scheme in ["wss", "https"] {
        let (listener, acceptor, authority) = server().await;
        let mut config = config(&listener, scheme);
        config.tls = Tls::with_authorities(authority.as_bytes()).unwrap();
        let (_client, mut events) = connect(config);
        let (stream, _) = within(listener.accept()).await.unwrap();
        let stream = within(acceptor.accept(stream)).await.unwrap();
        let mut peer = within(Box::pin(accept_hdr_async(stream, agree))).await.unwrap();
        let hello = within(peer.next()).await.unwrap().unwrap();
        assert!(hello.to_text().unwrap().contains(r#""token":"a-token""#));
        peer.send(Message::text(welcome(25_000).to_string()))
            .await
            .unwrap();
        assert_eq!(next(&mut events).await, "connected");
    }
}

#[tokio::test]
async fn a_server_whom_nobody_vouches_for_is_told_nothing() {
    let (listener, acceptor, _) = server().await;
    let (_client, mut events) = connect(config(&listener, "wss"));
    let (stream, _) = within(listener.accept()).await.unwrap();
    assert!(within(acceptor.accept(stream)).await.is_err());
    let ended = within(events.next()).await.unwrap();
    assert!(
        matches!(
            &ended,
            Incoming::Disconnected {
                reason: DisconnectReason::Network(_),
                ..
            }
        ),
        "{ended:?}"
    );
}

#[test]
fn an_authority_that_cannot_be_read_is_refused() {
    assert!(Tls::with_authorities(b"").is_err());
    assert!(
        Tls::with_authorities(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err()
    );
}
