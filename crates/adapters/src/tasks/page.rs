//! The statements of lists, composed of an order and of what a list is narrowed to.
//!
//! An order and a condition are pieces of SQL, and each combination of them is a statement, which is one range of one
//! index. Only what chooses the index is a condition here. A filter that PostgreSQL checks row by row would not choose it,
//! and must not double the statements: all such filters belong into one more text for each order, with a null parameter
//! for a filter that is not asked for (docs/adr/0023).

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::AstPass,
    sql_types::{BigInt, Bool, Text, Timestamptz},
};
use task_domain::{Direction, Position, StatusFilter, TaskOrder, TaskQuery};

use super::members::{TaskColumns, placeholders};
#[cfg(feature = "testing")]
use crate::postgres::statement::NamedText;
use crate::postgres::statement::{SqlText, Statement};

/// A page of a user's tasks.
pub(crate) struct Page<'a> {
    owner: &'a str,
    shape: Shape,
    completed: bool,
    after: Key<'a>,
    after_id: i64,
    rows: i64,
}

/// How many tasks of a user match.
pub(crate) struct Count<'a> {
    owner: &'a str,
    narrowing: Narrowing,
    completed: bool,
}

/// What an order compares before the id.
enum Key<'a> {
    Moment(DateTime<Utc>),
    Text(&'a str),
}

/// What chooses the text of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    order: TaskOrder,
    narrowing: Narrowing,
}

/// What the range of the index is narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Narrowing {
    Nothing,
    Status,
}

const NARROWINGS: [Narrowing; 2] = [Narrowing::Nothing, Narrowing::Status];

/// The column of an order's key; the id is behind it.
const fn column(order: TaskOrder) -> &'static str {
    match order {
        TaskOrder::NewestFirst => "created_at",
        TaskOrder::Title => "title",
    }
}

/// What stands behind a position, compared as a row: the start of one range.
fn range(order: TaskOrder) -> String {
    let side = match order.direction() {
        Direction::Ascending => ">",
        Direction::Descending => "<",
    };
    format!("({}, id) {side} (:after, :after_id)", column(order))
}

fn order_by(order: TaskOrder) -> String {
    let direction = match order.direction() {
        Direction::Ascending => "",
        Direction::Descending => " DESC",
    };
    format!("{}{direction}, id{direction}", column(order))
}

impl Narrowing {
    fn of(status: StatusFilter) -> Self {
        if status == StatusFilter::All { Self::Nothing } else { Self::Status }
    }

    fn condition(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Status => "AND completed = :completed",
        }
    }

    /// What is added to the name of a statement.
    #[cfg(feature = "testing")]
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Status => "_of_status",
        }
    }

    /// The parameters of a statement, whose last one is the condition's.
    fn of_names<'a>(self, names: &'a [&'static str]) -> &'a [&'static str] {
        match self {
            Self::Nothing => &names[..names.len() - 1],
            Self::Status => names,
        }
    }
}

impl Shape {
    fn all() -> impl Iterator<Item = Self> {
        TaskOrder::ALL.into_iter().flat_map(|order| NARROWINGS.map(|narrowing| Self { order, narrowing }))
    }

    fn compose(self) -> Result<SqlText, String> {
        let own = [
            ("conditions", self.narrowing.condition().to_owned()),
            ("range", range(self.order)),
            ("order", order_by(self.order)),
        ];
        let names = self.narrowing.of_names(Page::NAMES);
        SqlText::parse(include_str!("sql/page.sql"), &[&placeholders()[..], &own].concat(), &[names])
    }
}

