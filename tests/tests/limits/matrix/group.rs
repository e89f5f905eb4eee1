//! One limit of the matrix, and those who call under it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use llm_gateway::keys::{KeyDraft, OrganizationDraft, TeamDraft, UserDraft};
use llm_gateway::limits::{LimitDraft, LimitId, LimitMeter, LimitStatus, Scope, ScopeKind};
use llm_gateway::record::{CallRecord, CallStatus};
use llm_tests::live::TestGateway;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::fleet::place_of;
use super::provider;
use crate::callers::{Call, Caller, Manner};

/// The most tokens of an answer: as callers say, as a strict limit makes it, or as it is assumed to be.
const BOUND: u64 = 4;
/// What a token of a prompt and one of an answer cost, in billionths of a US dollar.
const PRICE: (i64, i64) = (2_000, 20_000);

/// Who says how long an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bounds {
    /// Each call.
    Stated,
    /// The limit, which is strict.
    Strict,
    /// Nobody: the limit assumes less than what comes, and is passed by what was in flight.
    Assumed,
}

/// One limit, and who calls under it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) meter: LimitMeter,
    pub(super) amount: i64,
    /// The limit; where it is on each, the part of the one who calls.
    limit: LimitId,
    scope: Scope,
    secret: String,
    headers: String,
    bounds: Bounds,
}

fn said<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

impl Group {
    /// The configuration of the model that only the group for `kind` and `meter` calls.
    pub(super) fn model(kind: ScopeKind, meter: LimitMeter) -> String {
        let (input, output) = (PRICE.0 / 1_000, PRICE.1 / 1_000);
        format!(
            "[[models]]\nname = \"{kind}-{meter}\"\nretries = 0\ndeployments = [\n  {{ model = \"mock:m\", \
             price = {{ input = \"{input}\", output = \"{output}\" }} }} ]\n"
        )
    }

    /// A limit on one of `kind`, which about half of the calls fit into.
    pub(super) async fn make(gateway: &TestGateway, kind: ScopeKind, meter: LimitMeter) -> Self {
        let keys = gateway.gateway.keys();
        let name = format!("{kind}-{meter}");
        let number = kind as usize + meter as usize;
        let counts_output = matches!(meter, LimitMeter::Spend | LimitMeter::Tokens | LimitMeter::OutputTokens);
        let bounds = match number % 4 {
            0 | 2 => Bounds::Strict,
            3 if counts_output => Bounds::Assumed,
            _ => Bounds::Stated,
        };
        let organization = keys.create_organization(said::<OrganizationDraft>(json!({"name": name}))).await.unwrap();
        let team = said::<TeamDraft>(json!({"name": name, "organization": name}));
        let team = keys.create_team(team).await.unwrap();
        let user = keys.create_user(said::<UserDraft>(json!({"name": name, "teams": [name]}))).await.unwrap();
        let draft = said::<KeyDraft>(json!({"name": name, "team": name, "user": name, "limits": []}));
        let made = keys.create(draft).await.unwrap();
        let scope = match kind {
            ScopeKind::Organization => organization.scope(),
            ScopeKind::Team => team.scope(),
            ScopeKind::User => user.scope(),
            ScopeKind::Key => made.key.scope(),
            ScopeKind::EndUser | ScopeKind::Tag => Scope::new(kind, name.as_str()),
        };
        let amount = match meter {
            LimitMeter::Spend => 25_000_000,
            LimitMeter::Tokens => 3_000,
            LimitMeter::InputTokens => 2_500,
            LimitMeter::OutputTokens => 600,
            LimitMeter::Requests => 250,
            LimitMeter::Concurrency => 40,
        };
        let said_amount = match meter {
            LimitMeter::Spend => json!("0.025"),
            _ => json!(amount),
        };
        let mut limit = json!({"meter": meter, "amount": said_amount});
        if meter != LimitMeter::Concurrency {
            limit["window"] = json!("day");
        }
        if bounds == Bounds::Strict {
            limit["strict"] = json!(true);
        }
        if bounds != Bounds::Stated && counts_output {
            limit["assume_output"] = json!(BOUND);
        }
        // Half of those on end users and tags are on each of them.
        let on_each = matches!(kind, ScopeKind::EndUser | ScopeKind::Tag) && number.is_multiple_of(2);
        let id = if on_each { "*" } else { &*scope.id };
        limit["scope"] = json!({"kind": kind, "id": id});
        if on_each {
            // Only this group's calls are of this model.
            limit["models"] = json!([name]);
        }
        let limit = keys.create_limit(said::<LimitDraft>(limit)).await.unwrap();
        let limit = if on_each { LimitId::new(format!("{}/{name}", limit.id)) } else { limit.id.clone() };
        let headers = match kind {
            ScopeKind::EndUser => format!("x-llm-end-user: {name}\r\n"),
            ScopeKind::Tag => format!("x-llm-tags: other, {name}\r\n"),
            _ => String::new(),
        };
        let secret = made.secret.expose().to_owned();
        Self { name, scope, meter, amount, limit, secret, headers, bounds }
    }

