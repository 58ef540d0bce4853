//! Pages and totals.

use std::collections::BTreeSet;

use task_domain::{PageLimit, Position, StatusFilter, TaskOrder, TaskQuery, TaskRepository, testing::user};

use super::session::{BUSY_USER, Plans, TASKS_OF_MANY, TASKS_OF_ONE_AND_OF_MANY, USER, buffers};
use crate::testing::statements;

/// How many tasks a page has here.
const ON_PAGE: u16 = 10;
/// How many tasks come before page 1,000.
const FAR_DOWN: usize = 9_990;

const STATUSES: [StatusFilter; 3] = [StatusFilter::All, StatusFilter::Pending, StatusFilter::Completed];

/// An order, what its statements and its indexes are named after, and the start of its range in a plan.
const ORDERS: [(TaskOrder, &str, &str); 2] = [
    (TaskOrder::NewestFirst, "created", "ROW(created_at, id) <"),
    (TaskOrder::Title, "title", "ROW(title, id) >"),
];

fn query(status: StatusFilter, order: TaskOrder) -> TaskQuery {
    let mut query = TaskQuery::from_start(order);
    (query.status, query.limit) = (status, PageLimit::new(ON_PAGE).unwrap());
    query
}

/// The values with which a page of `owner` is asked for, as SQL.
fn values(owner: &str, query: &TaskQuery) -> [(&'static str, String); 5] {
    let (after, id) = match query.position() {
        Some(Position::Created { at, id }) => (at.to_rfc3339(), id.get()),
        Some(Position::Title { title, id }) => (title.as_str().to_owned(), id.get()),
        None if query.order() == TaskOrder::Title => (String::new(), 0),
        None => ("262142-12-31 23:59:59.999999Z".to_owned(), i64::MAX),
    };
    [
        ("owner", format!("'{owner}'")),
        ("completed", (query.status == StatusFilter::Completed).to_string()),
        ("after", format!("'{after}'")),
        ("after_id", id.to_string()),
        ("rows", (query.limit.get() + 1).to_string()),
    ]
}

/// The plan of a page, which is one range of the index.
async fn range(plans: &Plans, name: &str, owner: &str, query: &TaskQuery, index: &str) -> String {
    let values = values(owner, query);
    plans.range(name, &values.each_ref().map(|(name, value)| (*name, value.as_str())), index).await
}

#[tokio::test]
async fn a_page_far_down_reads_one_range_of_one_index_as_the_first_one_does() {
    let plans = Plans::of(&[(TASKS_OF_ONE_AND_OF_MANY, "users, tasks")]).await;
    let (tasks, owner) = (plans.tasks(), user(BUSY_USER));
    let mut seen = BTreeSet::new();
    for ((order, named, condition), status) in
        ORDERS.iter().flat_map(|order| STATUSES.map(|status| (order, status)))
    {
        let (name, index, condition) = if status == StatusFilter::All {
            (format!("page_by_{named}"), format!("tasks_by_{named}"), format!("({condition} ROW($2, $3))"))
        } else {
            let condition = format!("(completed = $2) AND ({condition} ROW($3, $4))");
            (format!("page_by_{named}_of_status"), format!("tasks_by_status_{named}"), condition)
        };

        // To page 1,000 as a client gets there, though in longer strides.
        let first = query(status, *order);
        let (mut far_down, mut passed) = (first.clone(), 0);
        while passed < FAR_DOWN {
            far_down.limit = PageLimit::new((FAR_DOWN - passed).min(1000).try_into().unwrap()).unwrap();
            let page = tasks.list(&owner, &far_down).await.unwrap();
            passed += page.tasks.len();
            assert!(page.more);
            far_down = TaskQuery::after(Position::of(page.tasks.last().unwrap(), *order));
            far_down.status = status;
        }
        far_down.limit = first.limit;
        assert_eq!(tasks.list(&owner, &far_down).await.unwrap().tasks.len(), usize::from(ON_PAGE));

        let near = range(&plans, &name, BUSY_USER, &first, &index).await;
        let far = range(&plans, &name, BUSY_USER, &far_down, &index).await;
        for plan in [&near, &far] {
            assert!(plan.contains(&format!("Index Cond: ((user_id = $1) AND {condition})")), "{plan}");
            assert!(!plan.contains("Filter"), "{plan}");
            assert!(plan.contains("(actual rows=11 loops=1)"), "it reads on behind the page:\n{plan}");
        }
        let (near, far) = (buffers(&near), buffers(&far));
        println!("{name}: {near} blocks for page 1, {far} for page 1,000");
        assert!(far <= near + near / 2 + 10, "{name}: {near} {far}");

        // And so it is for a user with few tasks.
        assert!(!tasks.list(&user(USER), &first).await.unwrap().tasks.is_empty());
        range(&plans, &name, USER, &first, &index).await;
        seen.insert(name);
    }
    let pages = statements().into_iter().map(|(name, _)| name).filter(|name| name.starts_with("page_"));
    assert_eq!(seen, pages.collect(), "an order or a condition is missing above");
    assert_eq!(plans.prepared().await.len(), seen.len());
}

#[tokio::test]
async fn a_total_reads_the_tasks_of_one_user_and_no_others() {
    let plans = Plans::of(&[(TASKS_OF_MANY, "users, tasks")]).await;
    let tasks = plans.tasks();
    for (status, name, index, condition) in [
        (StatusFilter::All, "count", "", "(user_id = $1)"),
        (StatusFilter::Pending, "count_of_status", "tasks_by_status", "(user_id = $1) AND (completed = $2)"),
    ] {
        let mut query = query(status, TaskOrder::Title);
        query.count_all = true;
        let total = tasks.list(&user(USER), &query).await.unwrap().total.unwrap();
        let owner = format!("'{USER}'");
        let plan = plans.plan(name, &[("owner", &owner), ("completed", "false")]).await;
        assert!(plan.contains("Index") && plan.contains(index) && plan.contains(condition), "{plan}");
        assert!(!plan.contains("Seq Scan") && !plan.contains("Filter:"), "{plan}");
        assert!(plan.contains(&format!("actual rows={total} ")), "{plan}");
    }
}