impl<'a> Page<'a> {
    const NAMES: &'static [&'static str] = &["owner", "after", "after_id", "rows", "completed"];

    /// The page that a query asks for, and one row more to see whether it is the last one.
    pub(crate) fn of(owner: &'a str, query: &'a TaskQuery) -> Self {
        let (after, after_id) = match (query.position(), query.order()) {
            (Some(Position::Created { at, id }), _) => (Key::Moment(*at), id.get()),
            (Some(Position::Title { title, id }), _) => (Key::Text(title.as_str()), id.get()),
            (None, TaskOrder::NewestFirst) => (Key::Moment(DateTime::<Utc>::MAX_UTC), i64::MAX),
            (None, TaskOrder::Title) => (Key::Text(""), 0),
        };
        Self {
            owner,
            shape: Shape { order: query.order(), narrowing: Narrowing::of(query.status) },
            completed: query.status == StatusFilter::Completed,
            after,
            after_id,
            rows: i64::from(query.limit.get()) + 1,
        }
    }
}

impl Statement for Page<'_> {
    type Row = TaskColumns;
    type Id = Page<'static>;
    const HAS_ONE_TEXT: bool = false;

    fn text(&self) -> Result<&SqlText, &str> {
        text_of(&PAGES, self.shape)
    }

    fn push<'b>(&'b self, index: usize, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match (index, &self.after) {
            (0, _) => out.push_bind_param::<Text, _>(self.owner),
            (1, Key::Moment(at)) => out.push_bind_param::<Timestamptz, _>(at),
            (1, Key::Text(text)) => out.push_bind_param::<Text, _>(*text),
            (2, _) => out.push_bind_param::<BigInt, _>(&self.after_id),
            (3, _) => out.push_bind_param::<BigInt, _>(&self.rows),
            _ => out.push_bind_param::<Bool, _>(&self.completed),
        }
    }
}

impl<'a> Count<'a> {
    const NAMES: &'static [&'static str] = &["owner", "completed"];

    /// The number of all tasks that a query lists on its pages.
    pub(crate) fn of(owner: &'a str, query: &TaskQuery) -> Self {
        let completed = query.status == StatusFilter::Completed;
        Self { owner, narrowing: Narrowing::of(query.status), completed }
    }
}

impl Statement for Count<'_> {
    type Row = BigInt;
    type Id = Count<'static>;
    const HAS_ONE_TEXT: bool = false;

    fn text(&self) -> Result<&SqlText, &str> {
        text_of(&COUNTS, self.narrowing)
    }

    fn push<'b>(&'b self, index: usize, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match index {
            0 => out.push_bind_param::<Text, _>(self.owner),
            _ => out.push_bind_param::<Bool, _>(&self.completed),
        }
    }
}

type Texts<K> = LazyLock<Vec<(K, Result<SqlText, String>)>>;

static PAGES: Texts<Shape> = LazyLock::new(|| Shape::all().map(|shape| (shape, shape.compose())).collect());

static COUNTS: Texts<Narrowing> = LazyLock::new(|| {
    let text = |narrowing: Narrowing| {
        let conditions = [("conditions", narrowing.condition().to_owned())];
        let names = narrowing.of_names(Count::NAMES);
        SqlText::parse(include_str!("sql/count.sql"), &conditions, &[names])
    };
    NARROWINGS.map(|narrowing| (narrowing, text(narrowing))).into()
});

fn text_of<K: Copy + PartialEq>(texts: &'static Texts<K>, key: K) -> Result<&'static SqlText, &'static str> {
    // There are few, and each key is a few bytes.
    let known = texts.iter().find(|(known, _)| *known == key);
    let (_, text) = known.ok_or("a list of this kind is not among the orders and NARROWINGS")?;
    text.as_ref().map_err(String::as_str)
}

/// Every statement of a list, by a name.
#[cfg(feature = "testing")]
pub(crate) fn all() -> Vec<NamedText> {
    let pages = PAGES.iter().map(|(shape, text)| {
        let name = format!("page_by_{}{}", shape.order.name(), shape.narrowing.name());
        (name, text.as_ref().map_err(String::as_str))
    });
    let counts = COUNTS.iter().map(|(narrowing, text)| {
        (format!("count{}", narrowing.name()), text.as_ref().map_err(String::as_str))
    });
    pages.chain(counts).collect()
}
