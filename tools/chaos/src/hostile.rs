//! Clients that mean no good, thousands at once: they wait, drip, send too much or send nonsense.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::store::USER;

/// How many come at once, where as many descriptors may be open.
const CROWD: usize = 4_000;
/// The same for a short run, whose service is not optimised.
const SMALL_CROWD: usize = 1_000;
/// What else needs a descriptor, here and in the service.
const SPARE: usize = 300;
/// How often something drips.
const DRIP: Duration = Duration::from_millis(500);
/// Many times what the service lets a head or a body take.
const GONE_LIMIT: Duration = Duration::from_secs(20);
/// The most that a body may have, and a head; these are larger.
const TOO_LARGE: usize = 200_000;
/// Nearly as much as a head or a body may have.
const NEARLY: usize = 120_000;
/// How many requests are sent in one go.
const PIPELINED: usize = 32;

/// What one of them does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Connects, and says nothing.
    Silent,
    /// Asks once, and stays.
    Idle,
    /// Asks once, and sends the first byte of another request.
    NextHead,
    /// Sends a large head, whose end never comes.
    DrippedHead,
    /// Sends most of a body of known length, and the rest in drops.
    DrippedBody,
    /// Sends chunks of one byte.
    DrippedChunks,
    LargeHead,
    LargeBody,
    LargeChunks,
    /// Sends many requests at once, and reads all answers.
    Pipelined,
    /// Sends many requests at once, and reads nothing.
    Unread,
    /// The same for the largest file that the service has, which takes no token.
    UnreadFile,
    BrokenChunks,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::Silent,
        Self::Idle,
        Self::NextHead,
        Self::DrippedHead,
        Self::DrippedBody,
        Self::DrippedChunks,
        Self::LargeHead,
        Self::LargeBody,
        Self::LargeChunks,
        Self::Pipelined,
        Self::Unread,
        Self::UnreadFile,
        Self::BrokenChunks,
    ];

    /// Whether the service may let it stay: it does nothing that is forbidden.
    fn may_stay(self) -> bool {
        matches!(self, Self::Idle | Self::NextHead | Self::Unread | Self::UnreadFile)
    }

    /// What it may be answered; some are disconnected without an answer.
    fn statuses(self) -> &'static [u16] {
        match self {
            Self::Silent | Self::DrippedHead | Self::DrippedBody | Self::DrippedChunks => &[408],
            Self::LargeHead => &[431],
            Self::LargeBody | Self::LargeChunks => &[413],
            Self::BrokenChunks => &[400],
            // A crowd may be more than the database can bear.
            Self::Pipelined | Self::Idle | Self::NextHead | Self::Unread | Self::UnreadFile => &[200, 503],
        }
    }

    /// What it sends at once.
    fn opening(self, token: &str) -> String {
        let head = format!("Host: localhost\r\nAuthorization: Bearer {token}\r\n");
        let write = |framing: &str| {
            format!(
                "POST /api/{USER}/tasks HTTP/1.1\r\n{head}Content-Type: application/json\r\n{framing}\r\n\r\n"
            )
        };
        let lists = |limit: usize, end: &str| {
            let list = |end: &str| format!("GET /api/{USER}/tasks?limit={limit} HTTP/1.1\r\n{head}{end}\r\n");
            list("").repeat(PIPELINED - 1) + &list(end)
        };
        match self {
            Self::Silent => String::new(),
            Self::Idle | Self::NextHead => format!("GET /api/whoami HTTP/1.1\r\n{head}\r\n"),
            Self::DrippedHead => format!("GET /health HTTP/1.1\r\n{head}X-Long: {}", "x".repeat(NEARLY)),
            Self::LargeHead => {
                format!("GET /health HTTP/1.1\r\n{head}X-Long: {}\r\n\r\n", "x".repeat(TOO_LARGE))
            }
            Self::DrippedBody => write("Content-Length: 131072") + &" ".repeat(NEARLY),
            Self::DrippedChunks => write("Transfer-Encoding: chunked"),
            Self::LargeBody => write(&format!("Content-Length: {TOO_LARGE}")) + &" ".repeat(TOO_LARGE),
            Self::LargeChunks => {
                let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
                write("Transfer-Encoding: chunked") + &chunk.repeat(TOO_LARGE / 0x1000) + "0\r\n\r\n"
            }
            Self::Pipelined => lists(10, "Connection: close\r\n"),
            Self::Unread => lists(100, ""),
            Self::UnreadFile => {
                "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(PIPELINED)
            }
            Self::BrokenChunks => write("Transfer-Encoding: chunked") + "ZZ\r\n{}\r\n0\r\n\r\n",
        }
    }

    /// What it sends now and then, if it drips.
    fn drop(self) -> Option<&'static [u8]> {
        match self {
            Self::DrippedHead => Some(b"x"),
            Self::DrippedBody => Some(b" "),
            Self::DrippedChunks => Some(b"1\r\n \r\n"),
            _ => None,
        }
    }
}

/// Raises how many descriptors this program and those that it starts may have open, as far as it may, and says how many
/// hostile clients that is enough for.
pub(crate) fn crowd(short: bool) -> anyhow::Result<usize> {
    let most = if short { SMALL_CROWD } else { CROWD };
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(most + SPARE).context("a small number")?;
    let wanted = maximum.map_or(wanted, |limit| limit.min(wanted));
    let Some(now) = current.filter(|now| *now < wanted) else { return Ok(most) };
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    let open = if raised.is_ok() { wanted } else { now };
    let crowd = usize::try_from(open).unwrap_or(usize::MAX).saturating_sub(SPARE).min(most);
    ensure!(crowd >= 500, "only {open} descriptors may be open: raise the limit (ulimit -n)");
    Ok(crowd)
}

