//! One HTTP call: POST, JSON, an answer whose body is read, within bounds, by whoever wants it.
//!
//! Redirects are not followed, since a key would go where nobody sent it. The time limit is the
//! caller's.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// Bytes of an answer.
#[cfg(feature = "outside")]
const MAX_BYTES: usize = 1024 * 1024;

/// No connection, or it broke.
#[derive(Debug)]
pub(crate) struct Unreachable;

/// Calls to one address.
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    uri: Uri,
}

/// What came back; of the body nothing is read yet.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// In how long to come again, where the server says it in seconds (RFC 9110, 10.2.3).
    pub(crate) retry_after: Option<Duration>,
    #[cfg(feature = "outside")]
    body: Body,
}

#[cfg(feature = "outside")]
impl Reply {
    /// The body, unless it is too large or breaks off.
    pub(crate) async fn body(self) -> Option<axum::body::Bytes> {
        axum::body::to_bytes(self.body, MAX_BYTES).await.ok()
    }
}

impl Http {
    /// Calls to what a setting names.
    pub(crate) fn new(flag: &str, url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| format!("`--{flag}` is no URL"))?;
        let connector = HttpsConnectorBuilder::new();
        // The provider is named here: which one a process has by default depends on what else is
        // linked into it.
        let connector = if uri.scheme_str() == Some("http") {
            // Nothing is encrypted on the way to this machine itself, so no roots are needed.
            let config = ClientConfig::builder_with_provider(ring::default_provider().into());
            let config =
                config.with_safe_default_protocol_versions().map_err(|it| it.to_string())?;
            let config = config.with_root_certificates(RootCertStore::empty());
            connector.with_tls_config(config.with_no_client_auth())
        } else {
            let roots = connector.with_provider_and_native_roots(ring::default_provider());
            roots.map_err(|error| format!("the system's certificates cannot be read: {error}"))?
        };
        let connector = connector.https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), uri })
    }

    pub(crate) async fn post(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Reply, Unreachable> {
        let mut request = Request::new(Body::from(body.to_vec()));
        *request.method_mut() = axum::http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers.clone();
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json.clone());
        request.headers_mut().insert(header::ACCEPT, json);
        let answered = self.client.request(request).await.map_err(|_| Unreachable)?;
        let retry_after = answered.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|it| it.to_str().ok()?.trim().parse().ok());
        Ok(Reply {
            status: answered.status().as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
            #[cfg(feature = "outside")]
            body: Body::new(answered.into_body()),
        })
    }
}
