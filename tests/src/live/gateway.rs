//! A gateway in this process, listening on loopback, with its files in a folder of its own.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use llm_gateway::config::Config;
use llm_gateway::keys::KeyDraft;
use llm_gateway::record::CallRecord;
use llm_gateway::router::router;
use llm_gateway::routes::{Admin, surface};
use llm_gateway::server::Server;
use llm_gateway::store::{CallFilter, calls};
use llm_gateway::{Gateway, admin_key};
use llm_providers::{Client, Secret};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A gateway that listens.
#[derive(Debug)]
pub struct TestGateway {
    /// Where, `http://127.0.0.1:PORT`.
    pub url: String,
    /// The gateway itself.
    pub gateway: Arc<Gateway>,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    server: Option<tokio::task::JoinHandle<()>>,
    folder: TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    /// The `data:` of every event of a stream, as JSON where it is.
    pub fn events(&self) -> Vec<Value> {
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| Value::from(data))).collect()
    }
}

/// Makes sure that an answer says, in OpenAI's envelope, that something is not there.
pub fn not_found(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.json()["error"]["code"].as_str()), (404, Some("not_found")));
}

impl TestGateway {
    /// Starts one with a configuration in TOML; listening place, database and journal are its own.
    pub async fn start(config: &str) -> Self {
        Self::start_with(config, |_| ()).await
    }

    /// The same, with a change to the configuration.
    pub async fn start_with(config: &str, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), config, change).await
    }

    async fn start_in(folder: TempDir, config: &str, change: impl FnOnce(&mut Config)) -> Self {
        let (mut parsed, _) = Config::parse("test.toml", config, &|_| None).unwrap_or_else(|error| panic!("{error}"));
        llm_gateway::testing::settle(&mut parsed, folder.path());
        change(&mut parsed);
        let gateway = Gateway::open(parsed).await.unwrap();
        let server = Server::bind(gateway.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = format!("http://{}", server.address().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        // Who sets an administrator's key wants to administrate.
        let routes = match gateway.config().admin_key {
            Some(_) => {
                let prepared = admin_key::prepare(gateway.config(), gateway.keys()).await.unwrap();
                surface(gateway.clone(), Arc::new(Admin::new(gateway.clone(), prepared.administrator)))
            }
            None => router(gateway.clone()),
        };
        let server = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            server.run(routes, stopped).await.unwrap();
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url, gateway, http, stop: Some(stop), server: Some(server), folder }
    }

    /// Makes a key; `members` are those of `POST /api/v1/keys` beside the name.
    pub async fn key(&self, members: Value) -> String {
        let mut draft = members;
        draft["name"] = Value::from("test");
        let draft: KeyDraft = serde_json::from_value(draft).unwrap();
        self.gateway.keys().create(draft).await.unwrap().secret.expose().to_owned()
    }

    /// A client that goes through this gateway.
    pub fn client(&self, key: &str) -> Client {
        Client::of_gateway(self.url.clone(), Some(Secret::new(key))).unwrap()
    }

    /// Sends a body and reads the whole answer.
    pub async fn post(&self, path: &str, key: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(key).body(body);
        Self::read(request.header("content-type", "application/json").send().await.unwrap()).await
    }

    /// Asks for a path and reads the whole answer.
    pub async fn get(&self, path: &str, key: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(key);
        Self::read(request.send().await.unwrap()).await
    }

    /// Sends a request of any method without a body and reads the whole answer.
    pub async fn send(&self, method: http::Method, path: &str, key: &str) -> Answer {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(key);
        Self::read(request.send().await.unwrap()).await
    }

    /// The HTTP client, for requests that are out of the ordinary.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Every call record so far, oldest first.
    pub async fn calls(&self) -> Vec<CallRecord> {
        self.gateway.flush().await.unwrap();
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = calls(self.gateway.db(), &CallFilter::default(), cursor.as_deref(), 500).await.unwrap();
            all.extend(page.data);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        all.reverse();
        all
    }

    /// The records once there are `count` of them; calls whose caller hung up are settled off the path.
    pub async fn calls_once(&self, count: usize) -> Vec<CallRecord> {
        for _ in 0..400 {
            let calls = self.calls().await;
            if calls.len() >= count {
                return calls;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{count} call records were awaited, there are {}", self.calls().await.len());
    }

    /// Stops it as SIGTERM does, and starts it again with the same files and this configuration.
    pub async fn restart(self, config: &str) -> Self {
        let Self { gateway, stop, server, folder, .. } = self;
        let _ = stop.map(|stop| stop.send(()));
        if let Some(server) = server {
            server.await.unwrap();
        }
        // Whoever still holds the gateway holds its journal.
        let gone = Arc::downgrade(&gateway);
        drop(gateway);
        for _ in 0..400 {
            if gone.strong_count() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self::start_in(folder, config, |_| ()).await
    }

    /// Stops it as SIGTERM does, and waits until it has.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(server) = self.server.take() {
            server.await.unwrap();
        }
    }

    async fn read(response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap_or_default() }
    }
}
