//! Rate limits: a token bucket for each user, and one for each address that fails to authenticate.
//!
//! A bucket holds the requests of one minute and refills evenly. Buckets are in the memory of this process: each replica
//! counts for itself.

use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use ipnet::IpNet;
use task_auth::VerifyError;
use task_domain::UserId;
use task_settings::LimitSettings;

use crate::http::{
    client_address::{network, parse_hop},
    error::ApiError,
};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The window of a quota, in seconds.
const WINDOW_SECONDS: u64 = 60;

/// The limits that are configured, with their buckets.
#[derive(Debug)]
pub struct Limits {
    users: Option<Buckets<UserId>>,
    addresses: Option<Buckets<IpAddr>>,
    trusted_proxies: Vec<IpNet>,
}

impl Limits {
    /// Begins with full buckets.
    #[must_use]
    pub fn new(settings: &LimitSettings) -> Self {
        Self {
            users: settings.per_user.map(|quota| Buckets::new("user", quota, MonotonicClock)),
            addresses: settings
                .failures_per_address
                .map(|quota| Buckets::new("failed-authentication", quota, MonotonicClock)),
            trusted_proxies: settings.trusted_proxies.clone(),
        }
    }

    /// Counts a request of a user, and refuses it if the bucket is empty.
    pub(crate) fn count(&self, request: &HttpRequest, user: &UserId) -> Result<(), ApiError> {
        let Some(users) = &self.users else { return Ok(()) };
        let (state, outcome) = users.take(user);
        request.extensions_mut().insert(state);
        outcome.map_err(ApiError::RateLimited)
    }

    /// Counts a request whose token was refused, and returns the error to answer with. Valid tokens are not counted here, so
    /// that clients behind one address cannot lock each other out.
    pub(crate) fn count_failure(&self, request: &HttpRequest, error: VerifyError) -> ApiError {
        let address = if matches!(error, VerifyError::Refused(_)) { self.address(request) } else { None };
        let Some((addresses, address)) = self.addresses.as_ref().zip(address) else { return error.into() };
        let (state, outcome) = addresses.take(&network(address));
        match outcome {
            Ok(()) => error.into(),
            Err(retry_after) => {
                request.extensions_mut().insert(state);
                ApiError::RateLimited(retry_after)
            }
        }
    }

    /// The address of the client: the nearest one that is not a trusted proxy. `X-Forwarded-For` counts only as far as
    /// trusted proxies wrote it.
    fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        let is_trusted = |address: &IpAddr| self.trusted_proxies.iter().any(|net| net.contains(address));
        let mut address = request.peer_addr()?.ip().to_canonical();
        let values: Vec<_> = request.headers().get_all(X_FORWARDED_FOR).collect();
        // Each hop is parsed by itself: a malformed one from the client must not hide what a proxy wrote.
        let hops = values.into_iter().rev().flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops {
            if !is_trusted(&address) {
                break;
            }
            // A hop that is no address was not written by a trusted proxy.
            let Some(further) = std::str::from_utf8(hop).ok().and_then(|hop| parse_hop(hop.trim())) else {
                break;
            };
            address = further;
        }
        Some(address)
    }

    /// Frees the memory of full buckets. A background task calls this.
    pub(crate) fn drop_full_buckets(&self) {
        if let Some(users) = &self.users {
            users.drop_full_buckets();
        }
        if let Some(addresses) = &self.addresses {
            addresses.drop_full_buckets();
        }
    }
}

/// The state of the bucket that counted a request, for the headers of the answer.
#[derive(Clone, Debug)]
pub(crate) struct RateLimitState {
    policy: HeaderValue,
    /// The name of the limit.
    pub(crate) name: &'static str,
    remaining: u32,
    /// After how many seconds the bucket is full again.
    full_after: u64,
}

impl RateLimitState {
    /// Adds the fields of draft-ietf-httpapi-ratelimit-headers-10.
    pub(crate) fn add_headers(self, headers: &mut HeaderMap) {
        let Self { policy, name, remaining, full_after } = self;
        if let Ok(value) = HeaderValue::try_from(format!("\"{name}\";r={remaining};t={full_after}")) {
            headers.insert(RATELIMIT, value);
            headers.insert(RATELIMIT_POLICY, policy);
        }
    }
}

type Limiter<K, C> = RateLimiter<K, DashMapStateStore<K>, C, StateInformationMiddleware>;

/// A bucket for each key.
struct Buckets<K: Hash + Eq + Clone, C: Clock = MonotonicClock> {
    name: &'static str,
    quota: NonZeroU32,
    policy: HeaderValue,
    limiter: Limiter<K, C>,
}

