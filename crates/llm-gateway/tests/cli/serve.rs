//! `serve`: the first start, what later ones leave out, and the end.

use std::time::{Duration, Instant};

use crate::command::{Place, mask};
use crate::running::Running;

/// A place whose only provider is one that nothing listens at, so that no key of the environment is used.
fn place() -> Place {
    Place::configured(
        "[providers.local]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
         [[models]]\nname = \"fast\"\ndeployments = [{ model = \"local:small\" }]\n",
    )
}

#[test]
fn the_first_start_prints_a_key_and_a_line_that_works_and_later_ones_do_not() {
    let place = place();
    let first = Running::start(&place);
    let address = first.address.clone();
    assert_eq!(first.request("GET", "/healthz", "", "").0, 200);
    let text = first.stop().replace(&address, "<address>");
    insta::assert_snapshot!(mask(text.trim_start()), @r#"
    A first key, good for 5 USD a day and shown this once:

      sk-…

    Try it:

      curl http://<address>/v1/chat/completions -H 'authorization: Bearer sk-…' -H 'content-type: application/json' -d '{"model":"fast","messages":[{"role":"user","content":"Hello"}]}'
    "#);
    let key = text.lines().nth(3).unwrap().trim();

    let second = Running::start(&place);
    assert_eq!(second.request("GET", "/api/v1/keys/me", key, "").0, 200);
    assert_eq!(second.stop(), "");
}

#[test]
fn the_administrators_key_is_in_its_file_and_opens() {
    let place = place();
    let gateway = Running::start(&place);
    let key = std::fs::read_to_string(place.folder.path().join("llm-gateway.admin-key")).unwrap();
    assert_eq!(gateway.request("GET", "/api/v1/keys", key.trim(), "").0, 200);
    assert!(!gateway.stop().contains(key.trim()), "shown on a terminal only");
}

#[test]
fn a_stop_right_after_the_start_ends_it_in_good_order() {
    for _ in 0..3 {
        // The first start has a key to make once it listens, and is in the middle of that.
        let (_, log) = Running::start(&place()).end();
        assert!(!log.contains("ERROR"), "{log}");
    }
}

#[test]
fn what_the_command_line_changes_is_in_force_within_a_second() {
    let place = place();
    let gateway = Running::start(&place);
    let within_a_second = |path: &str, key: &str, status: u16| {
        let begin = Instant::now();
        while gateway.request("GET", path, key.trim(), "").0 != status {
            assert!(begin.elapsed() < Duration::from_secs(1), "{path} does not answer {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let key = place.stdout(&["key", "create", "--name", "ci"]);
    within_a_second("/api/v1/keys/me", &key, 200);
    place.stdout(&["key", "block", "ci"]);
    within_a_second("/api/v1/keys/me", &key, 403);
    place.stdout(&["key", "delete", "ci"]);
    within_a_second("/api/v1/keys/me", &key, 401);
    let admin = place.stdout(&["admin-key", "reset"]);
    within_a_second("/api/v1/keys", &admin, 200);
}

#[test]
fn paths_and_methods_that_are_not_there_are_told_in_the_envelope() {
    let place = place();
    let gateway = Running::start(&place);
    let (status, body) = gateway.request("GET", "/nowhere", "", "");
    assert_eq!((status, body.contains("\"code\":\"not_found\"")), (404, true), "{body}");
    let (status, body) = gateway.request("PUT", "/v1/chat/completions", "", "");
    assert_eq!((status, body.contains("\"code\":\"invalid_request\"")), (405, true), "{body}");
    // Each as the SDK that asks there reads it, also where the path is no text.
    for (method, path, status, said) in [
        ("GET", "/v1/messages", 405, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\""),
        ("GET", "/v1/messages/nowhere", 404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\""),
        ("GET", "/v1beta/nowhere", 404, "\"status\":\"NOT_FOUND\""),
        ("GET", "/upload/v1beta/files", 405, "\"status\":\"INVALID_ARGUMENT\""),
        ("GET", "/v1beta/models/%FF", 404, "\"status\":\"NOT_FOUND\""),
        ("GET", "/v1/models/%FF", 404, "\"code\":\"not_found\""),
    ] {
        let (told, body) = gateway.request(method, path, "", "");
        assert_eq!((told, body.contains(said)), (status, true), "{method} {path}: {body}");
    }
    let key = std::fs::read_to_string(place.folder.path().join("llm-gateway.admin-key")).unwrap();
    let (status, body) = gateway.request("GET", "/api/v1/keys/%FF", key.trim(), "");
    assert_eq!((status, body.contains("\"code\":\"not_found\"")), (404, true), "{body}");
}
