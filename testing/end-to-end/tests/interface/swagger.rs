//! Swagger UI: each program serves it completely, without references to other servers.

use end_to_end::{Service, TestSystem};
use serde_json::json;

use crate::client::Request;

/// The values of `src` and `href`.
fn references(html: &str) -> Vec<String> {
    let attributes = [" src=\"", " href=\"", " src='", " href='"];
    let found = attributes.iter().flat_map(|start| html.split(start).skip(1));
    found.filter_map(|rest| rest.split(['"', '\'']).next()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_program_serves_swagger_ui_without_references_to_other_servers() {
    let system = TestSystem::start().await;
    for service in Service::ALL {
        let page = Request::get(service, "/swagger-ui/").send(&system).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html"), "{service:?}");
        let redirected = Request::get(service, "/swagger-ui").send(&system).await;
        assert_eq!((redirected.status / 100, redirected.header("location")), (3, "/swagger-ui/"), "{service:?}");
        let references = references(&page.text);
        assert!(references.len() >= 5, "{references:?}");
        for reference in references {
            let path = reference.strip_prefix("./").unwrap_or(&reference);
            assert!(!path.contains("//") && !path.contains(':'), "{reference}");
            let asset = Request::get(service, format!("/swagger-ui/{path}")).send(&system).await;
            assert_eq!(asset.status, 200, "{reference}");
            assert!(!path.ends_with(".css") || !asset.text.contains("url(http"), "{reference}");
        }
        let start = Request::get(service, "/swagger-ui/swagger-initializer.js").send(&system).await.text;
        assert!(start.contains("/v3/api-docs") && !start.contains("://"), "{start}");
        // The default setting loads a badge from swagger.io.
        assert!(start.contains(r#""validatorUrl": "none""#), "{start}");
        let document = Request::get(service, "/v3/api-docs").send(&system).await;
        let info = json!({"title": service.program(), "version": "0.1.0", "license": {"name": "Apache-2.0"}});
        assert_eq!((document.status, &document.json["info"]), (200, &info));
    }
}
