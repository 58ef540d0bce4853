//! What a request costs with few tasks in the table and with many: it should grow with the answer and not with the data.

use serde_json::{Value, json};
use tools_kit::{
    report,
    table::{self, Table},
};

use crate::{
    args::Args,
    data::{DataSet, MANY, USUAL},
    database::Store,
    measure::Workshop,
    sample::{Samples, rounded},
    workload::{Point, Workload},
    workloads::{self, TEMPLATE},
};

/// What is asked for of both: one task, changes, and the first hundred tasks of one user.
const WORKLOADS: [Workload; 5] =
    [Workload::Get, Workload::FirstPage, Workload::Update, Workload::Toggle, Workload::Create];
const CONNECTIONS: u32 = 100;
/// Enough different tasks that a large table is not a small one of which the rest is never touched.
const REQUESTS: u64 = 100_000;
/// Too large to be copied for each turn, so that all rounds are on it.
const LARGE: &str = "large";

/// Which of the two tables a turn is on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Usual,
    Large(DataSet),
}

/// The same points on both tables.
pub(crate) struct Outcome {
    large: DataSet,
    rows: Vec<Row>,
}

struct Row {
    workload: Workload,
    few: Samples,
    many: Samples,
}

/// Each table has a server of its own: to drop the copy of one turn takes a checkpoint, after which the first change of a
/// page writes all of it into the log. A copy has no such changes, and so the large table must not have them either.
pub(crate) async fn run(workshop: &mut Workshop, args: &Args) -> anyhow::Result<Outcome> {
    let large = DataSet::large(args.scale_tasks);
    let mut spacious = Workshop::new(workshop.program.clone(), Store::start().await?)?;
    spacious.store.make(LARGE, large).await?;
    let row = |workload| Row { workload, few: Samples::default(), many: Samples::default() };
    let mut outcome = Outcome { large, rows: WORKLOADS.map(row).into() };
    for round in 1..=args.rounds {
        report::headline(&format!("Round {round} of {}, {} tasks", args.rounds, USUAL.tasks));
        turn(workshop, args, &mut outcome, Size::Usual, round).await?;
        report::headline(&format!("Round {round} of {}, {} tasks", args.rounds, large.tasks));
        turn(&mut spacious, args, &mut outcome, Size::Large(large), round).await?;
    }
    Ok(outcome)
}

async fn turn(
    workshop: &mut Workshop,
    args: &Args,
    outcome: &mut Outcome,
    size: Size,
    round: u32,
) -> anyhow::Result<()> {
    let (subject, data) = match size {
        Size::Usual => (workshop.start_on_copy(TEMPLATE).await?, USUAL),
        Size::Large(data) => (workshop.start_on(LARGE).await?, data),
    };
    let cold = workshop.warm(&subject, data, args).await?;
    for row in &mut outcome.rows {
        let point = Point { workload: row.workload, connections: CONNECTIONS };
        let requests = workshop.requests(row.workload, data, REQUESTS)?;
        let mut sample = workshop.measure(&subject, &requests, point, args, round).await?;
        sample.load.faults += cold;
        workloads::tell(point, &sample);
        let samples = if size == Size::Usual { &mut row.few } else { &mut row.many };
        samples.add(&sample);
    }
    workshop.end(subject).await
}

impl Row {
    /// How many times as many requests are served with few tasks in the table.
    fn ratio(&self) -> Option<f64> {
        Some(self.few.medians()?.rate / self.many.medians()?.rate)
    }
}

impl Outcome {
    pub(crate) fn is_sound(&self) -> bool {
        self.rows.iter().all(|row| !row.few.faults.any() && !row.many.faults.any())
    }

    pub(crate) fn table(&self) -> String {
        let (few, many) = (table::millions(USUAL.tasks), table::millions(self.large.tasks));
        let mut table = Table::new(&[
            "workload, 100 connections",
            &format!("{few} tasks, requests/s"),
            &format!("{many} tasks, requests/s"),
            "times slower",
            &format!("{few}, CPU µs"),
            &format!("{many}, CPU µs"),
            &format!("{few}, p99 ms"),
            &format!("{many}, p99 ms"),
        ]);
        for row in &self.rows {
            let both = [row.few.medians(), row.many.medians()];
            let shown = |text: fn(super::sample::Numbers) -> String| {
                both.map(|numbers| numbers.map_or("SPOILED".to_owned(), text))
            };
            let mut cells = vec![row.workload.name().to_owned()];
            cells.extend(shown(|n| table::whole(n.rate)));
            cells.push(row.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.2}")));
            cells.extend(shown(|n| {
                format!("{} + {}", table::whole(n.service_us), table::whole(n.postgres_us))
            }));
            cells.extend(shown(|n| format!("{:.1}", n.p99_ms)));
            table.row(cells);
        }
        table.to_string()
    }

    pub(crate) fn json(&self) -> Value {
        let of = |row: &Row| {
            json!({
                "workload": row.workload.name(),
                "connections": CONNECTIONS,
                "times_slower": row.ratio().map(rounded),
                "few_tasks": row.few.json(),
                "many_tasks": row.many.json(),
            })
        };
        json!({
            "few_tasks": USUAL.tasks,
            "many_tasks": self.large.tasks,
            "tasks_of_one_user": MANY,
            "points": self.rows.iter().map(of).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Faults, testing::sample};

    #[test]
    fn both_columns_stand_side_by_side_with_their_ratio() {
        let (mut few, mut many) = (Samples::default(), Samples::default());
        few.add(&sample(1200, Faults::default()));
        many.add(&sample(1000, Faults::default()));
        let row = Row { workload: Workload::Get, few, many };
        let mut outcome = Outcome { large: DataSet::large(10_000_000), rows: vec![row] };
        let table = outcome.table();
        assert!(table.contains("0.1 million") && table.contains("10 million"), "{table}");
        assert!(table.contains("1,200") && table.contains("1,000") && table.contains("1.20"), "{table}");
        assert_eq!(outcome.json()["points"][0]["times_slower"], 1.2);
        outcome.rows[0].many.add(&sample(1000, Faults { socket: 1, ..Faults::default() }));
        assert!(!outcome.is_sound() && outcome.table().contains("SPOILED"));
    }
}
