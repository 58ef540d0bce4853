//! Clients that disconnect while their request is under way.

use std::time::Duration;

use anyhow::Context as _;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet, time::sleep};
use tools_kit::workspace;

use crate::{stage::Stage, store::USER};

/// How many clients disconnect at a time.
pub(crate) const VANISHING: usize = 100;

/// Lets clients send a write and disconnect. Afterwards no transaction may be open, and every connection must be of use.
pub(crate) async fn vanish(stage: &Stage, times: usize) -> anyhow::Result<Vec<String>> {
    let run = workspace::random_hex(4)?;
    // Half of a body, so that nothing of it may ever be written; and a change of a task that is none.
    let half = format!(
        "POST /api/{USER}/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{\"title\":\"half",
        stage.store.token()
    );
    // With a key, which takes a transaction of several statements; of no task, so that nothing is written that counts.
    let whole = |number: usize| {
        format!(
            "PATCH /api/{USER}/tasks/9000000000/complete HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Idempotency-Key: {run}-{number}\r\n\r\n",
            stage.store.token()
        )
    };
    let list = format!(
        "GET /api/{USER}/tasks?limit=1000&total=true HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
        stage.store.token()
    );
    let address = stage.service.address();
    let mut sent = 0;
    while sent < times {
        let mut vanishing = JoinSet::new();
        for _ in 0..VANISHING.min(times - sent) {
            let request = match sent % 3 {
                0 => half.clone(),
                1 => whole(sent),
                _ => list.clone(),
            };
            sent += 1;
            vanishing.spawn(async move {
                let mut stream = TcpStream::connect(address).await?;
                stream.write_all(request.as_bytes()).await
            });
        }
        while let Some(ended) = vanishing.join_next().await {
            ended?.context("the service takes no connection")?;
        }
    }
    // Longer than any of their statements takes, and shorter than PostgreSQL lets a transaction stand open.
    sleep(Duration::from_millis(1500)).await;
    let sql = "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'task-api'
               AND state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 second'";
    let left = stage.store.column(sql).await?.len();
    let complaints = if left > 0 {
        vec![format!("{left} connections are left with an open transaction")]
    } else {
        Vec::new()
    };
    Ok(complaints)
}
