//! The one provider of cryptography that every TLS connection of the process uses.

use std::sync::Once;

/// Installs it, unless the process has one already: the clients of HTTP, Redis and PostgreSQL panic without.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    // another one that the process installed before is as good
    INSTALLED.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}
