//! Who the caller is.

use actix_web::HttpResponse;
use chrono::SecondsFormat;
use serde::Serialize;
use task_auth::Identity;
use utoipa::ToSchema;

use crate::guard::Caller;

/// What the token of a request says.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = WhoAmI)]
pub(crate) struct WhoAmIBody {
    /// The token's `sub`: the user in the paths of the caller's tasks.
    #[schema(example = "demo", min_length = 1, max_length = 255)]
    user_id: String,
    /// The token's `iss`; null if it has none.
    #[schema(example = "https://app.example.com", required = true)]
    issuer: Option<String>,
    /// When the token expires: its `exp`, but the end of the year 9999 at the latest.
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
            issuer: identity.issuer.as_deref().map(str::to_owned),
            expires_at: identity.expires_at().to_rfc3339_opts(SecondsFormat::Micros, true),
            algorithm: identity.algorithm,
        }
    }
}

pub(crate) async fn whoami(Caller(identity): Caller) -> HttpResponse {
    HttpResponse::Ok().json(WhoAmIBody::from(identity))
}
