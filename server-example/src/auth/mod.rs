//! Who calls: a bearer token stands for an actor and for the books that it reaches.
//!
//! Identity is the host's part, not the engine's: the server says who the actor is, the engine
//! what an actor may do. Users and sessions come later and end here as well, in an [`Identity`].

mod tokens;

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use fiscaflow_core::BookId;

pub use tokens::{Books, Token, Tokens};

use crate::error::{Failure, Refusal};

/// Who calls, as far as this request goes.
pub type Identity = Arc<Token>;

/// The identity behind a request's `Authorization: Bearer` header (RFC 6750, section 2.1).
/// Missing, malformed, unknown and revoked tokens are refused alike.
pub fn identify(tokens: &Tokens, headers: &HeaderMap) -> Result<Identity, Failure> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(Refusal::Unauthorized.into());
    };
    let value = value.to_str().unwrap_or_default();
    let secret = match value.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim_matches(' '),
        _ => return Err(Refusal::Unauthorized.into()),
    };
    match tokens.find(secret) {
        Ok(found) => found.ok_or_else(|| Refusal::Unauthorized.into()),
        Err(error) => {
            tracing::error!(%error, "the tokens cannot be read");
            Err(Refusal::TokensUnavailable.into())
        }
    }
}

impl Token {
    /// Whether the token reaches a book. The engine then asks whether its actor may.
    pub fn reaches(&self, book_id: BookId) -> bool {
        match &self.books {
            Books::All => true,
            Books::Listed(books) => books.contains(&book_id),
        }
    }
}
