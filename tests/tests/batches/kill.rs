//! The real binary, killed in the middle of a settlement: every call of the batch has one record in the end, and the sum
//! is exact.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use llm_core::NanoUsd;
use llm_gateway::Gateway;
use llm_gateway::config::Config;
use llm_gateway::store::{CallFilter, calls};
use serde_json::{Value, json};

use crate::provider::{Provider, State};
use crate::{config, lines, of_batches};

/// A gateway that runs. Dropped, it is killed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn database(folder: &Path) -> String {
    llm_gateway::testing::url(&folder.join("llm-gateway.db"))
}

struct Installed {
    folder: tempfile::TempDir,
    port: u16,
    key: String,
}

impl Installed {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway-under-test"));
        command.current_dir(self.folder.path()).args(arguments);
        command.env("LLM_GATEWAY_LISTEN", format!("127.0.0.1:{}", self.port));
        command.env("LLM_GATEWAY_DATABASE", database(self.folder.path()));
        command
    }

    async fn serve(&self) -> Running {
        let child = self.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let running = Running(child);
        for _ in 0..400 {
            if reqwest::get(self.url("/readyz")).await.is_ok_and(|answer| answer.status() == 200) {
                return running;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the gateway does not become ready");
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    async fn get(&self, path: &str) -> reqwest::Result<Value> {
        let answer = reqwest::Client::new().get(self.url(path)).bearer_auth(&self.key).send().await?;
        Ok(serde_json::from_slice(&answer.bytes().await?).unwrap_or_default())
    }

    /// Waits until the key has spent so much.
    async fn spent(&self, amount: &str) {
        let mut seen = Value::Null;
        for _ in 0..400 {
            seen = self.get("/api/v1/keys/me").await.unwrap_or_default();
            if seen["limits"][0]["used"] == amount {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{amount} were to be spent: {seen}");
    }
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_settlement_loses_and_doubles_nothing() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("llm-gateway.toml"), config(&provider, "1h")).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut installed = Installed { folder, port, key: String::new() };
    let made = installed.command(&["key", "create", "--name", "k", "--limit", "spend=1/month"]).output().unwrap();
    installed.key = String::from_utf8(made.stdout).unwrap().trim().to_owned();

    let running = installed.serve().await;
    let form = format!(
        "--cut\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--cut\r\nContent-Disposition: \
         form-data; name=\"file\"; filename=\"calls.jsonl\"\r\n\r\n{}\r\n--cut--\r\n",
        lines("fast", &["a", "b", "c"])
    );
    let post = |path: &str, kind: &str, body: String| {
        let request = reqwest::Client::new().post(installed.url(path)).bearer_auth(&installed.key);
        let request = request.header("content-type", kind).body(body);
        async move {
            let answer = request.send().await.unwrap().bytes().await.unwrap();
            serde_json::from_slice::<Value>(&answer).unwrap()
        }
    };
    let file = post("/v1/files", "multipart/form-data; boundary=cut", form).await;
    let asked = json!({"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    let batch = post("/v1/batches", "application/json", asked.to_string()).await;
    let id = batch["id"].as_str().unwrap();
    let place = format!("/v1/batches/{id}");

    // The results stop behind the first line, which is settled by then.
    provider.end(id, State::Stuck);
    let asking = reqwest::Client::new().get(installed.url(&place)).bearer_auth(&installed.key).send();
    tokio::select! {
        answer = asking => panic!("the results came to an end: {answer:?}"),
        () = installed.spent("0.00006") => {}
    }
    drop(running);

    let running = installed.serve().await;
    installed.spent("0.00006").await;
    provider.end(id, State::Completed);
    assert_eq!(installed.get(&place).await.unwrap()["status"], "completed");
    installed.spent("0.00018").await;
    drop(running);

    let text = std::fs::read_to_string(installed.folder.path().join("llm-gateway.toml")).unwrap();
    let (mut config, _) = Config::parse("test.toml", &text, &|_| None).unwrap();
    config.database = database(installed.folder.path()).parse().unwrap();
    config.journal.path = Some(installed.folder.path().join("llm-gateway.journal"));
    let gateway = Gateway::open(config).await.unwrap();
    gateway.flush().await.unwrap();
    let found = of_batches(calls(gateway.db(), &CallFilter::default(), None, 500).await.unwrap().data);
    let key = gateway.keys().list(None, 1, |_| true).remove(0);
    let limit = gateway.ledger().statuses(gateway.now_ms(), &key.scope()).remove(0);
    let sum: NanoUsd = found.iter().map(|call| call.cost_usd.unwrap()).sum();
    assert_eq!((found.len(), sum.to_string()), (3, "0.00018".to_owned()));
    assert_eq!((NanoUsd(limit.used), limit.reserved), (sum, 0));
    gateway.close(Duration::from_secs(5)).await.unwrap();
}