    /// Whether the limit is that of this name among the shared counters.
    pub(super) fn is_named(&self, shared: &str) -> bool {
        shared.splitn(3, '/').nth(2) == Some(self.limit.as_str())
    }

    fn counts_output(&self) -> bool {
        matches!(self.meter, LimitMeter::Spend | LimitMeter::Tokens | LimitMeter::OutputTokens)
    }

    /// What a call is reserved at, at least: an answer at its bound.
    pub(super) fn smallest(&self) -> i64 {
        if self.meter == LimitMeter::OutputTokens { BOUND as i64 } else { self.amount / 20 }
    }

    /// By how much the limit may be passed when `in_flight` calls were under way at once.
    pub(super) fn excess(&self, in_flight: usize) -> i64 {
        let tokens = if self.bounds == Bounds::Assumed { (provider::UNBOUND - BOUND) as i64 } else { 0 };
        let each = if self.meter == LimitMeter::Spend { tokens * PRICE.1 } else { tokens };
        each * in_flight as i64
    }

    /// The body of a call.
    fn ask(&self, number: usize) -> Value {
        let text = if number % 7 == 5 { "fail" } else { "go" };
        let mut body = json!({"model": self.name, "messages": [{"role": "user", "content": text}]});
        body["stream"] = json!(number.is_multiple_of(2));
        if self.bounds == Bounds::Stated || !self.counts_output() {
            body["max_tokens"] = json!(BOUND);
        }
        body
    }

    /// What a gateway knows of the limit.
    pub(super) fn status(&self, gateway: &TestGateway) -> LimitStatus {
        let ledger = gateway.gateway.ledger();
        let mut all = ledger.statuses(gateway.gateway.now_ms(), &self.scope);
        all.retain(|status| status.limit.spec.meter == self.meter);
        assert!(all.len() <= 1, "{all:?}");
        all.pop().unwrap_or_else(|| panic!("{} has no limit yet", self.name))
    }

    /// What has been had and is held of it at a gateway, and by the others as far as that one knows.
    pub(super) fn own_and_others(&self, gateway: &TestGateway) -> (i64, i64) {
        let gateway = &gateway.gateway;
        gateway.ledger().own_and_others(gateway.now_ms(), &self.limit).unwrap()
    }

    /// All callers at once, at one gateway after the other; `admitted` is how many were let in, while it goes on and in
    /// the end.
    pub(super) async fn burst(
        self: Arc<Self>,
        places: Arc<[String]>,
        callers: Vec<Caller>,
        admitted: Arc<AtomicUsize>,
    ) -> Vec<Caller> {
        let tasks: Vec<_> = callers
            .into_iter()
            .enumerate()
            .map(|(number, mut caller)| {
                let (group, places, admitted) = (self.clone(), places.clone(), admitted.clone());
                tokio::spawn(async move {
                    let manner = if number.is_multiple_of(3) { Manner::HangsUp } else { Manner::Patient };
                    let place = &places[place_of(number, places.len())];
                    let status = group.call(place, &mut caller, number, manner).await;
                    assert!(matches!(status, 200 | 429 | 502), "{}: {status}", group.name);
                    admitted.fetch_add(usize::from(status != 429), SeqCst);
                    caller
                })
            })
            .collect();
        let mut callers = Vec::new();
        for task in tasks {
            callers.push(task.await.unwrap());
        }
        callers
    }

    /// Makes one call, and gives its status.
    pub(super) async fn call(&self, place: &str, caller: &mut Caller, number: usize, manner: Manner) -> u16 {
        let body = self.ask(number);
        caller.call(&Call { place, key: &self.secret, headers: &self.headers, body, manner }).await
    }

    /// What a record adds to the limit.
    pub(super) fn used_by(&self, call: &CallRecord) -> i64 {
        let (input, output) = (call.usage.input_tokens() as i64, call.usage.output_tokens() as i64);
        match self.meter {
            LimitMeter::Spend => call.cost_usd.unwrap().0,
            LimitMeter::Tokens => input + output,
            LimitMeter::InputTokens => input,
            LimitMeter::OutputTokens => output,
            LimitMeter::Requests => i64::from(call.status != CallStatus::Refused),
            LimitMeter::Concurrency => 0,
        }
    }
}
