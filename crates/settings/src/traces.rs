//! Where traces are sent, and which requests are traced. Names and meaning of the variables are those of OpenTelemetry.

use std::{fmt, time::Duration};

use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::{quoted::quoted, reader::Reader};

/// The default name of the service in traces.
const SERVICE_NAME: &str = "task-api";
/// The resource attribute that `OTEL_SERVICE_NAME` overrides.
const SERVICE_NAME_ATTRIBUTE: &str = "service.name";
/// The path that OTLP over HTTP appends to the address of a collector.
const TRACES_PATH: &str = "/v1/traces";
/// The only supported exporter.
const EXPORTER: &str = "otlp";
/// The only supported protocol.
const PROTOCOL: &str = "http/protobuf";
/// The longest timeout that can be set, in milliseconds.
const MAX_TIMEOUT_MS: u64 = 60_000;

/// Where traces are sent, and which requests are traced.
#[derive(Clone)]
pub struct TraceSettings {
    /// The full address that spans are posted to.
    pub endpoint: Url,
    /// Additional request headers, such as a key. The values are secret.
    pub headers: HeaderMap,
    /// How long the collector may take to answer.
    pub timeout: Duration,
    /// The name of the service.
    pub service_name: String,
    /// Further resource attributes.
    pub resource: Vec<(String, String)>,
    /// Which requests are traced.
    pub sampler: TraceSampler,
}

impl fmt::Debug for TraceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a key too.
        let host = self.endpoint.host_str();
        f.debug_struct("TraceSettings")
            .field("host", &host)
            .field("sampler", &self.sampler)
            .finish_non_exhaustive()
    }
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceSampler {
    /// Whether the sampling decision of the caller, if the request has one, is followed.
    pub parent_decides: bool,
    /// The share of the other requests that is traced, from 0 to 1.
    pub ratio: f64,
}

/// Reads the settings; `None` if traces are off. What cannot be done switches them off, with a remark: a platform sets these
/// variables for all its programs, and none of them must keep the service from starting.
pub(crate) fn read(reader: &mut Reader) -> Option<TraceSettings> {
    reader.without_faults("no traces are sent", read_all)
}

fn read_all(reader: &mut Reader) -> Option<TraceSettings> {
    let is_on = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
        .iter()
        .any(|name| reader.text(name).is_some());
    if !is_on || reader.parsed("OTEL_SDK_DISABLED", yes_or_no).unwrap_or_default() || !is_spoken(reader) {
        return None;
    }
    let base = reader.parsed("OTEL_EXPORTER_OTLP_ENDPOINT", address).map(with_traces_path);
    let whole = reader.parsed("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address);
    let headers = reader.parsed("OTEL_EXPORTER_OTLP_HEADERS", headers).unwrap_or_default();
    let timeout = Duration::from_millis(reader.number("OTEL_EXPORTER_OTLP_TIMEOUT", 1, MAX_TIMEOUT_MS));
    let mut resource = reader.parsed("OTEL_RESOURCE_ATTRIBUTES", attributes).unwrap_or_default();
    let sampler = sampler(reader);

    let named = resource.iter().rposition(|(name, _)| name == SERVICE_NAME_ATTRIBUTE);
    let named = named.map(|place| resource.swap_remove(place).1);
    resource.retain(|(name, _)| name != SERVICE_NAME_ATTRIBUTE);
    let service_name = reader.text("OTEL_SERVICE_NAME").or(named).unwrap_or_else(|| SERVICE_NAME.to_owned());
    let endpoint = whole.or(base)?;
    Some(TraceSettings { endpoint, headers, timeout, service_name, resource, sampler })
}

/// The problem never repeats the address, which may hold a key.
fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("must be the address of a collector, with http:// or https://")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user or a password in it; use OTEL_EXPORTER_OTLP_HEADERS".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment (#) in it".to_owned());
    }
    Ok(url)
}

fn with_traces_path(mut url: Url) -> Url {
    let path = format!("{}{TRACES_PATH}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// Whether spans are wanted, in a form that this program speaks. Notes a fault if it does not speak it.
fn is_spoken(reader: &mut Reader) -> bool {
    let exporter = reader.text("OTEL_TRACES_EXPORTER").unwrap_or_else(|| EXPORTER.to_owned());
    if exporter == "none" {
        return false;
    }
    let protocol = reader
        .text("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
        .or_else(|| reader.text("OTEL_EXPORTER_OTLP_PROTOCOL"));
    let wanted = [
        ("OTEL_TRACES_EXPORTER", Some(exporter), EXPORTER),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol, PROTOCOL),
    ];
    for (name, value, spoken) in wanted {
        if value.is_some_and(|value| value != spoken) {
            reader.fault(name, format!("is something else than {spoken}, the only one that is spoken"));
            return false;
        }
    }
    true
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("must be true or false, not {}", quoted(text, text))),
    }
}

