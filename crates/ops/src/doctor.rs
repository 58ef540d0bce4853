//! `task-api doctor`: examines the set-up, and says what is wrong and how to fix it. It changes nothing and shows no secret.

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

/// Examines everything that the settings name, and a token if one is given. Waits for the database and the key set as long
/// as the service does.
pub async fn examine(settings: Result<Settings, InvalidSettings>, token: Option<&str>) -> Report {
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            let advice =
                "Correct them in the environment or in .env; the doctor examines everything else after that.";
            return Report { findings: vec![Finding::problem("settings", error.to_string(), advice)] };
        }
    };
    let mut findings = describe_settings(&settings.auth);
    findings.extend(settings.remarks.iter().map(|remark| {
        Finding::warning("settings", shown::plain(remark), "Take it out, so that no reader relies on it.")
    }));
    let (about_database, inspection) = examine_database(&settings).await;
    findings.extend(about_database);
    let answer = match &settings.auth.jwks {
        Some(jwks) => Some(examine_keys(&settings.auth, jwks).await),
        None => None,
    };
    findings.extend(answer.iter().flat_map(|answer| answer.findings.clone()));
    findings.extend(compare_clocks(&settings.auth, inspection.as_ref(), answer.as_ref()));
    if let Some(given) = token {
        let (token, remarks) = token::extract(given);
        findings.extend(remarks);
        let keys = answer.as_ref().and_then(|answer| answer.usable.as_ref());
        let (about_token, identity) = token::examine(&token, &Facts { auth: &settings.auth, keys }).await;
        findings.extend(about_token);
        if let (Some(identity), Some(inspection)) = (identity, &inspection) {
            findings.extend(find_user(&settings, inspection, &identity.user).await);
        }
    }
    Report { findings }
}

fn describe_settings(auth: &AuthSettings) -> Vec<Finding> {
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
            "Remove it, unless Better Auth has exactly the same.",
        ));
    }
    findings
}

async fn examine_database(settings: &Settings) -> (Vec<Finding>, Option<Inspection>) {
    let since = Instant::now();
    match inspection::inspect(&settings.database.target, &settings.database.pool).await {
        Ok(inspection) => {
            let mut findings = database::reached(&settings.database.target, &inspection, since.elapsed());
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

async fn examine_keys(auth: &AuthSettings, jwks: &JwksSettings) -> Answer {
    match auth.key_source() {
        Ok(Some(source)) => keys::fetch(&*source, &jwks.url).await,
        Ok(None) => Answer::default(),
        Err(error) => {
            let found = format!("TLS cannot be set up on this machine: {}", Chain(&error));
            let advice = "Install certificate authorities (the package ca-certificates).";
            Answer { findings: vec![Finding::problem("key set", found, advice)], ..Answer::default() }
        }
    }
}

/// Compares the clocks of the database and the key source, as far as they were reached, with this machine's.
fn compare_clocks(
    auth: &AuthSettings,
    inspection: Option<&Inspection>,
    answer: Option<&Answer>,
) -> Vec<Finding> {
    let database = inspection.map(|inspection| clock::compare_database(inspection.clock));
    let key_source = answer.filter(|answer| answer.reached).map(|answer| {
        let difference: Option<ClockDifference> = answer.clock;
        clock::compare_key_source(difference, auth.claims.leeway_seconds)
    });
    database.into_iter().chain(key_source).collect()
}

/// Finds the user of a valid token. Without this, only creating a task would show that the user is unknown.
async fn find_user(settings: &Settings, inspection: &Inspection, user: &UserId) -> Option<Finding> {
    let users = inspection.users.as_ref()?;
    users.has_text_ids().then_some(())?;
    let id = shown::quoted(user.as_str());
    if !users.may_read {
        let found = format!("the role may not read `users`, so the doctor cannot find the user {id}");
        let advice = "The service itself does not need that right. To find the user, run the doctor with the DATABASE_URL of \
                      Better Auth.";
        return Some(Finding::warning("user", found, advice));
    }
    Some(
        match inspection::has_user(&settings.database.target, &settings.database.pool, user.as_str()).await {
            Ok(true) => Finding::ok("user", format!("`users` has a row with the id {id}")),
            Ok(false) => Finding::problem(
                "user",
                format!("`users` has no row with the id {id}: creating a task gets 403 unknown_user"),
                "Let DATABASE_URL name the database in which Better Auth keeps its accounts. If it does, the account was \
                 deleted: sign in again.",
            ),
            Err(error) => {
                let found =
                    format!("the user {id} cannot be looked up: {}", shown::plain(&error.to_string()));
                Finding::problem("user", found, "Try again, and look at the log of PostgreSQL.")
            }
        },
    )
}
