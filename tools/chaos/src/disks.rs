//! What a disk does to PostgreSQL: it is full, or stands still.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::time::{sleep, timeout};
use tools_kit::report;
use tools_postgres::disk::Filling;

use crate::{
    onlookers::{Onlookers, Reads},
    stage::Stage,
};

/// How long the database stands still: longer than any request is waited for.
pub(crate) const FREEZE: Duration = Duration::from_secs(6);
/// How long the disk is full, after all that is to happen because of it.
const FULL: Duration = Duration::from_secs(3);
/// How often it is seen to that it still is, and how often it is seen whether PostgreSQL lives.
const POLL: Duration = Duration::from_millis(50);
/// How many connections the service may have: what `DATABASE_POOL_MAX` is by default.
const POOL_MAX: usize = 30;
/// How long PostgreSQL may take to count its connections, whose number needs no disk.
const COUNT_LIMIT: Duration = Duration::from_secs(2);
/// How long PostgreSQL may take to end unused connections, or to show whether it lives.
const SETTLE_LIMIT: Duration = Duration::from_secs(10);
/// How many megabytes a client may write to the log of PostgreSQL before it ends: more than it may keep for itself.
const LOG_MEGABYTES: usize = 512;

/// The disk is full while clients write long descriptions, so that tables cannot grow. PostgreSQL refuses what needs room,
/// and has to live and to be read.
pub(crate) async fn fill(stage: &mut Stage) -> anyhow::Result<Vec<String>> {
    // No other one comes within minutes then: a checkpoint needs room, and PostgreSQL breaks down if it finds none.
    tools_postgres::connect(stage.store.url()).await?.batch_execute("CHECKPOINT").await?;
    let onlookers = Onlookers::start(stage, Reads::GoOn);
    let mut filling = stage.disk()?.fill()?;
    keep_full(&mut filling).await?;
    let mut complaints = onlookers.stop("while the disk is full").await?;
    drop(filling);
    if stage.server.has_ended()? {
        complaints.push("PostgreSQL has ended because no table could grow".to_owned());
        stage.server.start_again().await?;
    }
    Ok(complaints)
}

/// The disk is full, and a client writes to PostgreSQL's log until that has no room, which ends PostgreSQL. If it does not
/// come back by itself, it is started when there is room again, as a supervisor would do.
pub(crate) async fn fill_log(stage: &mut Stage) -> anyhow::Result<Vec<String>> {
    let onlookers = Onlookers::start(stage, Reads::MayBeRefused);
    let mut filling = stage.disk()?.fill()?;
    let client = tools_postgres::connect(stage.store.url()).await?;
    let mut megabytes = 0;
    while !client.is_closed() {
        ensure!(megabytes < LOG_MEGABYTES, "the log of PostgreSQL grows by {megabytes} MB on a full disk");
        // The last one fails, as PostgreSQL ends.
        let _ = client.batch_execute("SELECT pg_logical_emit_message(false, '', repeat('x', 1000000))").await;
        filling.top_up()?;
        megabytes += 1;
    }
    keep_full(&mut filling).await?;
    let complaints = onlookers.stop("while the disk is full").await?;
    drop(filling);
    let ended = until_it_ends_or_answers(stage).await?;
    if ended {
        stage.server.start_again().await?;
    }
    let what = if ended { "it had ended, and was started anew" } else { "it came back by itself" };
    report::note(&format!("PostgreSQL broke down after {megabytes} MB; when there was room, {what}"));
    Ok(complaints)
}

async fn keep_full(filling: &mut Filling) -> anyhow::Result<()> {
    let since = Instant::now();
    while since.elapsed() < FULL {
        sleep(POLL).await;
        filling.top_up()?;
    }
    Ok(())
}

/// Waits until it is seen whether PostgreSQL, which has broken down, comes back by itself. Says whether it has ended.
async fn until_it_ends_or_answers(stage: &mut Stage) -> anyhow::Result<bool> {
    let since = Instant::now();
    while since.elapsed() < SETTLE_LIMIT {
        if stage.server.has_ended()? {
            return Ok(true);
        }
        if tools_postgres::connect(stage.store.url()).await.is_ok() {
            return Ok(false);
        }
        sleep(POLL).await;
    }
    bail!("PostgreSQL neither ends nor answers when there is room again")
}

/// The disk stands still for longer than any request is waited for. PostgreSQL can neither cancel nor end what writes; who
/// only reads may meet with something that such a one holds. Afterwards no connection may be left of those that the service has given up.
pub(crate) async fn stop(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let onlookers = Onlookers::start(stage, Reads::MayBeRefused);
    let frozen = stage.disk()?.freeze()?;
    sleep(FREEZE).await;
    let counted = timeout(COUNT_LIMIT, stage.backends()).await;
    drop(frozen);
    let mut complaints = onlookers.stop("while the disk stands still").await?;
    let most = counted.context("PostgreSQL does not answer while its disk stands still")??.len();
    let since = Instant::now();
    let mut left = stage.backends().await?.len();
    while left > POOL_MAX && since.elapsed() < SETTLE_LIMIT {
        sleep(POLL).await;
        left = stage.backends().await?.len();
    }
    report::note(&format!("{most} connections to PostgreSQL at the end of that, and {left} afterwards"));
    if left > POOL_MAX {
        complaints.push(format!("{left} connections are left where there may be {POOL_MAX}"));
    }
    Ok(complaints)
}
