//! A provider that keeps files and batches in memory, in OpenAI's protocol and in Anthropic's. A batch ends when the test
//! says so, and every call is answered "Hi" for 100 prompt tokens and 10 answered ones, but for those called `bad`, which
//! are refused, and `lost`, of which nothing is said.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use llm_providers::Client;
use llm_tests::live::{Piece, Script, Seen, Upstream, anthropic, openai};
use serde_json::{Value, json};

/// How a batch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not yet.
    Open,
    /// All of it.
    Completed,
    /// All of it, but the connection breaks behind the first result.
    Torn,
    /// All of it, but nothing more comes behind the first result.
    Stuck,
    /// It was stopped.
    Cancelled,
    /// Its time was over.
    Expired,
    /// None of it.
    Failed,
}

#[derive(Clone, Debug)]
struct Made {
    ids: Vec<String>,
    state: State,
    is_cancelling: bool,
    input: String,
    looks: usize,
}

#[derive(Default)]
struct Store {
    /// Whether a batch ends by itself, after the second look at it.
    is_hasty: bool,
    files: Vec<(String, Option<String>)>,
    batches: BTreeMap<String, Made>,
    /// What becomes of the answer to whoever makes one.
    making: Option<fn(Script) -> Script>,
}

pub(crate) struct Provider {
    pub(crate) upstream: Upstream,
    store: Arc<Mutex<Store>>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        Self::with(Store::default()).await
    }

    /// One whose batches end by themselves.
    pub(crate) async fn hasty() -> Self {
        Self::with(Store { is_hasty: true, ..Store::default() }).await
    }

    async fn with(store: Store) -> Self {
        let store = Arc::new(Mutex::new(store));
        let kept = store.clone();
        let upstream = Upstream::start(move |seen| kept.lock().unwrap().answer(seen)).await;
        Self { upstream, store }
    }

    /// A client of it, without a gateway.
    pub(crate) fn client(&self) -> Client {
        self.upstream.client(&[("openai", "/v1"), ("anthropic", "")])
    }

    /// Ends a batch.
    pub(crate) fn end(&self, batch: &str, state: State) {
        self.store.lock().unwrap().batches.get_mut(batch).unwrap().state = state;
    }

    /// Makes every batch from now on, but answers that as `making` says.
    pub(crate) fn answers(&self, making: fn(Script) -> Script) {
        self.store.lock().unwrap().making = Some(making);
    }

    /// The content of a file, by the order in which they came.
    pub(crate) fn file(&self, place: usize) -> String {
        self.store.lock().unwrap().files[place].1.clone().unwrap()
    }
}

fn missing() -> Script {
    openai::error(404, "invalid_request_error", "not_found", "there is no such thing")
}

impl Store {
    fn answer(&mut self, seen: &Seen) -> Script {
        let path = seen.path.split('?').next().unwrap();
        let steps: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let is_anthropic = seen.headers.contains_key("anthropic-version");
        match (seen.method.as_str(), steps.as_slice()) {
            ("POST", ["files"]) => self.upload(&String::from_utf8_lossy(&seen.body), is_anthropic),
            ("GET", ["files"]) => {
                let data: Vec<Value> = (0..self.files.len()).filter_map(|at| self.describe(at, is_anthropic)).collect();
                Script::json(200, &json!({"object": "list", "data": data, "has_more": false}))
            }
            (method, ["files", id]) => {
                let Some(at) = self.files.iter().position(|(known, data)| known == id && data.is_some()) else {
                    return missing();
                };
                let told = self.describe(at, is_anthropic).unwrap();
                if method == "DELETE" {
                    self.files[at].1 = None;
                    return Script::json(200, &json!({"id": id, "object": "file", "deleted": true}));
                }
                Script::json(200, &told)
            }
            ("GET", ["files", id, "content"]) => self.content(id),
            ("POST", ["batches"]) => {
                let input = seen.json()["input_file_id"].as_str().unwrap().to_owned();
                let Some((_, Some(lines))) = self.files.iter().find(|(id, _)| *id == input) else { return missing() };
                let custom =
                    |line: &str| serde_json::from_str::<Value>(line).unwrap()["custom_id"].as_str().unwrap().to_owned();
                let ids = lines.lines().map(custom).collect();
                self.make("batch", ids, input)
            }
            ("POST", ["messages", "batches"]) => {
                let asked = seen.json();
                let requests = asked["requests"].as_array().unwrap();
                assert!(requests.iter().all(|request| request["params"]["model"] == "claude-haiku-4-5"), "{asked}");
                let ids = requests.iter().map(|request| request["custom_id"].as_str().unwrap().to_owned()).collect();
                self.make("msgbatch", ids, String::new())
            }
            ("GET", ["batches", id] | ["messages", "batches", id]) => {
                if let Some(made) = self.batches.get_mut(*id) {
                    made.looks += 1;
                    if self.is_hasty && made.looks > 1 {
                        made.state = State::Completed;
                    }
                }
                self.told(id)
            }
            ("POST", ["batches", id, "cancel"] | ["messages", "batches", id, "cancel"]) => {
                self.batches.get_mut(*id).unwrap().is_cancelling = true;
                self.told(id)
            }
            ("GET", ["messages", "batches", id, "results"]) => {
                let made = &self.batches[*id];
                let lines: Vec<String> = made.ids.iter().filter(|id| *id != "lost").map(|id| message(id)).collect();
                Script::body(200, "application/x-jsonl", lines.concat())
            }
            _ => missing(),
        }
    }

