//! `list` page by page: each task once, in order, and no page without a sign that there is more.

use std::collections::{BTreeMap, BTreeSet};

use task_domain::{
    PageLimit, Position, StatusFilter, Task, TaskId, TaskOrder, TaskPage, TaskQuery, TaskRepository, UserId,
    testing::{task_id, user},
};

use crate::support::{OneByOne, Random, Store, changes, ids, listed, queries, query, title};

/// Ada's tasks, made of the number `n` of each: its title, whether it is completed, and when it was created.
async fn insert(store: &Store, count: u32, values: &str) {
    let insert = format!(
        "INSERT INTO tasks (user_id, title, completed, created_at, updated_at)
         SELECT 'ada', title, completed, moment, moment
         FROM generate_series(1, {count}) AS n, LATERAL (SELECT {values}) AS made (title, completed, moment)"
    );
    store.db.execute(&insert).await;
}

/// Few titles and moments in no order, so that most tasks have their equals, and a third of them pending.
const MANY_EQUAL: &str =
    "'title ' || n * 37 % 23, n % 3 <> 0, timestamptz '2026-01-02' + n * 71 % 17 * interval '1 microsecond'";

/// What is stored of ada's tasks, one by one.
async fn everything(store: &Store) -> BTreeMap<TaskId, Task> {
    let mut tasks = BTreeMap::new();
    for line in store.db.lines("SELECT id::text AS line FROM tasks WHERE user_id = 'ada'").await {
        let id = task_id(line.parse().unwrap());
        tasks.insert(id, store.tasks.find(&store.ada, id).await.unwrap().unwrap());
    }
    tasks
}

fn limited(mut query: TaskQuery, limit: u16) -> TaskQuery {
    query.limit = PageLimit::new(limit).unwrap();
    query
}

fn counted(mut query: TaskQuery) -> TaskQuery {
    query.count_all = true;
    query
}

/// The query of the page behind `task`.
fn behind(task: &Task, query: &TaskQuery) -> TaskQuery {
    let mut next = TaskQuery::after(Position::of(task, query.order()));
    (next.status, next.limit, next.count_all) = (query.status, query.limit, query.count_all);
    next
}

async fn page(store: &Store, owner: &UserId, query: &TaskQuery) -> TaskPage {
    store.tasks.list(owner, query).await.unwrap()
}

/// Every page from the first to the last.
async fn pages(store: &Store, first: TaskQuery) -> Vec<TaskPage> {
    let (mut query, mut pages) = (first, Vec::new());
    loop {
        let page = page(store, &store.ada, &query).await;
        if let Some(last) = page.tasks.last() {
            query = behind(last, &query);
        }
        let more = page.more;
        pages.push(page);
        if !more {
            return pages;
        }
    }
}

/// Whether `a` comes before `b`.
fn is_before(a: &Task, b: &Task, order: TaskOrder) -> bool {
    match order {
        TaskOrder::NewestFirst => (a.created_at, a.id) > (b.created_at, b.id),
        TaskOrder::Title => (a.title.as_str(), a.id) < (b.title.as_str(), b.id),
    }
}

#[tokio::test]
async fn the_pages_together_are_the_list() {
    let store = Store::new().await;
    insert(&store, 60, MANY_EQUAL).await;
    store.tasks.create(&store.bob, task_domain::testing::new_task("title 1")).await.unwrap();
    let tasks: Vec<Task> = everything(&store).await.into_values().collect();
    for query in queries() {
        let expected = listed(&tasks, &query);
        assert!(expected.len() >= 20);
        for limit in [1, 2, 7, 19, 20, 21, 40, 60, 1000] {
            let pages = pages(&store, counted(limited(query.clone(), limit))).await;
            let (last, full) = pages.split_last().unwrap();
            assert!(full.iter().all(|page| page.tasks.len() == usize::from(limit) && page.more));
            assert!((1..=usize::from(limit)).contains(&last.tasks.len()) && !last.more);
            assert!(pages.iter().all(|page| page.total == Some(expected.len() as u64)));
            let seen: Vec<Task> = pages.into_iter().flat_map(|page| page.tasks).collect();
            assert_eq!(seen, expected, "{query:?} by {limit}");
        }
    }
}

