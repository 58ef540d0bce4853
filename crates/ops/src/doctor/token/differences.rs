//! Describes how two addresses differ that should be equal.

use url::{Host, Url};

const UNRELATED: &str = "they have nothing to do with each other";

/// How far apart the two are: the nearest address is probably the one that was meant.
pub(super) fn distance(token: &str, setting: &str) -> usize {
    let found = differences(token, setting);
    if found == [UNRELATED] { usize::MAX } else { found.len() }
}

/// The differences, one sentence each: at least one if the texts are not equal.
pub(super) fn differences(token: &str, setting: &str) -> Vec<String> {
    let simple = if token.trim() == setting.trim() {
        Some("there is white space around one of them")
    } else if token == setting.trim_matches(['"', '\'']) {
        Some("the setting has quotation marks around it")
    } else {
        None
    };
    if let Some(simple) = simple {
        return vec![simple.to_owned()];
    }
    let found = match (address(token), address(setting)) {
        (Some(token_url), Some(setting_url)) => of_addresses(token, &token_url, setting, &setting_url),
        (Some(url), None) if without_scheme(&url) == setting => {
            vec![format!("the setting lacks {}://", url.scheme())]
        }
        (None, Some(url)) if without_scheme(&url) == token => {
            vec![format!("the token's lacks {}://", url.scheme())]
        }
        _ => Vec::new(),
    };
    match found {
        found if !found.is_empty() => found,
        _ if token.eq_ignore_ascii_case(setting) => vec!["upper and lower case differ".to_owned()],
        _ => vec![UNRELATED.to_owned()],
    }
}

fn address(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))
}

fn without_scheme(url: &Url) -> String {
    let text = url.as_str().trim_end_matches('/');
    text.split_once("://").map_or(text, |(_, rest)| rest).to_owned()
}

fn of_addresses(token_text: &str, token: &Url, setting_text: &str, setting: &Url) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, token: &str, setting: &str| {
        found.push(format!("the token has {what} {token}, the setting {setting}"));
    };
    if token.scheme() != setting.scheme() {
        differ("the scheme", token.scheme(), setting.scheme());
    }
    if let Some(host) = hosts(token, setting) {
        found.push(host);
    }
    let mut differ = |sentence: String| found.push(sentence);
    if token.port() != setting.port() {
        let name = |port: Option<u16>| port.map_or("no port".to_owned(), |port| format!("the port {port}"));
        differ(format!("the token has {}, the setting {}", name(token.port()), name(setting.port())));
    }
    let path = |url: &Url| match url.path().trim_end_matches('/') {
        "" => "no path".to_owned(),
        path => format!("the path {}", crate::doctor::shown::plain(path)),
    };
    if path(token) != path(setting) {
        differ(format!("the token has {}, the setting {}", path(token), path(setting)));
    }
    match (token_text.ends_with('/'), setting_text.ends_with('/')) {
        (true, false) => differ("the token has a slash at the end, the setting has none".to_owned()),
        (false, true) => differ("the setting has a slash at the end, the token has none".to_owned()),
        _ => {}
    }
    let begins = |text: &str| text.bytes().any(|byte| byte.is_ascii_uppercase());
    if found.is_empty() && begins(token_text) != begins(setting_text) {
        found.push("upper and lower case differ".to_owned());
    } else if found.is_empty() && token == setting {
        found.push("one of them writes the port out, although it is the default of its scheme".to_owned());
    }
    found
}

fn hosts(token: &Url, setting: &Url) -> Option<String> {
    let (of_token, of_setting) = (token.host_str()?, setting.host_str()?);
    if of_token == of_setting {
        return None;
    }
    let bare = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    Some(if bare(of_token) == bare(of_setting) {
        let (with, without) =
            if of_token.starts_with("www.") { ("token", "setting") } else { ("setting", "token") };
        format!("the {with} has www. in front, the {without} has not")
    } else if is_loopback(token) && is_loopback(setting) {
        format!("{of_token} and {of_setting} are the same machine and not the same text")
    } else {
        format!("the token has the host {of_token}, the setting {of_setting}")
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_described() {
        const APP: &str = "https://app.example.com";
        for (token, setting, expected) in [
            ("https://app.example.com/", APP, "the token has a slash at the end"),
            (APP, "https://app.example.com/", "the setting has a slash at the end"),
            ("http://app.example.com", APP, "the token has the scheme http, the setting https"),
            ("https://app.example.com:8443", APP, "the token has the port 8443, the setting no port"),
            (APP, "https://app.example.com:443", "one of them writes the port out"),
            (APP, "https://App.Example.com", "upper and lower case differ"),
            ("https://www.app.example.com", APP, "the token has www. in front, the setting has not"),
            (APP, "https://www.app.example.com", "the setting has www. in front"),
            (
                "https://app.example.com/api/auth",
                APP,
                "the token has the path /api/auth, the setting no path",
            ),
            ("https://staging.example.com", APP, "the host staging.example.com, the setting app.example.com"),
            ("http://localhost:3000", "http://127.0.0.1:3000", "the same machine and not the same text"),
            (APP, "app.example.com", "the setting lacks https://"),
            ("app.example.com", APP, "the token's lacks https://"),
            (APP, " https://app.example.com", "white space around"),
            (APP, "\"https://app.example.com\"", "quotation marks"),
            ("Tasks", "tasks", "upper and lower case differ"),
            ("tasks", APP, "nothing to do with each other"),
            ("\u{1b}[2J", APP, "nothing to do with each other"),
        ] {
            let found = differences(token, setting);
            assert_eq!(found.len(), 1, "{token} {setting}: {found:?}");
            assert!(found[0].contains(expected), "{token} {setting}: {found:?}");
        }
    }

    #[test]
    fn all_differences_are_listed() {
        let found = differences("http://localhost:3000/", "https://app.example.com:8443");
        assert_eq!(found.len(), 4, "{found:?}");
    }
}
