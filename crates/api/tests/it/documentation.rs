//! docs/api.md, "Routes": the pages that show the API, and what lies below them.

use crate::helpers::{Server, get, head};

const PAGES: [&str; 4] = ["/docs", "/docs/", "/redoc", "/redoc/"];

#[test]
fn head_answers_with_the_headers_of_get() {
    let server = Server::without_port();
    for path in ["/docs", "/docs/swagger-ui.css", "/redoc", "/redoc/redoc.standalone.js"] {
        let [found, expected] = [head(path), get(path)].map(|request| server.send(&request));
        found.assert_status(200);
        for name in ["content-type", "cache-control", "content-security-policy"] {
            assert!(expected.header(name).is_some(), "{path} {name}");
            assert_eq!(found.header(name), expected.header(name), "{path} {name}");
        }
    }
}

#[test]
fn any_other_path_below_the_pages_is_unknown() {
    let server = Server::without_port();
    let unknown = ["/", "nothing.js", "index.html", "swagger-initializer.js", "icon.svg/", "../Cargo.toml"];
    for page in PAGES {
        for name in unknown {
            let path = format!("{}/{name}", page.trim_end_matches('/'));
            server.send(&get(path).by("alice")).assert_error(404, "not_found");
        }
    }
    server.send(&get("/docs/redoc.standalone.js").by("alice")).assert_error(404, "not_found");
}