/// Lets that many come at once, and returns when those that must not stay are gone; the others go then by themselves. Says
/// what the service did that it must not.
pub(crate) async fn besiege(address: SocketAddr, token: &str, crowd: usize) -> anyhow::Result<Vec<String>> {
    let (mut leaving, mut staying) = (JoinSet::new(), JoinSet::new());
    for (_, kind) in (0..crowd).zip(Kind::ALL.into_iter().cycle()) {
        let opening = kind.opening(token);
        let about = move || format!("a client of kind {kind:?}");
        if kind.may_stay() {
            staying.spawn(async move { attack(kind, address, opening).await.with_context(about) });
        } else {
            leaving.spawn(async move {
                let ended = timeout(GONE_LIMIT, attack(kind, address, opening)).await;
                ended.context("it is still served").flatten().with_context(about)
            });
        }
    }
    let mut complaints = Vec::new();
    while let Some(ended) = leaving.join_next().await {
        complaints.extend(ended.context("a hostile client has failed")?.err());
    }
    while let Some(ended) = staying.try_join_next() {
        complaints.extend(ended.context("a hostile client has failed")?.err());
    }
    staying.shutdown().await;
    let number = complaints.len();
    let mut told: Vec<_> = complaints.into_iter().take(5).map(|error| format!("{error:#}")).collect();
    if number > told.len() {
        told.push(format!("{number} hostile clients in all were not treated as they should be"));
    }
    Ok(told)
}

/// Does what the kind does until the service ends the connection.
async fn attack(kind: Kind, address: SocketAddr, opening: String) -> anyhow::Result<()> {
    let mut stream = connect(kind, address).await.context("it cannot connect")?;
    if matches!(kind, Kind::Idle | Kind::NextHead) {
        return stay(kind, &mut stream, &opening).await;
    }
    let (mut from, mut to) = stream.split();
    // A client that is refused may find the connection closed before it has sent all, and then reads what came before.
    let sending = async {
        let _ = to.write_all(opening.as_bytes()).await;
        while let Some(drop) = kind.drop() {
            sleep(DRIP).await;
            if to.write_all(drop).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let mut answers = Vec::new();
    let reading = async {
        if matches!(kind, Kind::Unread | Kind::UnreadFile) {
            std::future::pending::<()>().await;
        }
        if matches!(kind, Kind::LargeBody | Kind::LargeChunks) {
            // One that was refused and has sent all of its body nevertheless may ask again. It does not.
            let _ = from.read_buf(&mut answers).await;
            return;
        }
        // A reset ends it as well as a close.
        let _ = from.read_to_end(&mut answers).await;
    };
    tokio::select! {
        () = sending => {}
        () = reading => {}
    }
    judge(kind, &String::from_utf8_lossy(&answers))
}

async fn connect(kind: Kind, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if matches!(kind, Kind::Unread | Kind::UnreadFile) {
        // What is not read is to wait in the service, not in the kernel.
        socket.set_recv_buffer_size(4096)?;
    }
    socket.connect(address).await
}

/// Asks once and waits; the service keeps such a connection for longer than a siege takes.
async fn stay(kind: Kind, stream: &mut TcpStream, request: &str) -> anyhow::Result<()> {
    stream.write_all(request.as_bytes()).await.context("it cannot ask")?;
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.context("it gets no answer")?;
    judge(Kind::Idle, &String::from_utf8_lossy(&answer[..length]))?;
    ensure!(length > 0, "it gets no answer");
    if kind == Kind::NextHead {
        stream.write_all(b"G").await.context("it cannot ask again")?;
    }
    while stream.read(&mut answer).await.context("its connection breaks off")? > 0 {}
    bail!("its connection is closed too early")
}

/// Whether the answers are what this kind may be told.
fn judge(kind: Kind, answers: &str) -> anyhow::Result<()> {
    let found = statuses(answers);
    if let Some(wrong) = found.iter().find(|status| !kind.statuses().contains(status)) {
        bail!("it is answered {wrong}");
    }
    ensure!(
        kind != Kind::Pipelined || found.len() == PIPELINED,
        "{PIPELINED} requests at once have {} answers",
        found.len()
    );
    Ok(())
}

/// The statuses of the answers that follow one another.
fn statuses(answers: &str) -> Vec<u16> {
    let heads = answers.split("HTTP/1.1 ").skip(1);
    heads.filter_map(|head| head.get(..3)?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_by_what_was_sent() {
        let answer = |status: u16| format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}");
        assert!(judge(Kind::BrokenChunks, &answer(400)).is_ok());
        assert!(judge(Kind::BrokenChunks, "").is_ok());
        assert!(judge(Kind::BrokenChunks, &answer(500)).is_err());
        assert!(judge(Kind::LargeBody, &(answer(413) + &answer(200))).is_err());
        assert!(judge(Kind::Pipelined, &answer(200).repeat(PIPELINED)).is_ok());
        assert!(judge(Kind::Pipelined, &answer(200).repeat(PIPELINED - 1)).is_err());
    }

    #[test]
    fn what_is_too_large_is_too_large_and_what_drips_never_ends() {
        let length = |kind: Kind| kind.opening("token").len();
        for kind in [Kind::LargeHead, Kind::LargeBody, Kind::LargeChunks] {
            assert!(length(kind) > 131_072, "{kind:?}");
        }
        for kind in [Kind::DrippedHead, Kind::DrippedBody] {
            assert!(length(kind) < 131_072 && kind.drop().is_some(), "{kind:?}");
        }
    }
}
