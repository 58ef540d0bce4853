//! `task-api doctor`: looks at the set-up and says what is wrong and what to change. It changes nothing itself, and shows
//! no secret.

mod clock;
mod database;
mod keys;
mod pooler;
mod report;
mod shown;
mod token;

use std::time::Instant;

use task_adapters::inspection::{self, ClockDifference, Inspection};
use task_domain::UserId;
use task_settings::{AuthSettings, InvalidSettings, JwksSettings, Settings};
use task_support::Chain;

pub use self::report::{Finding, Report, Verdict};
use self::{keys::Answer, token::Facts};

/// Looks at everything that the settings name; and at a token, where one is given. Waits for the database and for the key
/// set as long as the service does, and no longer.
pub async fn examine(settings: Result<Settings, InvalidSettings>, token: Option<&str>) -> Report {
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            let advice =
                "Correct them in the environment or in .env; everything else is looked at after that.";
            return Report { findings: vec![Finding::problem("settings", error.to_string(), advice)] };
        }
    };
    let mut findings = of_settings(&settings.auth);
    let (of_database, inspection) = look_at_database(&settings).await;
    findings.extend(of_database);
    let answer = match &settings.auth.jwks {
        Some(jwks) => Some(look_at_keys(&settings.auth, jwks).await),
        None => None,
    };
    findings.extend(answer.iter().flat_map(|answer| answer.findings.clone()));
    findings.extend(of_clocks(&settings.auth, inspection.as_ref(), answer.as_ref()));
    if let Some(given) = token {
        let (token, remarks) = token::taken_out(given);
        findings.extend(remarks);
        let keys = answer.as_ref().and_then(|answer| answer.usable.as_ref());
        let (of_token, identity) = token::examine(&token, &Facts { auth: &settings.auth, keys }).await;
        findings.extend(of_token);
        if let (Some(identity), Some(inspection)) = (identity, &inspection) {
            findings.extend(look_for_user(&settings, inspection, &identity.user).await);
        }
    }
    Report { findings }
}

fn of_settings(auth: &AuthSettings) -> Vec<Finding> {
    let by_key = auth.jwks.as_ref().map(|jwks| {
        let claims = &jwks.claims;
        let expected = |value: &Option<String>| shown::quoted(value.as_deref().unwrap_or_default());
        format!(
            "tokens signed with a key of {}, with `iss` {} and `aud` {}",
            keys::address(&jwks.url),
            expected(&claims.issuer),
            expected(&claims.audience)
        )
    });
    let by_secret = auth.secret.as_ref().map(|_| "tokens signed with BETTER_AUTH_SECRET (HS256)".to_owned());
    let accepted: Vec<_> = by_key.into_iter().chain(by_secret).collect();
    let mut findings =
        vec![Finding::ok("settings", format!("they can be used; {} are accepted", accepted.join(", and ")))];
    if auth.secret_bytes().is_some_and(token::has_edges) {
        findings.push(Finding::warning(
            "settings",
            "BETTER_AUTH_SECRET begins or ends with white space or a quotation mark, which counts as part of it",
            "Take it away, unless Better Auth has exactly the same.",
        ));
    }
    findings
}

async fn look_at_database(settings: &Settings) -> (Vec<Finding>, Option<Inspection>) {
    let since = Instant::now();
    match inspection::inspect(&settings.database.target, &settings.database.pool).await {
        Ok(inspection) => {
            let mut findings = database::reached(&settings.database.target, &inspection, since.elapsed());
            findings.push(database::migrations(&inspection));
            findings.extend(database::users(&inspection));
            findings.extend(database::rights(&inspection));
            findings.extend(pooler::examine(settings).await);
            (findings, Some(inspection))
        }
        Err(error) => {
            let finding = pooler::explains(&error)
                .unwrap_or_else(|| database::unreachable(&settings.database.target, &error));
            (vec![finding], None)
        }
    }
}

async fn look_at_keys(auth: &AuthSettings, jwks: &JwksSettings) -> Answer {
    match auth.key_source() {
        Ok(Some(source)) => keys::ask(&*source, &jwks.url).await,
        Ok(None) => Answer::default(),
        Err(error) => {
            let found = format!("TLS cannot be set up on this machine: {}", Chain(&error));
            let advice = "Install certificate authorities (the package ca-certificates).";
            Answer { findings: vec![Finding::problem("key set", found, advice)], ..Answer::default() }
        }
    }
}

/// The clocks of those who were reached.
fn of_clocks(auth: &AuthSettings, inspection: Option<&Inspection>, answer: Option<&Answer>) -> Vec<Finding> {
    let of_database = inspection.map(|inspection| clock::of_database(inspection.clock));
    let of_keys = answer.filter(|answer| answer.reached).map(|answer| {
        let difference: Option<ClockDifference> = answer.clock;
        clock::of_key_source(difference, auth.claims.leeway_seconds)
    });
    of_database.into_iter().chain(of_keys).collect()
}

/// Whether the user of a valid token is known, which only writing tells otherwise.
async fn look_for_user(settings: &Settings, inspection: &Inspection, user: &UserId) -> Option<Finding> {
    let users = inspection.users.as_ref()?;
    users.id_type.as_deref().filter(|kind| ["text", "character varying"].contains(kind))?;
    let id = shown::quoted(user.as_str());
    if !users.may_read {
        let found =
            format!("the role may not read `users`, so that nobody knows whether there is a user {id}");
        let advice = "The service itself does not need that. To have it looked up here, run the doctor with the DATABASE_URL \
                      of Better Auth.";
        return Some(Finding::warning("user", found, advice));
    }
    Some(
        match inspection::has_user(&settings.database.target, &settings.database.pool, user.as_str()).await {
            Ok(true) => Finding::ok("user", format!("`users` has a row with the id {id}")),
            Ok(false) => Finding::problem(
                "user",
                format!("`users` has no row with the id {id}: creating a task gets 403 unknown_user"),
                "Let DATABASE_URL name the database that Better Auth has its accounts in. Where it does, the account was deleted: \
             sign in anew.",
            ),
            Err(error) => {
                let found = format!(
                    "it cannot be found out whether there is a user {id}: {}",
                    shown::plain(&error.to_string())
                );
                Finding::problem("user", found, "Try again, and look at the log of PostgreSQL.")
            }
        },
    )
}
