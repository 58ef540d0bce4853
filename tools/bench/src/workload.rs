//! What is asked of the service, and of how many connections.

use crate::data::User;

/// A kind of request, or a mix of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Workload {
    /// One task
    Get,
    /// All tasks of a user, the newest first
    List,
    /// The pending tasks of a user by title
    ListPendingTitle,
    /// A new title and description
    Update,
    /// Complete what is pending, reopen what is completed
    Toggle,
    /// 30 lists, 30 single tasks, 15 creations, 15 updates and 10 toggles
    Mix,
    /// A task with a title and a description
    Create,
    /// The first hundred tasks of one and the same user
    #[value(skip)]
    FirstPage,
}

/// What the service is asked for in a whole run, in this order: what adds tasks comes last, so that the lists before it
/// have the length that they are said to have.
pub(crate) const ALL: [Workload; 7] = [
    Workload::Get,
    Workload::List,
    Workload::ListPendingTitle,
    Workload::Update,
    Workload::Toggle,
    Workload::Mix,
    Workload::Create,
];

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::ListPendingTitle => "list_pending_title",
            Self::Update => "update",
            Self::Toggle => "toggle",
            Self::Mix => "mix",
            Self::Create => "create",
            Self::FirstPage => "first_page",
        }
    }

    /// The kinds of requests that it consists of, and how many of a hundred each one is.
    pub(crate) fn parts(self) -> Vec<(Self, u32)> {
        match self {
            Self::Mix => vec![
                (Self::List, 30),
                (Self::Get, 30),
                (Self::Create, 15),
                (Self::Update, 15),
                (Self::Toggle, 10),
            ],
            single => vec![(single, 100)],
        }
    }

    /// The method of such a request; of a mix that of the first kind.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Get | Self::List | Self::ListPendingTitle | Self::FirstPage | Self::Mix => "GET",
            Self::Create => "POST",
            Self::Update => "PUT",
            Self::Toggle => "PATCH",
        }
    }

    /// The path of such a request, with its query.
    pub(crate) fn path(self, user: User, task: u64) -> String {
        let tasks = format!("/api/{user}/tasks");
        match self {
            Self::List | Self::Create | Self::Mix => tasks,
            Self::ListPendingTitle => format!("{tasks}?status=pending&sort=title"),
            Self::FirstPage => format!("{tasks}?limit=100"),
            Self::Get | Self::Update => format!("{tasks}/{task}"),
            Self::Toggle => format!("{tasks}/{task}/complete"),
        }
    }

    pub(crate) fn has_body(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    /// Whether each request names a task that exists.
    pub(crate) fn names_a_task(self) -> bool {
        matches!(self, Self::Get | Self::Update | Self::Toggle)
    }

    /// The statuses that its answers may have.
    pub(crate) fn statuses(self) -> &'static str {
        match self {
            Self::Create => "201",
            Self::Mix => "200,201",
            _ => "200",
        }
    }
}

/// A workload and the number of connections that ask at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) workload: Workload,
    pub(crate) connections: u32,
}

/// The points of a run: each workload with each number of connections; if none is given with 100, and what is asked
/// for one by one in practice with 10 as well.
pub(crate) fn points(workloads: &[Workload], connections: &[u32]) -> Vec<Point> {
    let wanted = ALL.into_iter().filter(|workload| workloads.is_empty() || workloads.contains(workload));
    let few = |workload| matches!(workload, Workload::Get | Workload::Mix);
    let of = |workload| match connections {
        [] if few(workload) => vec![100, 10],
        [] => vec![100],
        given => given.to_vec(),
    };
    wanted
        .flat_map(|workload| of(workload).into_iter().map(move |connections| Point { workload, connections }))
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn the_parts_of_a_workload_are_a_hundred() {
        for workload in ALL.into_iter().chain([Workload::FirstPage]) {
            assert_eq!(workload.parts().iter().map(|(_, share)| share).sum::<u32>(), 100);
        }
    }

    #[test]
    fn a_workload_is_asked_for_by_its_name() {
        for workload in ALL {
            assert_eq!(Workload::from_str(workload.name(), false), Ok(workload));
        }
    }

    #[test]
    fn the_usual_points_are_those_of_the_documents() {
        let usual = points(&[], &[]);
        assert_eq!(usual.len(), 9);
        assert_eq!(usual[1], Point { workload: Workload::Get, connections: 10 });
        let chosen = points(&[Workload::Create, Workload::Get], &[7]);
        let names: Vec<_> = chosen.iter().map(|point| (point.workload.name(), point.connections)).collect();
        assert_eq!(names, [("get", 7), ("create", 7)]);
    }
}
