//! How the values that have a type of their own here stand in the core's JSON.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Instants: RFC 3339.
pub(crate) mod instant {
    use std::time::SystemTime;

    use chrono::{DateTime, Utc};

    use super::*;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
        DateTime::<Utc>::deserialize(from).map(SystemTime::from)
    }
}

/// Instants that may be absent.
pub(crate) mod maybe_instant {
    use std::time::SystemTime;

    use chrono::{DateTime, Utc};

    use super::*;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        Option::<DateTime<Utc>>::deserialize(from).map(|at| at.map(SystemTime::from))
    }
}

/// Bytes: Base64 (RFC 4648, section 4).
pub(crate) mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(bytes).serialize(to)
    }
}
