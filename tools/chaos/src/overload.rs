//! Far more is asked than the service can bear: thousands of clients that ask again as soon as they are answered.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};
use tools_kit::{report, table::whole};

use crate::store::USER;

/// How many clients the service serves at its best, and how many are too many.
const ENOUGH: usize = 100;
const TOO_MANY: usize = 3_000;
/// How long each crowd asks, after a while in which it is let come.
const ASKING: Duration = Duration::from_secs(5);
const COMING: Duration = Duration::from_secs(2);
/// How much of its best the service has to keep up (a fifth less may be).
const KEPT: f64 = 0.8;

/// How often each status was answered in a second.
struct Rates(BTreeMap<u16, f64>);

/// Lets both crowds come, one after the other, and says what must not be.
pub(crate) async fn overload(address: SocketAddr, token: &str, most: usize) -> anyhow::Result<Vec<String>> {
    let peak = crowd(address, token, ENOUGH).await?;
    let too_many = TOO_MANY.min(most);
    let many = crowd(address, token, too_many).await?;
    ensure!(peak.of(200) > 0.0, "{ENOUGH} clients are answered no list at all");
    let kept = many.of(200) / peak.of(200);
    report::note(&format!(
        "{ENOUGH} clients: {} lists a second; {too_many} clients: {}, which is {kept:.2} of that, and {} are turned away",
        whole(peak.of(200)),
        whole(many.of(200)),
        whole(many.of(503)),
    ));
    let mut complaints: Vec<_> = [&peak, &many].iter().filter_map(|rates| rates.unexpected()).collect();
    if kept < KEPT {
        complaints.push(format!("with {too_many} clients it serves {kept:.2} of its best"));
    }
    Ok(complaints)
}

impl Rates {
    fn of(&self, status: u16) -> f64 {
        self.0.get(&status).copied().unwrap_or(0.0)
    }

    fn unexpected(&self) -> Option<String> {
        let other = self.0.keys().find(|status| !matches!(status, 200 | 503))?;
        Some(format!("a list is answered {other}"))
    }
}

/// Lets so many clients ask, and counts their answers of a while in the middle.
async fn crowd(address: SocketAddr, token: &str, number: usize) -> anyhow::Result<Rates> {
    let request: Arc<str> = format!(
        "GET /api/{USER}/tasks?limit=100 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .into();
    let begin = Instant::now() + COMING;
    let end = begin + ASKING;
    let mut clients = JoinSet::new();
    for _ in 0..number {
        let request = Arc::clone(&request);
        clients.spawn(async move { ask(address, &request, begin, end).await });
    }
    let mut answers = BTreeMap::new();
    while let Some(ended) = clients.join_next().await {
        let counted = ended.context("a client has failed")??;
        for (status, number) in counted {
            *answers.entry(status).or_insert(0) += number;
        }
    }
    // Clients that are still being answered disconnect before others come.
    sleep(Duration::from_secs(1)).await;
    let rate = |number: u32| f64::from(number) / ASKING.as_secs_f64();
    Ok(Rates(answers.into_iter().map(|(status, number)| (status, rate(number))).collect()))
}

/// Asks again and again until then, and counts the answers that come from the beginning on.
async fn ask(
    address: SocketAddr,
    request: &str,
    begin: Instant,
    end: Instant,
) -> anyhow::Result<BTreeMap<u16, u32>> {
    let stream = TcpStream::connect(address).await.context("the service takes no connection")?;
    let mut stream = BufReader::new(stream);
    let mut counted = BTreeMap::new();
    while Instant::now() < end {
        stream.get_mut().write_all(request.as_bytes()).await.context("a connection breaks off")?;
        let status = answer(&mut stream).await.context("no whole answer comes")?;
        if (begin..end).contains(&Instant::now()) {
            *counted.entry(status).or_insert(0) += 1;
        }
    }
    Ok(counted)
}

/// Reads one answer to its end, and returns its status. One of 503 has to say when to ask again.
async fn answer(stream: &mut BufReader<TcpStream>) -> anyhow::Result<u16> {
    let (mut status, mut length, mut retry) = (0, 0, false);
    let mut line = String::new();
    loop {
        line.clear();
        ensure!(stream.read_line(&mut line).await? > 0, "the connection has ended");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest.get(..3).context("no status")?.parse()?;
        } else if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse()?,
                "retry-after" => retry = true,
                _ => {}
            }
        }
    }
    let mut body = (&mut *stream).take(length);
    let read = tokio::io::copy(&mut body, &mut tokio::io::sink()).await?;
    ensure!(read == length, "a body ends too early");
    ensure!(status != 503 || retry, "503 without Retry-After");
    Ok(status)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What is read of that answer.
    async fn read(words: &'static str) -> anyhow::Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let (mut server, _) = listener.accept().await?;
        server.write_all(words.as_bytes()).await?;
        drop(server);
        answer(&mut BufReader::new(client)).await
    }

    #[tokio::test]
    async fn an_answer_counts_where_it_is_whole_and_says_when_to_ask_again() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(read(whole).await.unwrap(), 200);
        assert_eq!(read("HTTP/1.1 503 X\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n").await.unwrap(), 503);
        for wrong in ["", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", "HTTP/1.1 503 X\r\n\r\n"] {
            assert!(read(wrong).await.is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_answer_that_is_neither_a_list_nor_503_is_reported() {
        let rates = |statuses: &[u16]| Rates(statuses.iter().map(|status| (*status, 1.0)).collect());
        assert!(rates(&[200, 503]).unexpected().is_none());
        assert!(rates(&[200, 500]).unexpected().is_some());
        assert!(rates(&[429]).of(200) < f64::EPSILON);
    }
}
