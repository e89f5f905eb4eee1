//! What strangers send to a gateway on a socket, and what of its secrets a run leaves behind.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::command::Place;
use crate::running::{Running, status};

/// What the gateway knows of its provider, and nobody else may.
const CREDENTIAL: &str = "pk-upstream-0123456789abcdef";

/// A provider that says its caller's credential back in everything it answers: as an error first, as an answer then,
/// and so on. It serves until the process ends.
fn telltale() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
            let _ = stream.read_exact(&mut body);
            let (status, body) = if number % 2 == 0 {
                ("401 Unauthorized", format!("{{\"error\":{{\"message\":\"wrong key: {CREDENTIAL}\"}}}}"))
            } else {
                let message = r#"{"role":"assistant","content":"Hi"}"#;
                let choice = format!("{{\"index\":0,\"message\":{message},\"finish_reason\":\"stop\"}}");
                let usage = r#"{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}"#;
                (
                    "200 OK",
                    format!(
                        "{{\"id\":\"x\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{choice}],\"usage\":{usage}}}"
                    ),
                )
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-api-key: {CREDENTIAL}\r\n\
                 set-cookie: {CREDENTIAL}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    url
}

fn place() -> Place {
    let url = telltale();
    Place::configured(&format!(
        "max_body = \"1MiB\"\n[log]\nfilter = \"trace\"\n[providers.local]\nprotocol = \"openai-chat\"\n\
         base_url = \"{url}\"\napi_key = \"${{LOCAL_KEY}}\"\n\
         [[models]]\nname = \"fast\"\nretries = 0\ndeployments = [{{ model = \"local:small\" }}]\n"
    ))
    .with("LOCAL_KEY", CREDENTIAL)
}

fn admin_key(place: &Place) -> String {
    fs::read_to_string(place.folder.path().join("llm-gateway.admin-key")).unwrap().trim().to_owned()
}

/// Every file below a folder whose bytes hold a text.
pub(crate) fn files_with(folder: &Path, text: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_with(&path, text, found);
        } else if holds(&fs::read(&path).unwrap(), text.as_bytes()) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
}