#[tokio::test]
async fn there_is_more_when_there_is_one_task_more_than_the_page_holds_and_not_before() {
    for limit in [1, 2, 1000] {
        let store = Store::new().await;
        // So many pending and as many completed.
        insert(&store, u32::from(limit) * 2, "'t' || n / 5, n % 2 = 0, timestamptz '2026-01-02'").await;
        for status in [StatusFilter::Pending, StatusFilter::Completed] {
            for order in [TaskOrder::NewestFirst, TaskOrder::Title] {
                let of_status = page(&store, &store.ada, &limited(query(status, order), limit)).await;
                assert_eq!((of_status.tasks.len(), of_status.more), (limit.into(), false));
                let first = limited(query(StatusFilter::All, order), limit);
                let of_all = page(&store, &store.ada, &first).await;
                assert_eq!((of_all.tasks.len(), of_all.more), (limit.into(), true));
                let rest = behind(of_all.tasks.last().unwrap(), &first);
                let rest = page(&store, &store.ada, &rest).await;
                assert_eq!((rest.tasks.len(), rest.more), (limit.into(), false));
            }
        }
        insert(&store, 2, "'zzz', n = 1, timestamptz '2025-01-02'").await;
        for query in queries() {
            let page = page(&store, &store.ada, &limited(query, limit)).await;
            assert_eq!((page.tasks.len(), page.more), (limit.into(), true));
        }
    }
}

#[tokio::test]
async fn a_page_goes_on_behind_its_position_among_equal_titles_and_moments() {
    let store = Store::new().await;
    insert(&store, 9, "'same', n % 2 = 0, timestamptz '2026-01-02 03:04:05.678901Z'").await;
    let tasks: Vec<Task> = everything(&store).await.into_values().collect();
    for query in queries() {
        let list = listed(&tasks, &query);
        for (place, task) in list.iter().enumerate() {
            for limit in [1, 3, 1000] {
                let page = page(&store, &store.ada, &behind(task, &limited(query.clone(), limit))).await;
                let rest = &list[place + 1..];
                assert_eq!(page.tasks, rest[..rest.len().min(limit.into())]);
                assert_eq!(page.more, rest.len() > usize::from(limit));
            }
        }
    }
}

#[tokio::test]
async fn a_position_stays_where_it_was_when_its_task_moves_or_goes() {
    for fate in ["deleted", "renamed", "toggled"] {
        for query in queries() {
            let store = Store::new().await;
            insert(&store, 12, "'t' || n / 3, n % 2 = 0, timestamptz '2026-01-02' + n / 3 * interval '1 s'")
                .await;
            let query = limited(query, 2);
            let first = page(&store, &store.ada, &query).await;
            let position = first.tasks.last().unwrap();
            let next = behind(position, &query);
            let before = page(&store, &store.ada, &next).await;
            assert_eq!(before.tasks.len(), 2);
            match fate {
                "deleted" => assert!(store.tasks.delete(&store.ada, position.id).await.unwrap()),
                "renamed" => {
                    // To the front: if it were looked up there, the first page would come again.
                    let front = changes(Some("!"), None);
                    store.tasks.update(&store.ada, position.id, front).await.unwrap().unwrap();
                }
                _ => assert!(store.tasks.toggle(&store.ada, position.id).await.unwrap().is_some()),
            }
            assert_eq!(page(&store, &store.ada, &next).await, before, "{fate} {query:?}");
        }
    }
}