impl<K: Hash + Eq + Clone, C: Clock> Buckets<K, C> {
    fn new(name: &'static str, quota: NonZeroU32, clock: C) -> Self {
        let policy = format!("\"{name}\";q={quota};w={WINDOW_SECONDS}");
        let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("\"default\""));
        let limiter = RateLimiter::<_, _, _, StateInformationMiddleware>::new(
            Quota::per_minute(quota),
            DashMapStateStore::default(),
            clock,
        );
        Self { name, quota, policy, limiter }
    }

    /// Takes one request out of the bucket; an error has the seconds until the next one is free.
    fn take(&self, key: &K) -> (RateLimitState, Result<(), u64>) {
        let (remaining, outcome) = match self.limiter.check_key(key) {
            Ok(snapshot) => (snapshot.remaining_burst_capacity(), Ok(())),
            Err(not_until) => {
                let wait: Duration = not_until.wait_time_from(self.limiter.clock().now());
                (0, Err(wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)))
            }
        };
        let taken = u64::from(self.quota.get().saturating_sub(remaining));
        let full_after = (taken * WINDOW_SECONDS).div_ceil(u64::from(self.quota.get()));
        (RateLimitState { policy: self.policy.clone(), name: self.name, remaining, full_after }, outcome)
    }

    fn drop_full_buckets(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl<K: Hash + Eq + Clone, C: Clock> std::fmt::Debug for Buckets<K, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buckets")
            .field("name", &self.name)
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{ResponseError, test::TestRequest};
    use governor::clock::FakeRelativeClock;
    use task_auth::Refusal;
    use task_domain::testing::user;

    use super::*;

    fn quota(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn headers_of(state: RateLimitState) -> (String, String) {
        let mut headers = HeaderMap::new();
        state.add_headers(&mut headers);
        let text = |name| headers.get(name).unwrap().to_str().unwrap().to_owned();
        (text(RATELIMIT), text(RATELIMIT_POLICY))
    }

    #[test]
    fn a_bucket_is_emptied_and_fills_up_evenly() {
        let clock = FakeRelativeClock::default();
        let buckets = Buckets::new("user", quota(6), clock.clone());
        for left in (0..6).rev() {
            let (state, outcome) = buckets.take(&"ada");
            assert_eq!((state.remaining, outcome), (left, Ok(())));
        }
        let (state, outcome) = buckets.take(&"ada");
        assert_eq!(outcome, Err(10));
        assert_eq!(headers_of(state), ("\"user\";r=0;t=60".to_owned(), "\"user\";q=6;w=60".to_owned()));
        clock.advance(Duration::from_millis(9_500));
        assert_eq!(buckets.take(&"ada").1, Err(1), "half a second is rounded up");
        clock.advance(Duration::from_millis(500));
        assert_eq!(buckets.take(&"ada").1, Ok(()));
        assert_eq!(buckets.take(&"ada").1, Err(10));
    }

    #[test]
    fn each_key_has_a_bucket_of_its_own() {
        let buckets = Buckets::new("user", quota(1), FakeRelativeClock::default());
        assert_eq!(buckets.take(&"ada").1, Ok(()));
        assert_eq!(buckets.take(&"ada").1, Err(60));
        assert_eq!(buckets.take(&"bob").1, Ok(()));
    }

    #[test]
    fn full_buckets_are_dropped_and_the_others_are_kept() {
        let clock = FakeRelativeClock::default();
        let buckets = Buckets::new("user", quota(60), clock.clone());
        buckets.take(&"ada").1.unwrap();
        clock.advance(Duration::from_secs(2));
        buckets.take(&"bob").1.unwrap();
        buckets.drop_full_buckets();
        assert_eq!(buckets.limiter.len(), 1);
    }

    fn limits(per_user: u32, failures: u32, proxies: &[&str]) -> Limits {
        Limits::new(&LimitSettings {
            per_user: NonZeroU32::new(per_user),
            failures_per_address: NonZeroU32::new(failures),
            trusted_proxies: proxies.iter().map(|net| net.parse().unwrap()).collect(),
        })
    }

    fn request(peer: &str, forwarded: &[&str]) -> HttpRequest {
        let request = TestRequest::default().peer_addr(format!("{peer}:1").parse().unwrap());
        let add = |request: TestRequest, value: &&str| request.append_header((X_FORWARDED_FOR, *value));
        forwarded.iter().fold(request, add).to_http_request()
    }

    #[test]
    fn a_forwarded_address_counts_only_if_a_trusted_proxy_wrote_it() {
        let limits = limits(0, 0, &["10.0.0.0/8", "fd00::/8"]);
        for (peer, forwarded, address) in [
            ("203.0.113.9", &[][..], "203.0.113.9"),
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            // A proxy appends: what the client claimed is on the left.
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1,10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["é, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("[fd00::1]", &["2001:db8::1"], "2001:db8::1"),
            ("[::ffff:10.0.0.1]", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            let found = limits.address(&request(peer, forwarded)).unwrap();
            assert_eq!(found.to_string(), address, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_share_a_bucket() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("198.51.100.1"), "198.51.100.1");
    }

    #[test]
    fn without_a_limit_nothing_is_counted_and_no_header_is_added() {
        let (limits, request) = (limits(0, 0, &[]), request("203.0.113.9", &[]));
        for _ in 0..10_000 {
            limits.count(&request, &user("ada")).unwrap();
            let error = limits.count_failure(&request, Refusal::Signature.into());
            assert_eq!(error.status_code(), 401);
        }
        assert!(request.extensions().get::<RateLimitState>().is_none());
    }

    #[test]
    fn a_failure_counts_for_its_address_and_a_missing_key_set_does_not_count() {
        let limits = limits(1, 2, &[]);
        let (here, there) = (request("203.0.113.9", &[]), request("203.0.113.10", &[]));
        let fails = |request, error: VerifyError| limits.count_failure(request, error).status_code().as_u16();
        for _ in 0..5 {
            assert_eq!(fails(&here, VerifyError::KeysNotFetched), 503);
        }
        let statuses: Vec<_> = (0..3).map(|_| fails(&here, Refusal::Signature.into())).collect();
        assert_eq!(statuses, [401, 401, 429]);
        assert_eq!(fails(&there, Refusal::Missing.into()), 401);
        limits.count(&here, &user("ada")).unwrap();
        assert_eq!(limits.count(&here, &user("ada")).unwrap_err().status_code(), 429);
    }
}
