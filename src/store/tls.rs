//! TLS to PostgreSQL by `sslmode`, with the meaning that every PostgreSQL client gives it: `prefer` and
//! `require` encrypt, `verify-ca` and `verify-full` also hold the server's certificate against the system's
//! authorities (`SSL_CERT_FILE` names others).

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::crypto;

/// Whether the certificate is verified, and the address with an `sslmode` that the client knows.
pub(super) fn verification(address: &str) -> (String, bool) {
    let strict = ["sslmode=verify-full", "sslmode=verify-ca"].iter().find(|mode| address.contains(*mode));
    match strict {
        Some(mode) => (address.replace(mode, "sslmode=require"), true),
        None => (address.to_owned(), false),
    }
}

/// The connector for one connection.
pub(super) fn connector(verify: bool) -> MakeRustlsConnect {
    crypto::install();
    let builder = ClientConfig::builder();
    let config = if verify {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        builder.with_root_certificates(roots).with_no_client_auth()
    } else {
        let unverified = Unverified(builder.crypto_provider().clone());
        builder.dangerous().with_custom_certificate_verifier(Arc::new(unverified)).with_no_client_auth()
    };
    MakeRustlsConnect::new(config)
}

/// Takes any certificate, and still checks that the server holds its key.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
