//! Six scopes by six meters: five hundred callers at once, streaming and not, a third of whom hang up, while some of the
//! provider's answers fail. No limit is exceeded, what is refused takes nothing, and what is allowed passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use llm_gateway::keys::{KeyDraft, OrganizationDraft, TeamDraft, UserDraft};
use llm_gateway::limits::{LimitDraft, LimitMeter, LimitStatus, Scope, ScopeKind};
use llm_gateway::record::{CallRecord, CallStatus};
use llm_tests::live::{Piece, Script, Seen, TestGateway, Upstream, openai};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::callers::{Call, Caller, Manner};

/// Calls of one limit at the same time.
const CALLERS: usize = 500;
/// The most tokens of an answer, as half of the callers say and as the strict limits of the others make it.
const BOUND: u64 = 4;
/// What a call is reserved at, at least: an answer at its bound, and the bytes of its question.
const SMALLEST: u64 = BOUND;

/// One limit, and who calls under it.
#[derive(Debug)]
struct Group {
    name: String,
    scope: Scope,
    meter: LimitMeter,
    amount: i64,
    secret: String,
    headers: String,
    /// Whether callers leave their bound to the limit, which is strict.
    strict: bool,
}

fn said<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

impl Group {
    /// A limit on one of `kind`, which about half of the calls fit into.
    async fn make(gateway: &TestGateway, kind: ScopeKind, meter: LimitMeter) -> Self {
        let keys = gateway.gateway.keys();
        let name = format!("{kind}-{meter}");
        // Half of the groups state their bounds, and half of those on end users and tags are on each of them.
        let strict = (kind as usize + meter as usize).is_multiple_of(2);
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
        if strict {
            limit["strict"] = json!(true);
        }
        if strict && matches!(meter, LimitMeter::Spend | LimitMeter::Tokens | LimitMeter::OutputTokens) {
            limit["assume_output"] = json!(BOUND);
        }
        let on_each = matches!(kind, ScopeKind::EndUser | ScopeKind::Tag) && strict;
        let id = if on_each { "*" } else { &*scope.id };
        limit["scope"] = json!({"kind": kind, "id": id});
        if on_each {
            // Only this group's calls are of this model.
            limit["models"] = json!([name]);
        }
        keys.create_limit(said::<LimitDraft>(limit)).await.unwrap();
        let headers = match kind {
            ScopeKind::EndUser => format!("x-llm-end-user: {name}\r\n"),
            ScopeKind::Tag => format!("x-llm-tags: other, {name}\r\n"),
            _ => String::new(),
        };
        let secret = made.secret.expose().to_owned();
        Self { name, scope, meter, amount, secret, headers, strict }
    }

    fn counts_output(&self) -> bool {
        matches!(self.meter, LimitMeter::Spend | LimitMeter::Tokens | LimitMeter::OutputTokens)
    }

    /// The body of a call.
    fn ask(&self, number: usize) -> Value {
        let text = if number % 7 == 5 { "fail" } else { "go" };
        let mut body = json!({"model": self.name, "messages": [{"role": "user", "content": text}]});
        body["stream"] = json!(number.is_multiple_of(2));
        if !(self.strict && self.counts_output()) {
            body["max_tokens"] = json!(BOUND);
        }
        body
    }

    fn status(&self, gateway: &TestGateway) -> LimitStatus {
        let ledger = gateway.gateway.ledger();
        let mut all = ledger.statuses(gateway.gateway.now_ms(), &self.scope);
        all.retain(|status| status.limit.spec.meter == self.meter);
        assert!(all.len() <= 1, "{all:?}");
        all.pop().unwrap_or_else(|| panic!("{} has no limit yet", self.name))
    }

    /// All callers at once; gives how many were let in.
    async fn burst(self: Arc<Self>, gateway: Arc<TestGateway>, callers: Vec<Caller>) -> (Vec<Caller>, usize) {
        let tasks: Vec<_> = callers
            .into_iter()
            .enumerate()
            .map(|(number, mut caller)| {
                let (group, gateway) = (self.clone(), gateway.clone());
                tokio::spawn(async move {
                    let manner = if number.is_multiple_of(3) { Manner::HangsUp } else { Manner::Patient };
                    let status = group.call(&gateway, &mut caller, number, manner).await;
                    (caller, status)
                })
            })
            .collect();
        let (mut callers, mut admitted) = (Vec::new(), 0);
        for task in tasks {
            let (caller, status) = task.await.unwrap();
            assert!(matches!(status, 200 | 429 | 502), "{}: {status}", self.name);
            admitted += usize::from(status != 429);
            callers.push(caller);
        }
        (callers, admitted)
    }

    async fn call(&self, gateway: &TestGateway, caller: &mut Caller, number: usize, manner: Manner) -> u16 {
        let place = gateway.url.strip_prefix("http://").unwrap();
        let body = self.ask(number);
        caller.call(&Call { place, key: &self.secret, headers: &self.headers, body, manner }).await
    }

