//! `serve`: the first start, what later ones leave out, and the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::command::{Place, mask};

/// A gateway that runs until it is dropped.
struct Running {
    child: Child,
    address: String,
    stdout: Option<Box<dyn BufRead + Send>>,
}

impl Running {
    fn start(place: &Place) -> Self {
        let mut child = place
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout: Box<dyn BufRead + Send> = Box::new(BufReader::new(child.stdout.take().unwrap()));
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended: {seen}");
            if let Some((_, address)) = line.split_once("address=") {
                break address.trim().to_owned();
            }
            seen.push_str(&line);
        };
        // Whoever does not read a pipe stops who writes to it.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::stderr()));
        Self { child, address, stdout: Some(stdout) }
    }

    /// The status and the body of a request.
    fn request(&self, method: &str, path: &str, key: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
        (status, reply.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Asks it to stop as an orchestrator does, and gives what it wrote to standard output.
    fn stop(mut self) -> String {
        let killed = std::process::Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
        let mut text = String::new();
        self.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(self.child.wait().unwrap().success());
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
}
