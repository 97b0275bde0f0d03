//! TLS to PostgreSQL, by rustls: what `sslmode` and `sslrootcert` of a URL ask for, as libpq means them.
//!
//! What libpq does beyond is refused rather than guessed: `prefer` and `allow` go on in plain text without a word. Where
//! nothing is said, a server on this machine is spoken to in plain text and any other must be who its name says.

use crate::connect::ConnectError;
use percent_encoding::percent_decode_str;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// In plain text.
    Disable,
    /// Encrypted, with whoever answers.
    Require,
    /// With somebody whom a trusted authority knows.
    VerifyCa,
    /// With whom the address names.
    VerifyFull,
}

/// What a URL says about TLS.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    mode: Option<String>,
    roots: Option<PathBuf>,
}

/// Makes TLS sessions. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tls(MakeRustlsConnect);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Asked {
    /// Takes what is said about TLS out of a URL, since the rest of it is read by others. Values in the form `name=value …` are
    /// taken out too.
    pub(crate) fn take_from(url: &str) -> (Self, String) {
        let mut asked = Self::default();
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let rest: Vec<&str> = split_outside_quotes(url)
                .into_iter()
                .filter(|pair| !asked.takes(pair))
                .collect();
            return (asked, rest.join(" "));
        }
        let Some((place, query)) = url.split_once('?') else {
            return (asked, url.to_owned());
        };
        let rest: Vec<&str> = query.split('&').filter(|pair| !asked.takes(pair)).collect();
        let rest = if rest.is_empty() {
            place.to_owned()
        } else {
            format!("{place}?{}", rest.join("&"))
        };
        (asked, rest)
    }

    fn takes(&mut self, pair: &str) -> bool {
        let Some((name, value)) = pair.split_once('=') else {
            return false;
        };
        let value = percent_decode_str(value.trim_matches('\'')).decode_utf8_lossy();
        match name {
            "sslmode" => self.mode = Some(value.into_owned()),
            "sslrootcert" => self.roots = Some(PathBuf::from(value.into_owned())),
            _ => return false,
        }
        true
    }

    /// Settles how the server of `postgres` is spoken to. `authority` names a file of certificates that is trusted instead of
    /// the system's, unless the URL names one itself.
    pub(crate) fn settle(self, postgres: &mut Config, authority: Option<&Path>) -> Result<Tls, ConnectError> {
        let authority = match &self.roots {
            Some(path) if path.as_os_str() == "system" => None,
            Some(path) => Some(path.as_path()),
            None => authority,
        };
        let mode = match self.mode.as_deref() {
            Some("disable") => Mode::Disable,
            // As libpq has it: whoever names an authority wants it asked.
            Some("require") if authority.is_some() => Mode::VerifyCa,
            Some("require") => Mode::Require,
            Some("verify-ca") => Mode::VerifyCa,
            Some("verify-full") => Mode::VerifyFull,
            Some("prefer" | "allow") => {
                return Err(ConnectError::Tls(
                    "`sslmode` `prefer` and `allow` may go on in plain text without a word: say `disable`, `require`, \
                     `verify-ca` or `verify-full`"
                        .into(),
                ));
            }
            Some(_) => {
                return Err(ConnectError::Tls(
                    "`sslmode` must be `disable`, `require`, `verify-ca` or `verify-full`".into(),
                ));
            }
            None if is_local(postgres) => Mode::Disable,
            None => Mode::VerifyFull,
        };
        postgres.ssl_mode(if mode == Mode::Disable {
            SslMode::Disable
        } else {
            SslMode::Require
        });
        Ok(Tls(MakeRustlsConnect::new(client(mode, authority)?)))
    }
}

impl Tls {
    pub(crate) fn connector(&self) -> MakeRustlsConnect {
        self.0.clone()
    }
}

/// Whether all hosts are this machine.
fn is_local(postgres: &Config) -> bool {
    postgres.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }) && postgres.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
}

/// Splits `name=value name='a value'` at the blanks between.
fn split_outside_quotes(text: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character: char| {
        let is_quote = character == '\'' && !escaped;
        escaped = character == '\\' && !escaped;
        quoted ^= is_quote;
        character.is_whitespace() && !quoted
    })
    .filter(|pair| !pair.is_empty())
    .collect()
}

fn client(mode: Mode, authority: Option<&Path>) -> Result<ClientConfig, ConnectError> {
    let wrong = |error: rustls::Error| ConnectError::Tls(error.to_string());
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(wrong)?;
    let builder = match mode {
        Mode::VerifyFull => builder.with_root_certificates(roots(authority)?),
        Mode::VerifyCa => {
            let verifier = AnyName {
                roots: Some(roots(authority)?),
                provider,
            };
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
        Mode::Require | Mode::Disable => {
            let verifier = AnyName {
                roots: None,
                provider,
            };
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    Ok(builder.with_no_client_auth())
}

/// The certificates that are trusted: those of a file, or the system's.
fn roots(authority: Option<&Path>) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = authority else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(ConnectError::Tls(
                "this system has no certificates to trust; name an authority's".into(),
            ));
        }
        return Ok(roots);
    };
    let unreadable = || {
        ConnectError::Tls(format!(
            "{} holds no certificates that can be read",
            path.display()
        ))
    };
    for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
        let certificate = certificate.map_err(|_| unreadable())?;
        roots.add(certificate).map_err(|_| unreadable())?;
    }
    if roots.is_empty() {
        Err(unreadable())
    } else {
        Ok(roots)
    }
}

/// Takes a certificate for any name: one that a trusted authority signed, or without authorities any. That the server holds
/// the certificate's key is made sure of in either case.
#[derive(Debug)]
struct AnyName {
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(url: &str) -> Result<SslMode, ConnectError> {
        let (asked, rest) = Asked::take_from(url);
        let mut postgres: Config = rest.parse().unwrap();
        asked.settle(&mut postgres, None)?;
        Ok(postgres.get_ssl_mode())
    }

    #[test]
    fn what_may_go_on_in_plain_text_unasked_is_refused_by_name() {
        for mode in ["prefer", "allow"] {
            for url in [
                format!("postgres://u:p@db.example/t?sslmode={mode}&connect_timeout=3"),
                format!("host=db.example password='a b' sslmode={mode}"),
            ] {
                let error = settled(&url).unwrap_err().to_string();
                assert!(
                    error.contains("`prefer`") && error.contains("`disable`"),
                    "{error}"
                );
            }
        }
        assert!(settled("postgres://db.example/t?sslmode=yes").is_err());
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_plain_text_unasked() {
        for url in [
            "postgres://u@127.0.0.1:5/t",
            "postgres://localhost/t",
            "host=/run/postgresql user=u",
        ] {
            assert_eq!(settled(url).unwrap(), SslMode::Disable, "{url}");
        }
        assert_eq!(
            settled("postgres://db.example/t?sslmode=disable").unwrap(),
            SslMode::Disable
        );
        for url in [
            "postgres://db.example/t",
            "postgres://127.0.0.1,db.example/t",
            "postgres://localhost/t?sslmode=require",
        ] {
            assert_eq!(settled(url).unwrap(), SslMode::Require, "{url}");
        }
    }
}
