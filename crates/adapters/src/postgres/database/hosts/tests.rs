use tokio::time::{Instant, sleep};

use super::*;
use crate::postgres::database::Database;

const THREE: &str = "postgres://u:p@a:1,b:2,c:3/d?target_session_attrs=read-write";

fn hosts(url: &str) -> Hosts {
    Database::parse(url).unwrap().hosts.unwrap()
}

fn names(hosts: &Hosts) -> Vec<String> {
    hosts.each.iter().map(address).collect()
}

fn refused(text: &str) -> ConnectError {
    ConnectError(text.to_owned())
}

#[test]
fn each_host_has_its_port_and_everything_else() {
    let hosts_of_three = hosts(THREE);
    assert_eq!(names(&hosts_of_three), ["a:1", "b:2", "c:3"]);
    for config in &*hosts_of_three.each {
        assert_eq!((config.get_user(), config.get_password()), (Some("u"), Some(&b"p"[..])));
        assert_eq!(config.get_dbname(), Some("d"));
        assert_eq!(config.get_target_session_attrs(), tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        assert_eq!(config.get_application_name(), Some("task-api"));
    }
    assert_eq!(names(&hosts("postgres://a,b/d")), ["a:5432", "b:5432"]);
    assert_eq!(names(&hosts("postgres://u@/d?host=a,b&port=7")), ["a:7", "b:7"]);
    assert!(Database::parse("postgres://a/d").unwrap().hosts.is_none());
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_the_next_host_is_asked_at_once_and_the_right_one_first_from_then_on() {
    let hosts = hosts(THREE);
    let asked = std::sync::Mutex::new(Vec::new());
    let connect = |config: &Config| {
        let name = address(config);
        asked.lock().unwrap().push(name.clone());
        async move { if name == "b:2" { Ok(name) } else { Err(refused("the server is read-only")) } }
    };
    let since = Instant::now();
    assert_eq!(hosts.connect(connect).await.unwrap(), "b:2");
    assert_eq!(hosts.connect(connect).await.unwrap(), "b:2");
    assert_eq!(since.elapsed(), Duration::ZERO);
    assert_eq!(*asked.lock().unwrap(), ["a:1", "b:2", "b:2"]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_answer_gets_a_moment_alone_and_is_not_given_up() {
    let hosts = hosts(THREE);
    let connect = |slow: Duration| {
        move |config: &Config| {
            let name = address(config);
            async move {
                match name.as_str() {
                    "a:1" => sleep(slow).await,
                    "b:2" => sleep(Duration::from_mins(1)).await,
                    _ => return Err(refused("the server is read-only")),
                }
                Ok(name)
            }
        }
    };
    let since = Instant::now();
    assert_eq!(hosts.connect(connect(Duration::from_secs(5))).await.unwrap(), "a:1");
    assert_eq!(since.elapsed(), Duration::from_secs(5));

    let since = Instant::now();
    assert_eq!(hosts.connect(connect(Duration::from_hours(1))).await.unwrap(), "b:2");
    assert_eq!(since.elapsed(), HEAD_START + Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn if_any_server_will_do_the_order_of_the_url_is_kept() {
    let hosts = hosts("postgres://a:1,b:2/d");
    let connect = |first: Result<Duration, &'static str>| {
        move |config: &Config| {
            let name = address(config);
            async move {
                match first {
                    _ if name == "b:2" => Ok(name),
                    Ok(slow) => {
                        sleep(slow).await;
                        Ok(name)
                    }
                    Err(reason) => Err(refused(reason)),
                }
            }
        }
    };
    for (first, taken) in [(Ok(HEAD_START * 4), "a:1"), (Err("down"), "b:2"), (Ok(Duration::ZERO), "a:1")] {
        assert_eq!(hosts.connect(connect(first)).await.unwrap(), taken);
    }
}

#[tokio::test]
async fn with_load_balance_hosts_any_of_them_is_asked_first() {
    let hosts = hosts(&format!("{THREE}&load_balance_hosts=random"));
    let mut found = std::collections::BTreeSet::new();
    for _ in 0..500 {
        let name = |config: &Config| std::future::ready(Ok(address(config)));
        found.insert(hosts.connect(name).await.unwrap());
    }
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a:1", "b:2", "c:3"]);
}

#[tokio::test(start_paused = true)]
async fn if_all_refuse_the_error_has_each_reason() {
    let error = hosts(THREE)
        .connect(|config| {
            let name = address(config);
            async move { Err::<(), _>(refused(&format!("not {name}"))) }
        })
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "a:1: not a:1; b:2: not b:2; c:3: not c:3");
}
