//! The rate limits.

use std::{net::IpAddr, num::NonZeroU32};

use ipnet::IpNet;

use crate::{quoted::quoted, reader::Reader};

/// The highest limit that can be set, in requests per minute.
const MAX_QUOTA: u32 = 1_000_000;

/// How many requests a client may send in a minute; `None` means no limit.
#[derive(Clone, Debug, Default)]
pub struct LimitSettings {
    /// Requests of one user.
    pub per_user: Option<NonZeroU32>,
    /// Requests without a valid token from one address.
    pub failures_per_address: Option<NonZeroU32>,
    /// The proxies whose `X-Forwarded-For` names the address of the client.
    pub trusted_proxies: Vec<IpNet>,
}

/// Reads `RATE_LIMIT_PER_MINUTE`, `RATE_LIMIT_FAILED_AUTH_PER_MINUTE` and `TRUSTED_PROXIES`.
pub(crate) fn read(reader: &mut Reader) -> LimitSettings {
    let mut quota = |name| reader.optional_number(name, 1, MAX_QUOTA).and_then(NonZeroU32::new);
    let per_user = quota("RATE_LIMIT_PER_MINUTE");
    let failures_per_address = quota("RATE_LIMIT_FAILED_AUTH_PER_MINUTE");
    let trusted_proxies = reader.parsed("TRUSTED_PROXIES", proxies).unwrap_or_default();
    LimitSettings { per_user, failures_per_address, trusted_proxies }
}

/// An IPv4 network in the place of the IPv6 one that it is mapped to: clients are compared by their IPv4 address.
fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(mapped) = net else { return net };
    let (address, bits) = (mapped.addr().to_ipv4_mapped(), mapped.prefix_len().checked_sub(96));
    let net = address.zip(bits).and_then(|(address, bits)| IpNet::new(address.into(), bits).ok());
    net.unwrap_or(IpNet::V6(mapped))
}

/// Addresses, and networks in the form of RFC 4632.
fn proxies(text: &str) -> Result<Vec<IpNet>, String> {
    let net = |entry: &str| {
        let address = || entry.parse::<IpAddr>().ok().map(IpNet::from);
        entry.parse().ok().or_else(address).map(canonical).ok_or_else(|| {
            format!(
                "must be addresses or networks like 10.0.0.0/8, with commas in between, not {}",
                quoted(entry, text)
            )
        })
    };
    text.split(',').map(str::trim).map(net).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_that_is_written_as_an_ipv6_one_is_the_same_proxy() {
        let net = |text: &str| proxies(text).unwrap()[0].to_string();
        assert_eq!(net("::ffff:127.0.0.1"), "127.0.0.1/32");
        assert_eq!(net("::ffff:10.0.0.0/104"), "10.0.0.0/8");
        assert_eq!(net("::1"), "::1/128");
        assert_eq!(net("::/0"), "::/0");
    }
}
