//! The pages that show the API: Swagger UI at `/docs`, `ReDoc` at `/redoc`, and below them the files they load.
//!
//! All files come out of the binary; a page loads nothing from another host. The bundles of both are in `assets`, each with
//! a README that says where it is from.

pub(crate) mod answer;
pub(crate) mod input;
pub(crate) mod openapi;
pub(crate) mod operation;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    web::{self, Bytes},
};

use crate::{docs::openapi::Document, http::error::ApiError};

/// Swagger UI's style sheet draws arrows and buttons from `data:` addresses.
const SWAGGER_POLICY: &str = "default-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `ReDoc` draws the mark of a link from a `data:` address, searches in a worker that it makes from a `blob:`, and
/// brings two style elements: an empty one, which it fills through the object model, and the scroll bar's. Their
/// hashes let these two in and no other.
const REDOC_POLICY: &str = "default-src 'self'; img-src 'self' data:; worker-src blob:; \
     style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' \
     'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Our own files are small and may change with every start, so a browser asks each time.
const REVALIDATE: &str = "no-cache";
/// The bundles are large and change with a release only.
const AN_HOUR: &str = "public, max-age=3600";

const SWAGGER_BUNDLE: &[u8] = include_bytes!("../assets/swagger-ui/swagger-ui-bundle.js");
const SWAGGER_STYLE: &[u8] = include_bytes!("../assets/swagger-ui/swagger-ui.css");
const REDOC_BUNDLE: &[u8] = include_bytes!("../assets/redoc/redoc.standalone.js");

/// The files that the page of Swagger UI loads, as a route.
pub(crate) const SWAGGER_FILES: &str =
    r"/docs/{file:swagger-start\.js|swagger-ui-bundle\.js|swagger-ui\.css|icon\.svg|page\.css}";
/// The files that the page of `ReDoc` loads, as a route.
pub(crate) const REDOC_FILES: &str =
    r"/redoc/{file:redoc-start\.js|redoc\.standalone\.js|icon\.svg|page\.css}";

/// A file's media type, its `Cache-Control`, and its content.
type File = (&'static str, &'static str, Bytes);

/// The page of Swagger UI.
pub(crate) async fn swagger(request: HttpRequest, document: web::Data<Document>) -> HttpResponse {
    answer(SWAGGER_POLICY, page(include_str!("docs/swagger.html"), request.path(), &document.title))
}

/// A file that the page of Swagger UI loads.
pub(crate) async fn swagger_file(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let file = match request.match_info().query("file") {
        "swagger-start.js" => Some(ours(SCRIPT, include_str!("docs/swagger-start.js"))),
        "swagger-ui-bundle.js" => Some(bundle(SCRIPT, SWAGGER_BUNDLE)),
        "swagger-ui.css" => Some(bundle(CSS, SWAGGER_STYLE)),
        name => shared(name),
    };
    file.map(|file| answer(SWAGGER_POLICY, file)).ok_or(ApiError::UnknownRoute)
}

/// The page of `ReDoc`.
pub(crate) async fn redoc(request: HttpRequest, document: web::Data<Document>) -> HttpResponse {
    answer(REDOC_POLICY, page(include_str!("docs/redoc.html"), request.path(), &document.title))
}

/// A file that the page of `ReDoc` loads.
pub(crate) async fn redoc_file(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let file = match request.match_info().query("file") {
        "redoc-start.js" => Some(ours(SCRIPT, include_str!("docs/redoc-start.js"))),
        "redoc.standalone.js" => Some(bundle(SCRIPT, REDOC_BUNDLE)),
        name => shared(name),
    };
    file.map(|file| answer(REDOC_POLICY, file)).ok_or(ApiError::UnknownRoute)
}

/// A file that both pages load, each from below its own path.
fn shared(name: &str) -> Option<File> {
    match name {
        "icon.svg" => Some(ours(SVG, include_str!("docs/icon.svg"))),
        "page.css" => Some(ours(CSS, include_str!("docs/page.css"))),
        _ => None,
    }
}

fn ours(content_type: &'static str, text: &'static str) -> File {
    (content_type, REVALIDATE, Bytes::from_static(text.as_bytes()))
}

fn bundle(content_type: &'static str, bytes: &'static [u8]) -> File {
    (content_type, AN_HOUR, Bytes::from_static(bytes))
}

/// A page at `path`, whose addresses are relative: a proxy may have taken a prefix away that the browser sees.
fn page(template: &str, path: &str, title: &str) -> File {
    let (files, root) = match path.strip_suffix('/') {
        Some(_) => (String::new(), "../"),
        None => (format!("{}/", path.trim_start_matches('/')), ""),
    };
    let html = template.replace("{{title}}", &escape(title));
    (HTML, REVALIDATE, html.replace("{{files}}", &files).replace("{{root}}", root).into())
}

