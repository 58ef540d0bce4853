//! The address of the metrics.

use std::net::SocketAddr;

use crate::{quoted::quoted, reader::Reader};

/// Reads `METRICS_ADDR`.
pub(crate) fn read(reader: &mut Reader) -> Option<SocketAddr> {
    reader.parsed("METRICS_ADDR", |text| {
        text.parse().map_err(|_| format!("must be an address with a port, not {}", quoted(text, text)))
    })
}
