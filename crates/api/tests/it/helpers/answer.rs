//! An answer, and what the contract says of every one.

use std::fmt::Debug;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::client::Request;

/// Members in the order of the contract: what is parsed and written again must be the same text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Task {
    pub(crate) id: i64,
    pub(crate) user_id: String,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) completed: bool,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) version: i64,
    pub(crate) completed_at: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskList {
    pub(crate) tasks: Vec<Task>,
    pub(crate) count: usize,
    pub(crate) next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deleted {
    pub(crate) message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Health {
    pub(crate) status: String,
    pub(crate) environment: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ready {
    pub(crate) status: String,
    pub(crate) checks: Checks,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checks {
    pub(crate) database: String,
    pub(crate) migrations: String,
    pub(crate) keys: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhoAmI {
    pub(crate) user_id: String,
    pub(crate) issuer: Option<String>,
    pub(crate) expires_at: String,
    pub(crate) algorithm: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorBody {
    pub(crate) error: String,
    pub(crate) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fields: Option<Vec<Fault>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<Task>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) field: String,
    pub(crate) message: String,
}

/// Every code of the contract with its status.
pub(crate) const CODES: [(&str, u16); 21] = [
    ("invalid_json", 400),
    ("validation_failed", 400),
    ("invalid_query", 400),
    ("invalid_path", 400),
    ("empty_update", 400),
    ("invalid_cursor", 400),
    ("invalid_header", 400),
    ("unauthorized", 401),
    ("forbidden", 403),
    ("unknown_user", 403),
    ("not_found", 404),
    ("method_not_allowed", 405),
    ("idempotency_in_progress", 409),
    ("precondition_failed", 412),
    ("payload_too_large", 413),
    ("request_timeout", 408),
    ("unsupported_media_type", 415),
    ("idempotency_mismatch", 422),
    ("internal", 500),
    ("rate_limited", 429),
    ("unavailable", 503),
];

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Takes one answer from the front of `bytes`, with its length; `None` where it is not complete.
    pub(crate) fn parse(bytes: &[u8], method: &str) -> Option<(Self, usize)> {
        let head_length = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&bytes[..head_length - 4]).expect("a head in ASCII");
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap();
        let status: u16 = status_line.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        if status == 100 {
            let (answer, length) = Self::parse(&bytes[head_length..], method)?;
            return Some((answer, head_length + length));
        }
        let headers = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: Vec::new() };
        if method == "HEAD" || [204, 304].contains(&status) {
            return Some((answer, head_length));
        }
        let length =
            head_length + answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = bytes.get(head_length..length)?.to_vec();
        Some((answer, length))
    }

    /// The value of a header that is sent once, or not at all.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values =
            self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is sent more than once");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The headers but those that differ from answer to answer.
    pub(crate) fn lasting_headers(&self) -> Vec<(&str, &str)> {
        let passing = ["date", "x-request-id"];
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !passing.contains(name))
            .collect();
        headers.sort_unstable();
        headers
    }

    /// The body as an object of that shape: all of its members, no others, and in this order.
    #[track_caller]
    fn shaped<T: DeserializeOwned + Serialize + Debug>(&self) -> T {
        let text = self.text();
        let body: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(serde_json::to_string(&body).unwrap(), text, "members or their order");
        body
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub(crate) fn task(&self) -> Task {
        assert!([200, 201].contains(&self.status), "{} {}", self.status, self.text());
        self.shaped()
    }

    #[track_caller]
    pub(crate) fn tasks(&self) -> Vec<Task> {
        self.list().tasks
    }

    /// A page of a list: there is more exactly when both the body and `Link` say so.
    #[track_caller]
    pub(crate) fn list(&self) -> TaskList {
        self.assert_status(200);
        let list: TaskList = self.shaped();
        assert_eq!(list.count, list.tasks.len());
        assert_eq!(
            list.next_cursor.is_some(),
            self.header("link").is_some(),
            "a list is cut with both signs"
        );
        list
    }

    #[track_caller]
    pub(crate) fn deleted(&self) -> Deleted {
        self.assert_status(200).shaped()
    }

    #[track_caller]
    pub(crate) fn health(&self) -> Health {
        self.assert_status(200).shaped()
    }

    /// Database, migrations and keys, as `/health/ready` names them.
    #[track_caller]
    pub(crate) fn readiness(&self) -> [String; 3] {
        let Ready { status, checks: Checks { database, migrations, keys } } = self.shaped();
        let all = [database, migrations, keys];
        let is_ready = all.iter().all(|check| check == "ok");
        let expected = if is_ready { (200, "ready") } else { (503, "not ready") };
        if status == "stopping" {
            assert_eq!(self.status, 503);
        } else {
            assert_eq!((self.status, status.as_str()), expected, "{all:?}");
        }
        all
    }

    #[track_caller]
    pub(crate) fn who_am_i(&self) -> WhoAmI {
        self.assert_status(200).shaped()
    }

    /// The body of an error of that status and code.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str) -> ErrorBody {
        let body = self.error();
        assert_eq!((self.status, body.error.as_str()), (status, code), "{}", body.detail);
        body
    }

    /// The sentence of an error for people.
    #[track_caller]
    pub(crate) fn error_detail(&self) -> String {
        self.error().detail
    }

    /// The names of the members or parameters at fault.
    #[track_caller]
    pub(crate) fn assert_faults(&self, code: &str) -> Vec<String> {
        let fields = self.assert_error(400, code).fields.expect("fields");
        fields.into_iter().map(|fault| fault.field).collect()
    }

    /// The body of an error, and what holds for every error.
    #[track_caller]
    fn error(&self) -> ErrorBody {
        let body: ErrorBody = self.shaped();
        assert!(CODES.contains(&(body.error.as_str(), self.status)), "{} {}", self.status, body.error);
        let one_sentence =
            body.detail.ends_with('.') && !body.detail.contains('\n') && body.detail.len() < 200;
        assert!(one_sentence, "{:?} is no sentence for people", body.detail);
        let has_fields = ["validation_failed", "invalid_query"].contains(&body.error.as_str());
        assert_eq!(body.fields.is_some(), has_fields, "{}", body.error);
        assert_eq!(body.current.is_some(), body.error == "precondition_failed", "{}", body.error);
        if let Some(fields) = &body.fields {
            assert!((1..=100).contains(&fields.len()), "{} fields", fields.len());
            assert!(fields.iter().all(|fault| !fault.message.is_empty()));
        }
        body
    }

    /// What the contract says of every answer that the program gives.
    pub(crate) fn check_what_holds_for_all(&self, request: &Request) {
        let path = request.target.split('?').next().unwrap();
        let is_page = self.status == 200 && (path.starts_with("/docs") || path.starts_with("/redoc"));

        let id = self.header("x-request-id").expect("X-Request-Id");
        let is_id_char = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        assert!((1..=128).contains(&id.len()) && id.bytes().all(is_id_char), "{id:?}");
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(self.header("vary"), Some("Origin"));
        if is_page {
            assert!(self.header("content-security-policy").unwrap().starts_with("default-src 'self'"));
        } else {
            assert_eq!(self.header("cache-control"), Some("no-store"));
        }

        self.check_header_names(request, path);
        if [204, 304].contains(&self.status) || request.method == "HEAD" {
            assert!(self.body.is_empty());
        } else if !is_page {
            assert_eq!(self.header("content-type"), Some("application/json"));
            self.check_shape(request, path);
        }
    }

    /// Headers that the contract knows, each only where it has a meaning.
    fn check_header_names(&self, request: &Request, path: &str) {
        let is_list = path.ends_with("/tasks") && request.method != "POST";
        for (name, _) in &self.headers {
            let expected = match name.as_str() {
                "x-request-id"
                | "x-content-type-options"
                | "vary"
                | "cache-control"
                | "date"
                | "connection"
                | "content-length" => true,
                "content-type" => ![204, 304].contains(&self.status),
                "content-security-policy" => self.status == 200,
                "link" => self.status == 200 && is_list,
                "location" => self.status == 201,
                "www-authenticate" => self.status == 401,
                "allow" => self.status == 405,
                "ratelimit" | "ratelimit-policy" => self.header("ratelimit-policy").is_some(),
                "retry-after" => [409, 429, 503].contains(&self.status),
                "accept-patch" => self.status == 415 && request.method == "PATCH",
                "etag" => match self.status {
                    200 => request.method != "DELETE" && !is_list && path != "/api/whoami",
                    status => [201, 304, 412].contains(&status),
                },
                "idempotency-replayed" => request.has("Idempotency-Key") && self.header(name) == Some("true"),
                name => name.starts_with("access-control-") && request.has("Origin"),
            };
            assert!(expected, "{name} in an answer of status {}", self.status);
            self.header(name);
        }
        let demanded = match self.status {
            201 => Some("location"),
            401 => Some("www-authenticate"),
            405 => Some("allow"),
            409 | 429 | 503 => Some("retry-after"),
            304 | 412 => Some("etag"),
            415 if request.method == "PATCH" && !path.ends_with("/complete") => Some("accept-patch"),
            _ => None,
        };
        if let Some(name) = demanded {
            assert!(
                self.header(name).is_some_and(|value| !value.is_empty()),
                "{} without {name}",
                self.status
            );
        }
    }

    fn check_shape(&self, request: &Request, path: &str) {
        match (self.status, request.method.as_str()) {
            (412, _) => {
                let tag = self.error().current.map(|task| format!("\"{}\"", task.version));
                assert_eq!(self.header("etag"), tag.as_deref());
            }
            (200 | 503, "GET") if path == "/health/ready" => drop(self.readiness()),
            (400.., _) => drop(self.error()),
            (200, "GET") if path == "/openapi.json" => drop(self.json()),
            (200, "GET") if ["/health", "/health/live"].contains(&path) => drop(self.health()),
            (200, "GET") if path == "/api/whoami" => drop(self.who_am_i()),
            (200, "GET") if path.ends_with("/tasks") => drop(self.tasks()),
            (200, "DELETE") => drop(self.deleted()),
            (200, "GET" | "PUT" | "PATCH") | (201, "POST") => {
                let tag = format!("\"{}\"", self.task().version);
                assert_eq!(self.header("etag"), Some(tag.as_str()), "the version of the one task");
            }
            (status, method) => panic!("{status} to {method} {path} is not in the contract"),
        }
    }
}
