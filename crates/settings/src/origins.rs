//! The origins whose pages may call the API (docs/api.md, "CORS").

use crate::{about::Environment, quoted::quoted, reader::Reader};

/// Reads `CORS_ORIGINS`. Leaves out invalid entries, and notes a fault for each.
pub(crate) fn read(reader: &mut Reader, environment: Environment) -> Vec<String> {
    let text = reader.text("CORS_ORIGINS").unwrap_or_default();
    let mut origins = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|_| !text.is_empty()) {
        match origin(entry, &text, environment) {
            Ok(origin) => origins.push(origin),
            Err(problem) => reader.fault("CORS_ORIGINS", problem),
        }
    }
    origins
}

/// Accepts an origin exactly as browsers send it; any other spelling would never match.
fn origin(entry: &str, whole: &str, environment: Environment) -> Result<String, String> {
    if entry.is_empty() {
        return Err("must not have an empty entry".to_owned());
    }
    if entry.contains('*') {
        return Err("must not have a wildcard: with credentials each origin has to be named".to_owned());
    }
    let is_origin = |url: &url::Url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == entry
    };
    let Some(url) = url::Url::parse(entry).ok().filter(is_origin) else {
        return Err(format!(
            "must name origins as browsers send them, scheme and host in lower case, without a path, a trailing \
             slash or a default port, not {}",
            quoted(entry, whole)
        ));
    };
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if environment == Environment::Production && url.scheme() == "http" && !loopback {
        return Err(format!("must use https in production, which {} does not", quoted(entry, whole)));
    }
    Ok(entry.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Environment;
    use crate::{reader::InvalidSettings, testing};

    fn origins(text: &str, environment: Environment) -> Result<Vec<String>, InvalidSettings> {
        testing::read(&[("CORS_ORIGINS", text)], |reader| super::read(reader, environment))
    }

    #[test]
    fn origins_are_accepted_exactly_as_browsers_send_them() {
        let listed = "https://a.example, http://localhost:3000,http://[::1]:5173 ,https://a.example:8443";
        for environment in Environment::ALL {
            assert_eq!(origins(listed, environment).unwrap().len(), 4);
        }
        for wrong in [
            "https://a.example,",
            "*",
            "null",
            "https://a.example/",
            "https://a.example/x",
            "https://A.example",
            "https://a.example:443",
            "https://*.a.example",
            "a.example",
            "ftp://a.example",
            "https://u@a.example",
        ] {
            let problem = testing::problem(origins(wrong, Environment::Dev), "CORS_ORIGINS");
            assert!(problem.starts_with("must"), "{problem}");
        }
    }

    #[test]
    fn every_invalid_entry_is_a_fault() {
        let faults = origins("*, https://a.example, null,", Environment::Dev).unwrap_err().faults;
        assert_eq!(faults.len(), 3, "{faults:?}");
    }

    #[test]
    fn production_refuses_plain_http_except_from_loopback() {
        assert!(origins("http://a.example", Environment::Staging).is_ok());
        let error = origins("http://a.example", Environment::Production).unwrap_err().to_string();
        assert!(
            error.contains("must use https in production, which \"http://a.example\" does not"),
            "{error}"
        );
        for loopback in ["http://localhost", "http://app.localhost:3000", "http://127.0.0.1:3000"] {
            assert!(origins(loopback, Environment::Production).is_ok(), "{loopback}");
        }
    }
}