/// The text as it is written between the tags of HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn answer(policy: &'static str, (content_type, cache_control, body): File) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, cache_control))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .body(body)
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App,
        body::MessageBody,
        http::{
            StatusCode,
            header::{CONTENT_TYPE, HeaderMap, HeaderName},
        },
        test::{TestRequest, call_service, init_service},
    };
    use jsonwebtoken::{crypto::aws_lc::DEFAULT_PROVIDER, jwk::ThumbprintHash};

    use super::*;

    const PAGES: [&str; 4] = ["/docs", "/docs/", "/redoc", "/redoc/"];

    async fn get(path: &str) -> (StatusCode, HeaderMap, String) {
        let document = Document { json: Bytes::new(), title: "Jobs & <b>more</b>".to_owned() };
        let service = App::new().app_data(web::Data::new(document)).configure(crate::routes::configure);
        let request = TestRequest::with_uri(path).to_request();
        let answer = call_service(&init_service(service).await, request).await;
        let (head, body) = answer.into_parts().1.into_parts();
        let body = body.try_into_bytes().expect("a body that is there at once");
        (head.status(), head.headers().clone(), String::from_utf8(body.to_vec()).expect("text"))
    }

    fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
        headers.get(name).expect("the header").to_str().expect("text")
    }

    /// The values of all `src` and `href` attributes.
    fn addresses(html: &str) -> Vec<&str> {
        let after = |name| html.split(name).skip(1).filter_map(|rest: &str| rest.split('"').next());
        after(" src=\"").chain(after(" href=\"")).collect()
    }

    /// The path that a browser asks for, if it finds `address` on the page at `path`.
    fn resolved(path: &str, address: &str) -> String {
        let page = url::Url::parse("http://h").and_then(|host| host.join(path)).expect("a page");
        page.join(address).expect("an address").path().to_owned()
    }

    #[tokio::test]
    async fn a_page_loads_only_what_lies_below_it_by_relative_addresses() {
        for path in PAGES {
            let (status, headers, html) = get(path).await;
            assert_eq!((status, text_of(&headers, &CONTENT_TYPE)), (StatusCode::OK, HTML), "{path}");
            let addresses = addresses(&html);
            assert!(addresses.len() >= 5, "{path}: {addresses:?}");
            let below = format!("{}/", path.trim_end_matches('/'));
            for address in addresses {
                assert!(!address.starts_with('/'), "{path}: {address}");
                let absolute = resolved(path, address);
                assert!(absolute == "/openapi.json" || absolute.starts_with(&below), "{path}: {absolute}");
            }
            let document = html.split(" data-document=\"").nth(1).expect("the document").split('"').next();
            assert_eq!(resolved(path, document.expect("its address")), "/openapi.json");
            assert!(!html.contains("://"), "{path} names another host");
            assert!(!html.contains("<style") && !html.contains(" style="), "{path} has an inline style");
            assert_eq!(html.matches("<script").count(), html.matches("<script src=").count(), "{path}");
        }
    }

    #[tokio::test]
    async fn every_file_that_a_page_names_is_there() {
        for path in PAGES {
            let (_, _, html) = get(path).await;
            let files = addresses(&html).into_iter().filter(|address| !address.ends_with("openapi.json"));
            for address in files.map(|address| resolved(path, address)) {
                let (status, headers, text) = get(&address).await;
                assert_eq!(status, StatusCode::OK, "{address}");
                assert!(!text.is_empty(), "{address}");
                let expected = match address.rsplit('.').next() {
                    Some("css") => CSS,
                    Some("js") => SCRIPT,
                    _ => SVG,
                };
                assert_eq!(text_of(&headers, &CONTENT_TYPE), expected, "{address}");
                assert!(headers.contains_key(CACHE_CONTROL), "{address}");
            }
        }
    }

    #[tokio::test]
    async fn the_title_of_the_api_is_written_as_text() {
        for (path, tool) in PAGES.into_iter().zip(["Swagger UI", "Swagger UI", "ReDoc", "ReDoc"]) {
            let title = format!("<title>Jobs &amp; &lt;b&gt;more&lt;/b&gt; – {tool}</title>");
            assert!(get(path).await.2.contains(&title), "{path}");
        }
    }

    #[tokio::test]
    async fn each_page_and_its_files_carry_the_policy_that_it_needs_and_no_more() {
        let swagger = "default-src 'self'; img-src 'self' data:; \
            base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        let redoc = "default-src 'self'; img-src 'self' data:; worker-src blob:; style-src 'self' \
            'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' \
            'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='; \
            base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        for (path, policy) in [
            ("/docs", swagger),
            ("/docs/swagger-ui-bundle.js", swagger),
            ("/redoc", redoc),
            ("/redoc/redoc.standalone.js", redoc),
        ] {
            let (_, headers, _) = get(path).await;
            assert_eq!(text_of(&headers, &CONTENT_SECURITY_POLICY), policy, "{path}");
        }
    }

    #[test]
    fn each_bundle_is_the_one_that_its_readme_records() {
        let redoc = include_str!("../assets/redoc/README.md");
        let swagger = include_str!("../assets/swagger-ui/README.md");
        for (readme, name, bundle) in [
            (redoc, "`redoc.standalone.js` here", REDOC_BUNDLE),
            (swagger, "`swagger-ui-bundle.js`", SWAGGER_BUNDLE),
            (swagger, "`swagger-ui.css`", SWAGGER_STYLE),
        ] {
            let digest = (DEFAULT_PROVIDER.key_utils.compute_digest)(bundle, ThumbprintHash::SHA256);
            let digest = digest.expect("a digest");
            let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
            assert!(readme.contains(&format!("| {name} | `{hex}` |")), "{name} is {hex}");
        }
    }

    #[test]
    fn the_bundle_of_redoc_takes_no_logo_from_another_host() {
        let text = std::str::from_utf8(REDOC_BUNDLE).expect("text");
        assert!(!text.contains("cdn.redoc"));
    }
}
