//! Whom the service takes the caller for.

use actix_web::HttpResponse;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Caller, Identity};

/// The last second of the year 9999, the last year of RFC 3339.
const LAST_SECOND: f64 = 253_402_300_799.0;
const MICROS: f64 = 1_000_000.0;

/// What the token of a request says.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = WhoAmI)]
pub(crate) struct WhoAmIBody {
    /// The token's `sub`: what stands in the paths of the caller's tasks.
    #[schema(example = "demo", min_length = 1, max_length = 255)]
    user_id: String,
    /// The token's `iss`; null where it has none.
    #[schema(example = "https://app.example.com", required = true)]
    issuer: Option<String>,
    /// When the token expires: its `exp`, and the end of the year 9999 where that is later.
    #[schema(example = "2026-01-02T03:19:05.000000Z", format = DateTime)]
    expires_at: String,
    /// The algorithm that it is signed with.
    #[schema(example = "EdDSA")]
    algorithm: &'static str,
}

impl From<Identity> for WhoAmIBody {
    fn from(identity: Identity) -> Self {
        Self {
            user_id: identity.user.as_str().to_owned(),
            issuer: identity.issuer.map(|issuer| issuer.to_string()),
            expires_at: timestamp(identity.expires_at),
            algorithm: identity.algorithm,
        }
    }
}

/// A time in seconds since 1970 as the contract writes it.
pub(crate) fn timestamp(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "both ends lie within an i64 of microseconds")]
    let micros = (seconds.clamp(0.0, LAST_SECOND) * MICROS).floor() as i64;
    DateTime::<Utc>::from_timestamp_micros(micros)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Tells whom the service takes the caller for.
///
/// What it answers is what every other route goes by. It never touches the database.
#[utoipa::path(
    get, path = "/api/whoami", tag = "service", operation_id = "who_am_i",
    responses((status = 200, description = "The token is valid.", body = WhoAmIBody)),
)]
pub(crate) async fn whoami(Caller(identity): Caller) -> HttpResponse {
    HttpResponse::Ok().json(WhoAmIBody::from(identity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_written_like_every_other_time() {
        for (seconds, expected) in [
            (1_767_323_945.0, "2026-01-02T03:19:05.000000Z"),
            (1_767_323_945.25, "2026-01-02T03:19:05.250000Z"),
            (253_402_300_799.0, "9999-12-31T23:59:59.000000Z"),
            (1e300, "9999-12-31T23:59:59.000000Z"),
            (0.0, "1970-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(timestamp(seconds), expected);
        }
    }
}
