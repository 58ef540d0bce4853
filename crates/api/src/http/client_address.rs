//! The address that a request comes from.

use std::net::IpAddr;

use ipnet::IpNet;

/// How much of an IPv6 address tells whom it belongs to: a customer usually has all of a /64.
const IPV6_NETWORK_BITS: u8 = 64;

/// An address as proxies write it: bare, or with a port.
pub(crate) fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = || hop.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let with_port = || hop.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Whom an address belongs to.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(_) => IpNet::new(address, IPV6_NETWORK_BITS).map_or(address, |net| net.network()),
    }
}
