//! The address that a request comes from.

use std::net::IpAddr;

use ipnet::IpNet;

/// The length of the network that identifies an IPv6 client: a customer usually gets a whole /64.
const IPV6_NETWORK_BITS: u8 = 64;

/// Parses an address as proxies write it: bare, or with a port.
pub(crate) fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = || hop.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let with_port = || hop.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// The address or, for IPv6, the network that identifies a client.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(_) => IpNet::new(address, IPV6_NETWORK_BITS).map_or(address, |net| net.network()),
    }
}
