use task_domain::{Change, testing};

use super::*;
use crate::http::members;

fn body<B: RequestBody>(body: Value) -> Result<B::Output, ApiError> {
    let Value::Object(members) = body else { unreachable!("bodies are objects") };
    members::read::<B>(members)
}

fn create(body: Value) -> Result<NewTask, ApiError> {
    self::body::<CreateTask>(body)
}

fn update(body: Value) -> Result<TaskChanges, ApiError> {
    self::body::<UpdateTask>(body).and_then(not_empty)
}

fn patch(body: Value) -> Result<TaskChanges, ApiError> {
    self::body::<PatchTask>(body)
}

fn complete(body: Value) -> Result<TaskChanges, ApiError> {
    self::body::<SetCompleted>(body)
}

fn text(text: &str) -> Description {
    Description::parse(text.to_owned()).unwrap()
}

fn errors<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> Vec<(String, String)> {
    match outcome {
        Err(ApiError::ValidationFailed(errors)) => {
            let mut errors: Vec<_> = errors.into_iter().map(|error| (error.field, error.message)).collect();
            errors.sort();
            errors
        }
        other => unreachable!("{other:?}"),
    }
}

fn error(field: &str, message: &str) -> (String, String) {
    (field.to_owned(), message.to_owned())
}

#[test]
fn a_create_takes_a_title_and_perhaps_a_description() {
    let task = create(json!({"title": " a ", "description": " b "})).unwrap();
    assert_eq!((task.title.as_str(), task.description.unwrap().as_str()), ("a", " b "));
    for body in [json!({"title": "a"}), json!({"title": "a", "description": null})] {
        assert_eq!(create(body).unwrap(), testing::new_task("a"));
    }
    assert_eq!(create(json!({"title": "a", "description": ""})).unwrap().description.unwrap().as_str(), "");
}

#[test]
fn all_errors_of_a_create_are_found_at_once() {
    let body = json!({"title": 5, "description": "x".repeat(10_001), "done": true, "id": 1});
    assert_eq!(
        errors(create(body)),
        [
            error("description", "must be at most 10000 characters long; it has 10001"),
            error("done", "is not a known member"),
            error("id", "is not a known member"),
            error("title", "must be a string"),
        ]
    );
}

#[test]
fn a_create_needs_a_title_that_is_one() {
    assert_eq!(errors(create(json!({}))), [error("title", "is required")]);
    for wrong in [json!(null), json!(1), json!(true), json!([]), json!({})] {
        assert_eq!(errors(create(json!({"title": wrong}))), [error("title", "must be a string")]);
    }
    let blank = errors(create(json!({"title": "\u{3000}"})));
    assert_eq!(blank, [error("title", "must not be empty or only white space")]);
    let nul = errors(create(json!({"title": "a\u{0}", "description": "\u{0}"})));
    assert_eq!(
        nul,
        [error("description", "must not contain U+0000"), error("title", "must not contain U+0000")]
    );
}

#[test]
fn an_update_sets_what_is_present_and_takes_null_for_absent() {
    let changes = update(json!({"title": "a", "description": null})).unwrap();
    assert_eq!((changes.title.unwrap().as_str(), changes.description), ("a", Change::Keep));
    let changes = update(json!({"title": null, "description": ""})).unwrap();
    assert_eq!((changes.title, changes.description), (None, Change::Set(text(""))));
}

#[test]
fn an_update_that_sets_nothing_is_refused_after_its_errors() {
    for body in [json!({}), json!({"title": null}), json!({"title": null, "description": null})] {
        assert!(matches!(update(body), Err(ApiError::EmptyUpdate)));
    }
    assert_eq!(errors(update(json!({"titel": "a"}))), [error("titel", "is not a known member")]);
    assert_eq!(
        errors(update(json!({"title": ""}))),
        [error("title", "must not be empty or only white space")]
    );
}

#[test]
fn a_patch_tells_absent_null_and_a_value_apart() {
    assert!(patch(json!({})).unwrap().is_empty());
    let changes = patch(json!({"title": " a ", "description": null, "completed": false})).unwrap();
    assert_eq!(changes.title.unwrap().as_str(), "a");
    assert_eq!((changes.description, changes.completed), (Change::Clear, Some(false)));
    let changes = patch(json!({"description": "b"})).unwrap();
    assert_eq!((changes.title, changes.description, changes.completed), (None, Change::Set(text("b")), None));
}

#[test]
fn a_patch_takes_null_for_the_description_only() {
    assert_eq!(
        errors(patch(json!({"title": null, "completed": null, "id": 1, "description": 5}))),
        [
            error("completed", "must not be null"),
            error("description", "must be a string"),
            error("id", "is not a known member"),
            error("title", "must not be null"),
        ]
    );
    let long = errors(patch(json!({"description": "x".repeat(10_001), "completed": "yes"})));
    assert_eq!(
        long,
        [
            error("completed", "must be true or false"),
            error("description", "must be at most 10000 characters long; it has 10001"),
        ]
    );
}

#[test]
fn a_completion_says_true_or_false_and_nothing_else() {
    for completed in [true, false] {
        let changes = complete(json!({"completed": completed})).unwrap();
        assert_eq!(changes, TaskChanges { completed: Some(completed), ..TaskChanges::default() });
    }
    assert_eq!(errors(complete(json!({}))), [error("completed", "is required")]);
    for wrong in [json!(null), json!(1), json!("true")] {
        let refused = errors(complete(json!({"completed": wrong, "x": 1})));
        assert_eq!(
            refused,
            [error("completed", "must be true or false"), error("x", "is not a known member")]
        );
    }
}
