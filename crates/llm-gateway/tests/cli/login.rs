//! The login of people, by the real program: a browser goes to the identity provider and comes back, administrates, is
//! still known after a restart, and logs out. Tokens of the same provider call models meanwhile.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::attacks::files_with;
use crate::command::Place;
use crate::running::{Running, status};

#[path = "../../src/oidc/tests/idp.rs"]
#[expect(dead_code, clippy::indexing_slicing, reason = "only a part of it is needed here, and it is test code")]
mod idp;

use idp::Idp;

const CLIENT_SECRET: &str = "what-the-gateway-proves-itself-by";

/// What a browser has: the cookies, by their names.
#[derive(Default)]
struct Browser(HashMap<String, String>);

impl Browser {
    /// What is answered, as it came.
    fn send(&mut self, gateway: &Running, method: &str, path: &str, site: &str) -> String {
        let cookies: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let body = if method == "GET" { "" } else { r#"{"name":"made by a browser"}"# };
        let reply = gateway.send(&format!(
            "{method} {path} HTTP/1.1\r\nhost: gateway.example\r\nconnection: close\r\ncookie: {}\r\n\
             sec-fetch-site: {site}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            cookies.join("; "),
            body.len()
        ));
        for set in headers(&reply, "set-cookie") {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    fn get(&mut self, gateway: &Running, path: &str) -> String {
        self.send(gateway, "GET", path, "none")
    }

    /// Who one is; none who is not logged in.
    fn role(&mut self, gateway: &Running) -> Option<Value> {
        let reply = self.get(gateway, "/api/v1/me");
        (status(&reply) == Some(200)).then(|| body(&reply)["role"].clone())
    }
}

fn headers(reply: &str, name: &str) -> Vec<String> {
    let head = reply.split("\r\n\r\n").next().unwrap();
    let named = head.lines().filter_map(|line| line.split_once(": ")).filter(|(own, _)| own.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.to_owned()).collect()
}

fn body(reply: &str) -> Value {
    serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn place(idp: &Idp) -> Place {
    let url = &idp.url;
    Place::configured(&format!(
        "[providers.local]\nprotocol = \"openai-chat\"\nbase_url = \"{url}/v1\"\nauth = \"none\"\n\
         [[issuers]]\nissuer = \"{url}\"\naudience = \"gateway\"\n\
         [issuers.role]\nclaim = \"roles\"\nmap = {{ boss = \"administrator\" }}\n\
         [login]\nissuer = \"{url}\"\nclient_id = \"console\"\nclient_secret = \"${{CLIENT_SECRET}}\"\n\
         url = \"https://gateway.example\"\n"
    ))
    .with("CLIENT_SECRET", CLIENT_SECRET)
}

/// Logs in from the beginning to the end, and gives the last answer.
fn log_in(browser: &mut Browser, gateway: &Running, idp: &Idp, claims: Value) -> String {
    let begun = browser.get(gateway, "/login?next=/api/v1/me");
    assert_eq!(status(&begun), Some(303), "{begun}");
    let to: url::Url = headers(&begun, "location")[0].parse().unwrap();
    assert!(to.as_str().starts_with(&format!("{}/authorize?", idp.url)), "{to}");
    let asked: HashMap<String, String> = to.query_pairs().into_owned().collect();
    assert_eq!(asked["redirect_uri"], "https://gateway.example/login/callback");
    let code = idp.grant(&asked, claims);
    browser.get(gateway, &format!("/login/callback?code={code}&state={}", asked["state"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_log_in_administrate_and_log_out() {
    let idp = Idp::start().await;
    let place = place(&idp);
    let gateway = Running::start(&place);
    let mut boss = Browser::default();
    assert_eq!(boss.role(&gateway), None);
    let back = log_in(&mut boss, &gateway, &idp, json!({"roles": "boss"}));
    assert_eq!((status(&back), &*headers(&back, "location")[0]), (Some(303), "/api/v1/me"), "{back}");
    assert_eq!(boss.role(&gateway), Some("administrator".into()));
    // Only a page of the gateway itself may make it change anything.
    for (site, expected) in [("cross-site", 403), ("same-origin", 201)] {
        let made = boss.send(&gateway, "POST", "/api/v1/teams", site);
        assert_eq!(status(&made), Some(expected), "{made}");
    }
    let mut member = Browser::default();
    log_in(&mut member, &gateway, &idp, json!({"sub": "bob"}));
    assert_eq!(member.role(&gateway), Some("member".into()));
    let refused = member.send(&gateway, "POST", "/api/v1/teams", "same-origin");
    assert_eq!(status(&refused), Some(403), "{refused}");

    // Who has no browser comes with a token.
    let token = idp.token(json!({}));
    let call = r#"{"model":"local:some","messages":[{"role":"user","content":"Hello"}]}"#;
    let (answered, text) = gateway.request("POST", "/v1/chat/completions", &token, call);
    assert_eq!(answered, 200, "{text}");
    let forged = idp::Signer::es256("first").sign(&idp.signer.header(), &idp.claims(json!({})));
    assert_eq!(gateway.request("POST", "/v1/chat/completions", &forged, call).0, 401);
    let (_, log) = gateway.end();

    // The session outlives the process, and ends when it is ended.
    let gateway = Running::start(&place);
    assert_eq!(boss.role(&gateway), Some("administrator".into()));
    let session = boss.0.values().next().unwrap().clone();
    let mut copied = Browser(boss.0.clone());
    assert_eq!(status(&boss.send(&gateway, "POST", "/logout", "same-origin")), Some(200));
    assert_eq!((boss.0.len(), copied.role(&gateway)), (0, None));
    let (_, more) = gateway.end();
    assert!(log.contains("someone has logged in"), "{log}");
    for secret in [&*session, &*token, CLIENT_SECRET] {
        assert!(!log.contains(secret) && !more.contains(secret), "a secret is in the log");
        assert_eq!(found(place.folder.path(), secret), [""; 0], "a secret is in files");
    }
}

fn found(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    files_with(folder, text, &mut found);
    found
}