#[tokio::test]
async fn any_place_will_do_as_a_position_whether_there_ever_was_a_task_or_not() {
    let store = Store::new().await;
    insert(&store, 4, "'t' || n, false, timestamptz '2026-01-02' + n * interval '1 s'").await;
    let titles = async |position: Position| -> Vec<String> {
        let tasks = store.tasks.listed(&store.ada, &TaskQuery::after(position)).await.unwrap();
        tasks.into_iter().map(|task| task.title.as_str().to_owned()).collect()
    };
    let of_title = |text: &str, id| Position::Title { title: title(text), id: task_id(id) };
    assert_eq!(titles(of_title("t25", i64::MAX)).await, ["t3", "t4"]);
    assert_eq!(titles(of_title("!", 1)).await, ["t1", "t2", "t3", "t4"]);
    assert_eq!(titles(of_title("🦀", 1)).await, [""; 0]);
    let created = |moment: &str, id| Position::Created { at: moment.parse().unwrap(), id: task_id(id) };
    assert_eq!(titles(created("2026-01-02T00:00:02.5Z", 1)).await, ["t2", "t1"]);
    assert_eq!(titles(created("2026-01-02T00:00:02Z", i64::MAX)).await, ["t2", "t1"]);
    assert_eq!(titles(created("2026-01-02T00:00:02Z", 1)).await, ["t1"]);
    assert_eq!(titles(created("9999-12-31T23:59:59.999999Z", 1)).await, ["t4", "t3", "t2", "t1"]);
    assert_eq!(titles(created("0001-01-01T00:00:00Z", i64::MAX)).await, [""; 0]);
}

#[tokio::test]
async fn the_first_page_begins_before_the_least_title_and_the_latest_moment() {
    let store = Store::new().await;
    insert(&store, 4, "chr(1), n % 2 = 0, timestamptz '9999-12-31 23:59:59.999999Z'").await;
    for query in queries() {
        let expected = if query.status == StatusFilter::All { 4 } else { 2 };
        assert_eq!(page(&store, &store.ada, &query).await.tasks.len(), expected, "{query:?}");
    }
}

#[tokio::test]
async fn the_total_is_of_all_that_match_on_whatever_page_and_only_where_it_is_asked_for() {
    let store = Store::new().await;
    insert(&store, 1503, MANY_EQUAL).await;
    let (completed, pending) = (1002, 501);
    for query in queries() {
        let total = match query.status {
            StatusFilter::All => completed + pending,
            StatusFilter::Pending => pending,
            StatusFilter::Completed => completed,
        };
        for limit in [1, 1000] {
            let query = limited(query.clone(), limit);
            assert_eq!(page(&store, &store.ada, &query).await.total, None);
            let first = page(&store, &store.ada, &counted(query.clone())).await;
            assert_eq!(first.total, Some(total));
            let second = counted(behind(first.tasks.last().unwrap(), &query));
            assert_eq!(page(&store, &store.ada, &second).await.total, Some(total));
        }
        // Behind the end.
        let end = match query.order() {
            TaskOrder::Title => Position::Title { title: title("🦀"), id: task_id(1) },
            TaskOrder::NewestFirst => {
                Position::Created { at: "0001-01-01T00:00:00Z".parse().unwrap(), id: task_id(1) }
            }
        };
        let mut beyond = counted(TaskQuery::after(end));
        beyond.status = query.status;
        let nothing = TaskPage { tasks: Vec::new(), more: false, total: Some(total) };
        assert_eq!(page(&store, &store.ada, &beyond).await, nothing);
        for owner in [&store.bob, &user("stranger")] {
            let empty = TaskPage { total: Some(0), ..nothing.clone() };
            assert_eq!(page(&store, owner, &counted(query.clone())).await, empty);
            assert_eq!(page(&store, owner, &beyond).await, empty);
        }
    }
}

/// A list that a client pages through while it changes, and a model of it.
struct Changing {
    store: Store,
    model: BTreeMap<TaskId, Task>,
    /// Those that came, went or moved in the list since paging began.
    disturbed: BTreeSet<TaskId>,
    random: Random,
}

impl Changing {
    async fn new(count: u32) -> Self {
        let store = Store::new().await;
        insert(
            &store,
            count,
            "'title ' || n * 7919 % 120, n * 31 % 7 < 3, timestamptz '2026-01-02' + n * 7907 % 90 * interval '1 ms'",
        )
        .await;
        let model = everything(&store).await;
        Self { store, model, disturbed: BTreeSet::new(), random: Random(7) }
    }

    fn any(&mut self) -> TaskId {
        let ids: Vec<TaskId> = self.model.keys().copied().collect();
        self.random.pick(&ids)
    }