/// Parses names and values as in W3C Baggage: `name=value,name=value`, the values percent-encoded. The error is the number
/// of the invalid entry, because the entry itself may be secret.
fn pairs(text: &str) -> Result<Vec<(String, String)>, usize> {
    let pair = |entry: &str| {
        let (name, value) = entry.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?.into_owned();
        Some((name.trim().to_owned(), value)).filter(|(name, _)| !name.is_empty())
    };
    let entries = text.split(',').enumerate().filter(|(_, entry)| !entry.trim().is_empty());
    entries.map(|(index, entry)| pair(entry).ok_or(index + 1)).collect()
}

fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    pairs(text).map_err(|entry| {
        format!("must be names and values like team=shop, with commas in between; entry {entry} is not")
    })
}

fn headers(text: &str) -> Result<HeaderMap, String> {
    let problem =
        |entry| format!("must be headers like api-key=secret, with commas in between; entry {entry} is not");
    let mut headers = HeaderMap::new();
    for (index, (name, value)) in pairs(text).map_err(problem)?.into_iter().enumerate() {
        let name: HeaderName = name.parse().map_err(|_| problem(index + 1))?;
        let mut value: HeaderValue = value.parse().map_err(|_| problem(index + 1))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn sampler(reader: &mut Reader) -> TraceSampler {
    let ratio = reader.parsed("OTEL_TRACES_SAMPLER_ARG", |text| {
        let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
        number.ok_or_else(|| format!("must be a number from 0 to 1, not {}", quoted(text, text)))
    });
    let ratio: f64 = ratio.unwrap_or(1.0);
    let sampler = reader.parsed("OTEL_TRACES_SAMPLER", |text| {
        let (parent_decides, kind) = match text.strip_prefix("parentbased_") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let ratio = match kind {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => ratio,
            _ => {
                return Err(format!(
                    "must be always_on, always_off or traceidratio, or one of these after parentbased_, not {}",
                    quoted(text, text)
                ));
            }
        };
        Ok(TraceSampler { parent_decides, ratio })
    });
    sampler.unwrap_or(TraceSampler { parent_decides: true, ratio: 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{reader::InvalidSettings, testing};

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

    fn with(variables: &[(&str, &str)]) -> Result<Option<TraceSettings>, InvalidSettings> {
        testing::read(variables, read)
    }

    /// Whether traces are on, and what was said.
    fn remarks(variables: &[(&str, &str)]) -> (bool, Vec<String>) {
        let read = |reader: &mut Reader| (read(reader).is_some(), reader.remarks());
        testing::read(variables, read).unwrap()
    }

    fn on(variables: &[(&str, &str)]) -> TraceSettings {
        with(&[&[ENDPOINT], variables].concat()).unwrap().unwrap()
    }

    #[test]
    fn traces_are_off_without_a_collector_and_if_the_sdk_is_disabled() {
        assert!(with(&[]).unwrap().is_none());
        assert!(
            with(&[("OTEL_SERVICE_NAME", "shop"), ("OTEL_TRACES_SAMPLER", "always_on")]).unwrap().is_none()
        );
        assert!(with(&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")]).unwrap().is_none());
        assert!(with(&[ENDPOINT, ("OTEL_SDK_DISABLED", "false")]).unwrap().is_some());
    }

    #[test]
    fn a_protocol_that_is_not_spoken_switches_traces_off_with_a_remark() {
        let read = |variables: &[(&str, &str)]| remarks(&[&[ENDPOINT], variables].concat());
        for (variable, remarks) in [
            (("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), 1),
            (("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"), 1),
            (("OTEL_TRACES_EXPORTER", "zipkin"), 1),
            (("OTEL_TRACES_EXPORTER", "none"), 0),
            (("OTEL_SDK_DISABLED", "true"), 0),
        ] {
            let (is_on, said) = read(&[variable]);
            assert_eq!((is_on, said.len()), (false, remarks), "{variable:?}: {said:?}");
        }
        let own = [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ];
        assert_eq!(read(&own), (true, Vec::new()));
        assert_eq!(read(&[("OTEL_TRACES_EXPORTER", "otlp")]), (true, Vec::new()));
    }

    #[test]
    fn the_traces_path_is_appended_to_the_general_address_only() {
        let general = |address| on(&[("OTEL_EXPORTER_OTLP_ENDPOINT", address)]).endpoint.to_string();
        assert_eq!(general("http://collector:4318"), "http://collector:4318/v1/traces");
        assert_eq!(general("https://collector/otlp/"), "https://collector/otlp/v1/traces");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://tempo:4318/push");
        assert_eq!(on(&[own]).endpoint.as_str(), "http://tempo:4318/push");
        assert_eq!(with(&[own]).unwrap().unwrap().endpoint.as_str(), "http://tempo:4318/push");
    }

    #[test]
    fn every_variable_has_the_default_of_opentelemetry() {
        let traces = on(&[]);
        assert!(traces.headers.is_empty() && traces.resource.is_empty());
        assert_eq!((traces.timeout, traces.service_name.as_str()), (Duration::from_secs(10), "task-api"));
        assert_eq!(traces.sampler, TraceSampler { parent_decides: true, ratio: 1.0 });
    }

    #[test]
    fn the_name_of_the_service_overrides_the_attribute() {
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,team=a%20b, k8s.pod.name = p-1 ,");
        let traces = on(&[attributes]);
        assert_eq!(traces.service_name, "shop");
        let mut resource = traces.resource.clone();
        resource.sort();
        let expected = [("k8s.pod.name", "p-1"), ("team", "a b")];
        assert_eq!(resource, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(on(&[attributes, ("OTEL_SERVICE_NAME", "tasks")]).service_name, "tasks");
    }

    #[test]
    fn every_sampler_except_the_remote_ones_is_supported() {
        let sampled = |name, argument| {
            let TraceSampler { parent_decides, ratio } =
                on(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]).sampler;
            (parent_decides, ratio)
        };
        assert_eq!(sampled("always_on", ""), (false, 1.0));
        assert_eq!(sampled("always_off", ""), (false, 0.0));
        assert_eq!(sampled("traceidratio", "0.25"), (false, 0.25));
        assert_eq!(sampled("parentbased_always_on", "0.25"), (true, 1.0));
        assert_eq!(sampled("parentbased_always_off", ""), (true, 0.0));
        assert_eq!(sampled("parentbased_traceidratio", ""), (true, 1.0));
    }

    #[test]
    fn a_fault_switches_traces_off_and_is_told_without_a_secret() {
        for (name, value, problem) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "must be the address of a collector"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://hunter2:4317", "must be the address of a collector"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hunter2@a", "must not have a user or a password"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a/#hunter2", "must not have a fragment"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,hunter2", "must be headers"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a b=hunter2", "must be"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=hunter2%0A", "must be"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "must be a whole number from 1 to 60000"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team", "must be names and values"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote", "must be always_on, always_off or traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.5", "must be a number from 0 to 1, not \"1.5\""),
            ("OTEL_TRACES_SAMPLER_ARG", "NaN", "must be a number from 0 to 1"),
            ("OTEL_SDK_DISABLED", "yes", "must be true or false, not \"yes\""),
        ] {
            let (is_on, remarks) = remarks(&[ENDPOINT, (name, value)]);
            assert_eq!((is_on, remarks.len()), (false, 1), "{remarks:?}");
            let begin = format!("no traces are sent: {name} {problem}");
            assert!(remarks[0].starts_with(&begin), "{remarks:?}");
            assert!(!remarks[0].contains("hunter2"), "{remarks:?}");
        }
    }

    #[test]
    fn other_variables_are_ignored_while_traces_are_off() {
        let odd = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_TRACES_SAMPLER", "xray")];
        assert!(with(&odd).unwrap().is_none());
        assert!(with(&[ENDPOINT, odd[0], odd[1], ("OTEL_SDK_DISABLED", "true")]).unwrap().is_none());
        assert_eq!(remarks(&[ENDPOINT, odd[0], odd[1], ("OTEL_SDK_DISABLED", "true")]).1, [""; 0]);
    }

    #[test]
    fn debug_shows_no_header() {
        let traces = on(&[("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20hunter2, x-team=shop")]);
        assert_eq!(traces.headers["authorization"], "Basic hunter2");
        assert_eq!(traces.headers["x-team"], "shop");
        let shown = format!("{traces:?} {:?}", traces.headers);
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