    /// What a record adds to the limit.
    fn used_by(&self, call: &CallRecord) -> i64 {
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

/// One token a word: as many as are asked for, and eight where no bound is said. Streams pause once in the middle.
fn answer(seen: &Seen) -> Script {
    let request = seen.json();
    if request["messages"][0]["content"] == "fail" {
        return openai::error(500, "server_error", "oops", "we broke");
    }
    let bound = request["max_completion_tokens"].as_u64().or(request["max_tokens"].as_u64()).unwrap_or(8).min(8);
    if request["stream"] != true {
        return openai::echo(&request, &["w "; 8][..bound as usize], 9);
    }
    let first = openai::chunk(&json!({"role": "assistant", "content": "w "}), None);
    let mut rest: String = (1..bound).map(|_| openai::chunk(&json!({"content": "w "}), None)).collect();
    rest.push_str(&openai::chunk(&json!({}), Some("stop")));
    rest.push_str(&openai::usage(9, bound));
    rest.push_str("data: [DONE]\n\n");
    Script::sse([first]).then(Piece::Pause(Duration::from_millis(5))).then(Piece::Bytes(rest.into()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_limit_of_any_scope_and_meter_is_exceeded() {
    let begun = Instant::now();
    let upstream = Upstream::start(answer).await;
    let combinations: Vec<(ScopeKind, LimitMeter)> =
        ScopeKind::ALL.iter().flat_map(|kind| LimitMeter::ALL.iter().map(|meter| (*kind, *meter))).collect();
    let mut config = format!("[providers.mock]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"\n", upstream.url);
    for (kind, meter) in &combinations {
        config.push_str(&format!(
            "[[models]]\nname = \"{kind}-{meter}\"\nretries = 0\ndeployments = [\n  {{ model = \"mock:m\", \
             price = {{ input = \"2\", output = \"20\" }} }} ]\n"
        ));
    }
    let gateway = Arc::new(TestGateway::start(&config).await);
    let mut groups = Vec::new();
    for (kind, meter) in combinations {
        groups.push(Arc::new(Group::make(&gateway, kind, meter).await));
    }

    // Someone looks all the while.
    let (over, watching) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let watch = {
        let (gateway, groups, over, watching) = (gateway.clone(), groups.clone(), over.clone(), watching.clone());
        tokio::spawn(async move {
            while watching.load(SeqCst) {
                for group in &groups {
                    let found = gateway.gateway.ledger().statuses(gateway.gateway.now_ms(), &group.scope);
                    let exceeds = |limit: &LimitStatus| limit.used + limit.reserved > limit.limit.spec.amount;
                    over.fetch_add(found.iter().filter(|limit| exceeds(limit)).count(), SeqCst);
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
    };

    let mut callers: Vec<Caller> = (0..CALLERS).map(|_| Caller::default()).collect();
    let mut admitted = Vec::new();
    for group in &groups {
        let (back, count) = group.clone().burst(gateway.clone(), callers).await;
        callers = back;
        admitted.push(count);
    }
    // Calls that were left by their callers end by themselves.
    for group in &groups {
        let is_idle = || group.status(&gateway).reserved == 0;
        for _ in 0..1_000 {
            if is_idle() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(is_idle(), "{}: {:?}", group.name, group.status(&gateway));
    }
    for (group, admitted) in groups.iter().zip(admitted) {
        let before = group.status(&gateway);
        assert!(before.used <= group.amount, "{}: {before:?}", group.name);
        if group.meter == LimitMeter::Requests {
            assert_eq!((admitted as i64, before.used), (group.amount, group.amount), "{}", group.name);
        }
        // Everything that is allowed passes: what is refused now would not fit, though nobody else calls.
        let (mut refused, mut rounds) = (false, 0);
        while !refused && rounds < CALLERS && group.meter != LimitMeter::Concurrency {
            refused = group.call(&gateway, &mut callers[0], 1, Manner::Patient).await == 429;
            rounds += 1;
        }
        let after = group.status(&gateway);
        match group.meter {
            LimitMeter::Concurrency => {
                assert!(admitted >= group.amount as usize, "{}: {admitted}", group.name);
                assert_eq!(group.call(&gateway, &mut callers[0], 1, Manner::Patient).await, 200);
            }
            LimitMeter::OutputTokens => assert!(after.remaining < SMALLEST as i64, "{}: {after:?}", group.name),
            _ => assert!(refused && after.remaining * 20 < group.amount, "{}: {after:?}", group.name),
        }
    }
    watching.store(false, SeqCst);
    watch.await.unwrap();
    assert_eq!(over.load(SeqCst), 0, "a limit was passed for a while");

    // What the limits have counted is what the records say, and what was refused reached nobody.
    let calls = gateway.calls().await;
    let sent = upstream.seen();
    for group in &groups {
        let own: Vec<&CallRecord> = calls.iter().filter(|call| *call.model == *group.name).collect();
        let used: i64 = own.iter().map(|call| group.used_by(call)).sum();
        let limit = group.status(&gateway);
        assert_eq!((limit.used, limit.reserved), (used, 0), "{}", group.name);
        assert!(own.len() <= 2 * CALLERS + 1 && own.len() > CALLERS * 2 / 3, "{}: {}", group.name, own.len());
        for refused in own.iter().filter(|call| call.status == CallStatus::Refused) {
            assert!(refused.attempts.is_empty() && refused.usage.is_zero(), "{refused:?}");
        }
        assert!(own.iter().all(|call| call.overrun_usd.0 == 0), "{}", group.name);
    }
    let attempts: usize = calls.iter().map(|call| call.attempts.len()).sum();
    // A caller can be gone before its request has left.
    assert!(sent.len() <= attempts && sent.len() * 10 > attempts * 9, "{} of {attempts}", sent.len());
    println!("{} limits, {} calls in {:?}", groups.len(), calls.len(), begun.elapsed());
}