    async fn change(&mut self, query: &TaskQuery) {
        let text = format!("title {}", self.random.below(120));
        let ada = self.store.ada.clone();
        match self.random.below(4) {
            0 => {
                // Anywhere in both orders: not only at the front, where new tasks are.
                let task = self.store.task(&text).await;
                let milliseconds = self.random.below(90);
                let set_back = format!(
                    "UPDATE tasks SET created_at = timestamptz '2026-01-02' + {milliseconds} * interval '1 ms'
                     WHERE id = {}",
                    task.id.get()
                );
                self.store.db.execute(&set_back).await;
                let task = self.store.tasks.find(&ada, task.id).await.unwrap().unwrap();
                self.disturbed.insert(task.id);
                self.model.insert(task.id, task);
            }
            1 => {
                let id = self.any();
                assert!(self.store.tasks.delete(&ada, id).await.unwrap());
                self.disturbed.insert(id);
                self.model.remove(&id);
            }
            2 => {
                let id = self.any();
                let task = self.store.tasks.toggle(&ada, id).await.unwrap().unwrap();
                if query.status != StatusFilter::All {
                    self.disturbed.insert(id);
                }
                self.model.insert(id, task);
            }
            _ => {
                let id = self.any();
                let task =
                    self.store.tasks.update(&ada, id, changes(Some(&text), None)).await.unwrap().unwrap();
                if query.order() == TaskOrder::Title && self.model[&id].title != task.title {
                    self.disturbed.insert(id);
                }
                self.model.insert(id, task);
            }
        }
    }

    /// The tasks of the model that the page of `query` and those behind it have to hold.
    fn rest(&self, query: &TaskQuery, after: Option<&Task>) -> Vec<Task> {
        let mut tasks: Vec<Task> = self
            .model
            .values()
            .filter(|task| match query.status {
                StatusFilter::All => true,
                StatusFilter::Pending => !task.is_completed(),
                StatusFilter::Completed => task.is_completed(),
            })
            .filter(|task| after.is_none_or(|after| is_before(after, task, query.order())))
            .cloned()
            .collect();
        tasks.sort_by(|a, b| is_before(b, a, query.order()).cmp(&is_before(a, b, query.order())));
        tasks
    }

    /// Pages through the list while it changes, and compares each page and all of them with the model.
    async fn page_through(&mut self, first: &TaskQuery) {
        self.disturbed.clear();
        let at_first = ids(&self.rest(first, None));
        let (mut query, mut last, mut seen) = (first.clone(), None, Vec::<Task>::new());
        loop {
            let page = page(&self.store, &self.store.ada, &query).await;
            let rest = self.rest(&query, last.as_ref());
            let on_page = rest.len().min(query.limit.get().into());
            assert_eq!(page.tasks, rest[..on_page], "{query:?}");
            assert_eq!(page.more, rest.len() > on_page, "{query:?}");
            assert_eq!(page.total, Some(self.rest(&query, None).len() as u64), "{query:?}");
            seen.extend(page.tasks);
            if !page.more {
                break;
            }
            last = seen.last().cloned();
            query = behind(seen.last().unwrap(), first);
            for _ in 0..self.random.below(12) {
                self.change(first).await;
            }
        }
        assert!(seen.is_sorted_by(|a, b| is_before(a, b, first.order())), "{first:?}");
        let kept = |id: &TaskId| !self.disturbed.contains(id);
        let mut expected: Vec<TaskId> = at_first.into_iter().filter(kept).collect();
        let mut seen: Vec<TaskId> = ids(&seen).into_iter().filter(kept).collect();
        println!("{first:?}: {} of {} tasks kept their places", expected.len(), self.model.len());
        assert!(expected.len() > 300, "hardly any task kept its place");
        assert!(self.disturbed.len() > 10, "hardly any task moved");
        expected.sort();
        seen.sort();
        assert_eq!(seen, expected, "{first:?}");
    }
}

#[tokio::test]
async fn a_client_that_pages_through_a_changing_list_sees_each_task_that_keeps_its_place_exactly_once() {
    let mut list = Changing::new(2500).await;
    for query in queries() {
        list.page_through(&counted(limited(query, 61))).await;
    }
}
