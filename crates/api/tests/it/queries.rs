//! docs/api.md, "Routes": the query of a list, which no other route heeds.

use task_domain::{
    StatusFilter, TaskOrder, TaskQuery,
    testing::{MockTaskRepository, task},
};

use crate::helpers::{Server, delete, get, patch, post, put, servers::page};

#[test]
fn each_form_of_the_query_asks_the_port_for_what_it_says() {
    use StatusFilter::{All, Completed, Pending};
    use TaskOrder::{NewestFirst, Title};

    for (query, status, order) in [
        ("", All, NewestFirst),
        ("?", All, NewestFirst),
        ("?status=all", All, NewestFirst),
        ("?status=pending", Pending, NewestFirst),
        ("?status=completed", Completed, NewestFirst),
        ("?sort=created", All, NewestFirst),
        ("?sort=title", All, Title),
        ("?status=pending&sort=title", Pending, Title),
        ("?sort=title&status=completed", Completed, Title),
        ("?st%61tus=%70ending", Pending, NewestFirst),
    ] {
        let mut port = MockTaskRepository::new();
        let mut expected = TaskQuery::from_start(order);
        expected.status = status;
        port.expect_list()
            .withf(move |_, asked| *asked == expected)
            .returning(|owner, _| Ok(page(vec![task(owner, 7)])));
        let answer = Server::over(port).send(&get(format!("/api/alice/tasks{query}")).by("alice"));
        assert_eq!(answer.tasks().len(), 1, "{query}");
    }
}

#[test]
fn unknown_empty_and_repeated_parameters_are_refused_by_name() {
    let server = Server::without_port();
    for (query, fields) in [
        ("stat=completed", &["stat"][..]),
        ("Status=all", &["Status"]),
        ("STATUS=all", &["STATUS"]),
        ("limit=0", &["limit"]),
        ("limit=1001", &["limit"]),
        ("limit=-1", &["limit"]),
        ("limit=01", &["limit"]),
        ("limit=1&limit=1", &["limit"]),
        ("cursor=", &["cursor"]),
        ("total=yes", &["total"]),
        ("offset=10", &["offset"]),
        ("status[]=all", &["status[]"]),
        ("x", &["x"]),
        ("=all", &[""]),
        ("status=", &["status"]),
        ("status", &["status"]),
        ("sort=", &["sort"]),
        ("status=All", &["status"]),
        ("status=done", &["status"]),
        ("status=all,pending", &["status"]),
        ("status=%20all", &["status"]),
        ("status=all+", &["status"]),
        ("status=all%00", &["status"]),
        ("status=%ff", &["status"]),
        ("sort=-title", &["sort"]),
        ("sort=updated", &["sort"]),
        ("status=all&status=all", &["status"]),
        ("status=all&st%61tus=pending", &["status"]),
        ("sort=title&sort=created", &["sort"]),
        ("status=&sort=&x=&y=1", &["sort", "status", "x", "y"]),
        ("a%20b=1&%F0%9F%A6%80=2", &["a b", "🦀"]),
    ] {
        let answer = server.send(&get(format!("/api/alice/tasks?{query}")).by("alice"));
        let mut faults = answer.assert_faults("invalid_query");
        faults.sort_unstable();
        assert_eq!(faults, fields, "{query}");
    }
}

#[test]
fn at_most_100_parameters_are_named() {
    let query: Vec<_> = (0..150).map(|number| format!("p{number}=1")).collect();
    let answer =
        Server::without_port().send(&get(format!("/api/alice/tasks?{}", query.join("&"))).by("alice"));
    let faults = answer.assert_faults("invalid_query");
    assert_eq!(faults.len(), 100);
    assert!(faults.iter().all(|name| query.contains(&format!("{name}=1"))));
}

#[test]
fn all_other_routes_ignore_the_query() {
    let server = Server::working();
    let query = "?status=nonsense&status=&x&%ff=%";
    for (request, status) in [
        (post(format!("/api/alice/tasks{query}")).json(r#"{"title":"t"}"#), 201),
        (get(format!("/api/alice/tasks/7{query}")), 200),
        (put(format!("/api/alice/tasks/7{query}")).json(r#"{"title":"t"}"#), 200),
        (patch(format!("/api/alice/tasks/7{query}")).json("{}"), 200),
        (delete(format!("/api/alice/tasks/7{query}")), 200),
        (patch(format!("/api/alice/tasks/7/complete{query}")), 200),
        (get(format!("/health{query}")), 200),
        (get(format!("/docs{query}")), 200),
        (get(format!("/redoc{query}")), 200),
        (get(format!("/openapi.json{query}")), 200),
    ] {
        server.send(&request.by("alice")).assert_status(status);
    }
    let location =
        server.send(&post(format!("/api/alice/tasks{query}")).by("alice").json(r#"{"title":"t"}"#));
    assert_eq!(location.header("location"), Some("/api/alice/tasks/7"));
}