/// The records of calls once there are so many of them: they are moved into the database off the path.
fn recorded(gateway: &Running, admin: &str, count: usize) -> String {
    let begin = Instant::now();
    loop {
        let (_, calls) = gateway.request("GET", "/api/v1/calls", admin, "");
        if calls.matches("\"operation\"").count() >= count {
            return calls;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "{count} calls were awaited: {calls}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn no_secret_is_left_in_the_log_the_database_or_the_journal_nor_told_to_a_caller() {
    let place = place();
    let gateway = Running::start(&place);
    let admin = admin_key(&place);
    let (_, made) = gateway.request("POST", "/api/v1/keys", &admin, r#"{"name":"a"}"#);
    let key = made.split("\"key\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (_, rotated) = {
        let id = made.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap();
        gateway.request("POST", &format!("/api/v1/keys/{id}/rotate"), &admin, r#"{"grace":"1h"}"#)
    };
    let second = rotated.split("\"key\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();

    let body = r#"{"model":"fast","messages":[{"role":"user","content":"Hello"}]}"#;
    let mut told = String::new();
    for key in [&key, &second] {
        for path in ["/v1/chat/completions", "/v1/messages"] {
            let body = body.replace("\"model\"", "\"max_tokens\":5,\"model\"");
            let (_, answer) = gateway.request("POST", path, key, &body);
            told.push_str(&answer);
        }
        // Where keys stand in addresses they come into logs.
        let query = format!("/v1beta/models/fast:generateContent?key={key}");
        let contents = r#"{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}"#;
        told.push_str(&gateway.request("POST", &query, "", contents).1);
        told.push_str(&gateway.request("GET", &format!("/api/v1/keys?key={key}"), "", "").1);
        told.push_str(&gateway.request("GET", &format!("/nowhere?key={key}"), key, "").1);
        told.push_str(&gateway.request("GET", &format!("/api/v1/keys?team=a&x={key}"), &admin, "").1);
    }
    // A secret in the wrong place: as the body, as the model, as a header of another scheme.
    told.push_str(&gateway.request("POST", "/api/v1/keys", &admin, "{").1);
    let calls = recorded(&gateway, &admin, 6);
    let (_, audit) = gateway.request("GET", "/api/v1/audit", &admin, "");
    let (_, keys) = gateway.request("GET", "/api/v1/keys", &admin, "");
    assert!(calls.contains("\"status\":\"ok\"") && calls.contains("\"status\":\"error\""), "{calls}");
    for text in [&told, &calls, &audit, &keys] {
        for secret in [CREDENTIAL, admin.as_str(), key.as_str(), second.as_str()] {
            assert!(!text.contains(secret), "a caller was told `{secret}`: {text}");
        }
    }
    let (_, log) = gateway.end();
    assert!(log.contains("made a key"), "the log is not whole: {log}");
    for secret in [CREDENTIAL, admin.as_str(), key.as_str(), second.as_str()] {
        let at = log.lines().find(|line| line.contains(secret));
        assert_eq!(at, None, "the log has `{secret}`");
        let mut found = Vec::new();
        files_with(place.folder.path(), secret, &mut found);
        let expected: &[&str] = if secret == admin { &["llm-gateway.admin-key"] } else { &[] };
        assert_eq!(found, expected, "`{secret}` is in files");
    }
}

#[test]
fn authorization_is_decided_on_what_is_dispatched() {
    let place = place();
    let key = place.stdout(&["key", "create", "--name", "ci"]);
    let key = key.trim();
    let gateway = Running::start(&place);
    let listed = |reply: &str| reply.contains("\"data\"");
    for target in [
        "//api/v1/keys",
        "/api//v1/keys",
        "/./api/v1/keys",
        "/api/./v1/keys",
        "/healthz/../api/v1/keys",
        "/v1/models/../../api/v1/keys",
        "/v1/models/%2e%2e/%2e%2e/api/v1/keys",
        "/healthz/%2e%2e/api/v1/keys",
        "/api%2fv1%2fkeys",
        "/api/v1%2fkeys",
        "/api/v1/keys/me/../",
        "/api/v1/keys/me%2f..",
        "/api/v1/keys;x",
        "/api/v1/keys/",
        "/API/V1/KEYS",
        "/api/v1/%6beys",
        "/api\\v1\\keys",
        "/api/v1/keys?/healthz",
        "/api/v1/keys#/healthz",
        "http://127.0.0.1/api/v1/keys",
        "http://localhost/healthz/../api/v1/keys",
        "https://openai.com/api/v1/keys",
        "http://user:pass@127.0.0.1/api/v1/keys",
        "*",
        "api/v1/keys",
    ] {
        for host in [
            "x",
            "127.0.0.1",
            "localhost/healthz",
            "x/api/v1/keys/me",
            "",
            "x\r\nhost: y",
            "x\r\nx-original-url: /healthz\r\nx-rewrite-url: /healthz\r\nx-forwarded-prefix: /healthz\r\nx-http-method-override: GET",
        ] {
            for credential in ["", key, "nothing"] {
                let reply = gateway.send(&format!(
                    "GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nauthorization: Bearer {credential}\r\n\r\n"
                ));
                let status = status(&reply);
                assert!(!listed(&reply), "`{target}` with `{host}` opens: {reply}");
                assert!(matches!(status, None | Some(400 | 401 | 403 | 404)), "`{target}` with `{host}`: {reply}");
            }
        }
    }
    // The absolute form is a request like any other, and no way to another host: nothing is fetched.
    let admin = admin_key(&place);
    let reply = gateway.send(&format!(
        "GET http://127.0.0.1:1/api/v1/keys HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {admin}\r\n\r\n"
    ));
    assert_eq!(status(&reply), Some(200), "{reply}");
    let reply = gateway.send("CONNECT 127.0.0.1:1 HTTP/1.1\r\nhost: 127.0.0.1:1\r\nconnection: close\r\n\r\n");
    assert!(!matches!(status(&reply), Some(200)), "{reply}");
    let rest = format!(
        "host: x\r\nconnection: close\r\nx-http-method-override: DELETE\r\nauthorization: Bearer {key}\r\n\r\n"
    );
    assert_eq!(status(&gateway.send(&format!("GET /api/v1/keys/me HTTP/1.1\r\n{rest}"))), Some(200));
}

#[test]
fn what_has_no_bound_is_refused_and_the_gateway_goes_on() {
    let place = place();
    let key = place.stdout(&["key", "create", "--name", "ci"]);
    let key = key.trim();
    let gateway = Running::start(&place);
    let admin = admin_key(&place);
    let line = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let attacks = [
        ("many headers", format!("{line}{}\r\n", (0..20_000).map(|n| format!("x-{n}: y\r\n")).collect::<String>())),
        ("a long header", format!("{line}x: {}\r\n\r\n", "y".repeat(4 << 20))),
        ("a long target", format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(1 << 20))),
        ("a long key", format!("{line}authorization: Bearer {}\r\ncontent-length: 2\r\n\r\n{{}}", "y".repeat(100_000))),
        (
            "a body that is said to be endless",
            format!("{line}authorization: Bearer {key}\r\ncontent-length: 99999999999999\r\n\r\n{{"),
        ),
        (
            "two lengths",
            format!("{line}authorization: Bearer {key}\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"),
        ),
        (
            "a length and chunks",
            format!(
                "{line}authorization: Bearer {key}\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "a wrong chunk",
            format!("{line}authorization: Bearer {key}\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
        ),
        (
            "endless chunks",
            format!(
                "{line}authorization: Bearer {key}\r\ntransfer-encoding: chunked\r\n\r\n{}",
                format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(64)
            ),
        ),
        ("a deep body", {
            let body = format!("{{\"model\":\"fast\",\"messages\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
            format!("{line}authorization: Bearer {key}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        }),
        (
            "a body that unfolds",
            format!(
                "{line}authorization: Bearer {key}\r\ncontent-encoding: gzip\r\ncontent-length: 10\r\n\r\n\u{1f}xxxxxxxxx"
            ),
        ),
        ("no request", "\u{16}\u{3}\u{1}\u{2}\0\0\0\0\r\n\r\n".to_owned()),
    ];
    for (what, bytes) in attacks {
        let reply = gateway.send(&bytes);
        // Some are cut off without an answer, which is one.
        assert!(status(&reply).is_none_or(|status| (400..500).contains(&status)), "{what}: {reply}");
        assert_eq!(gateway.request("GET", "/healthz", "", "").0, 200, "after {what}");
    }
    assert_eq!(gateway.request("GET", "/api/v1/keys", &admin, "").0, 200);
}