    fn upload(&mut self, form: &str, is_anthropic: bool) -> Script {
        let file = form.split("filename=").nth(1).unwrap();
        let data = file.split_once("\r\n\r\n").unwrap().1;
        let data = data.rsplit_once("\r\n--").unwrap().0;
        self.files.push((format!("file-{}", self.files.len() + 1), Some(data.to_owned())));
        Script::json(200, &self.describe(self.files.len() - 1, is_anthropic).unwrap())
    }

    fn describe(&self, at: usize, is_anthropic: bool) -> Option<Value> {
        let (id, data) = &self.files[at];
        let data = data.as_ref()?;
        let name = if data.contains("custom_id") { "calls.jsonl" } else { "notes.txt" };
        let purpose = if data.contains("custom_id") { "batch" } else { "user_data" };
        Some(match is_anthropic {
            true => {
                json!({"id": id, "type": "file", "filename": name, "size_bytes": data.len(), "mime_type": "text/plain"})
            }
            false => json!({"id": id, "object": "file", "bytes": data.len(), "filename": name, "purpose": purpose,
                "created_at": 1_700_000_000, "status": "processed"}),
        })
    }

    fn make(&mut self, kind: &str, ids: Vec<String>, input: String) -> Script {
        let id = format!("{kind}_{}", self.batches.len() + 1);
        self.batches.insert(id.clone(), Made { ids, state: State::Open, is_cancelling: false, input, looks: 0 });
        let told = self.told(&id);
        self.making.map_or(told.clone(), |making| making(told))
    }

    fn told(&self, id: &str) -> Script {
        let Some(made) = self.batches.get(id) else { return missing() };
        let has_ended = made.state != State::Open;
        let bad = made.ids.iter().filter(|id| *id == "bad").count();
        if id.starts_with("msgbatch") {
            let status = if has_ended { "ended" } else { "in_progress" };
            let good = if has_ended { made.ids.len() - bad } else { 0 };
            let counts = json!({"processing": 0, "succeeded": good, "errored": bad, "canceled": 0, "expired": 0});
            return Script::json(
                200,
                &json!({"id": id, "type": "message_batch", "processing_status": status, "request_counts": counts,
                    "created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z",
                    "results_url": has_ended.then(|| format!("https://elsewhere.invalid/{id}"))}),
            );
        }
        let status = match made.state {
            State::Open if made.is_cancelling => "cancelling",
            State::Open => "validating",
            State::Completed | State::Torn | State::Stuck => "completed",
            State::Cancelled => "cancelled",
            State::Expired => "expired",
            State::Failed => "failed",
        };
        let has_results = has_ended && made.state != State::Failed;
        let output = has_results.then(|| format!("out-{id}"));
        let errors = (has_results && bad > 0).then(|| format!("err-{id}"));
        let counts = json!({"total": made.ids.len(), "completed": 0, "failed": bad});
        Script::json(
            200,
            &json!({"id": id, "object": "batch", "status": status, "input_file_id": made.input,
                "endpoint": "/v1/chat/completions", "completion_window": "24h", "created_at": 1_700_000_000,
                "output_file_id": output, "error_file_id": errors, "request_counts": counts}),
        )
    }

    fn content(&self, id: &str) -> Script {
        if let Some((_, Some(data))) = self.files.iter().find(|(known, _)| known == id) {
            return Script::body(200, "application/octet-stream", data.clone());
        }
        let wants_bad = id.starts_with("err-");
        let batch = id.strip_prefix("err-").or(id.strip_prefix("out-"));
        let Some(made) = batch.and_then(|batch| self.batches.get(batch)) else { return missing() };
        let wanted = made.ids.iter().filter(|id| *id != "lost" && (*id == "bad") == wants_bad);
        let lines: Vec<String> = wanted.map(|id| line(id)).collect();
        match made.state {
            State::Torn => Script::body(200, "application/octet-stream", lines[0].clone()).then(Piece::Break),
            State::Stuck => {
                let pause = Piece::Pause(std::time::Duration::from_secs(600));
                Script::body(200, "application/octet-stream", lines[0].clone()).then(pause)
            }
            _ => Script::body(200, "application/octet-stream", lines.concat()),
        }
    }
}

/// A line of OpenAI's results.
fn line(id: &str) -> String {
    let (status, body) = match id {
        "bad" => (400, json!({"error": {"message": "no", "type": "invalid_request_error", "code": "odd"}})),
        _ => (200, openai::answer("Hi", 100, 10)),
    };
    let response = json!({"status_code": status, "request_id": "r", "body": body});
    format!("{}\n", json!({"id": "l", "custom_id": id, "response": response, "error": null}))
}

/// A line of Anthropic's results.
fn message(id: &str) -> String {
    let result = match id {
        "bad" => {
            let error = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}});
            json!({"type": "errored", "error": error})
        }
        _ => json!({"type": "succeeded", "message": anthropic::answer("Hi", 100, 10)}),
    };
    format!("{}\n", json!({"custom_id": id, "result": result}))
}
