//! SIGTERM and Ctrl-C.

use std::{io, time::Duration};

use actix_web::dev::ServerHandle;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::health::readiness::Readiness;

/// Begins to stop the server at the first signal and returns at the second.
///
/// actix-web offers no way to cut its own stop short: it waits until the requests in flight have been answered.
pub(crate) async fn stop_on_signals(
    handle: ServerHandle,
    readiness: &Readiness,
    drain: Duration,
) -> io::Error {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received; the program can only be killed");
        return std::future::pending().await;
    };
    let mut next_signal = async || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    next_signal().await;
    readiness.begin_to_stop();
    tracing::info!(
        "stopping: the requests in flight are being answered; a second signal ends the program at once"
    );
    // During the drain, readiness fails and every answer closes its connection, so that at the end no client has a
    // connection on which to send another request.
    let drained = async {
        sleep(drain).await;
        drop(handle.stop(true));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = drained => {}
        () = next_signal() => {}
    }
    io::Error::other("a second signal came before all requests in flight were answered")
}
