//! Budgets and rates as limits, and what of them is spent.

use jiff::Timestamp;
use llm_core::NanoUsd;

use super::super::amount;
use super::super::node::{Fields, Node};
use super::super::{Report, duration};
use super::Import;
use super::rows::time;
use crate::keys::AdoptedLimit;
use crate::limits::{LimitMeter, LimitSpec, ModelPattern, Window};

/// Members of a row that are about limits, and may stand in the budget that it names instead.
const MEMBERS: &[&str] = &[
    "max_budget",
    "soft_budget",
    "budget_duration",
    "budget_reset_at",
    "max_parallel_requests",
    "tpm_limit",
    "rpm_limit",
    "tpd_limit",
    "model_max_budget",
    "temp_budget_increase",
    "temp_budget_expiry",
    "allowed_models",
];

impl Import<'_> {
    /// Takes the limits of a row out of it, with what has been spent in their windows. `place` is the row's table.
    pub(super) fn limits(&mut self, row: &mut Fields, place: &str) -> Vec<AdoptedLimit> {
        if let Some(id) = row.take_text("budget_id") {
            match self.budgets.get(&id) {
                Some(budget) => {
                    for (name, node) in &budget.0 {
                        let own = row.get(name).is_some_and(|own| !own.is_empty());
                        if !own && !node.is_empty() && MEMBERS.contains(&name.as_str()) {
                            row.0.retain(|(known, _)| known != name);
                            row.0.push((name.clone(), node.clone()));
                        }
                    }
                    self.report
                        .mapped(format!("{place}.budget_id"), "the limits of the budget, each holder's by itself");
                }
                None => self.report.refused(format!("{place}.budget_id"), format!("there is no budget `{id}`")),
            }
        }
        let mut limits = Vec::new();
        let spend = row.take("spend").and_then(|node| amount::dollars(node.text()?)).unwrap_or_default();
        self.budget(row, place, spend, &mut limits);
        for (name, meter, window) in [
            ("rpm_limit", LimitMeter::Requests, Window::Minute),
            ("tpm_limit", LimitMeter::Tokens, Window::Minute),
            ("tpd_limit", LimitMeter::Tokens, Window::Day),
            ("max_parallel_requests", LimitMeter::Concurrency, Window::Total),
        ] {
            let Some(node) = row.take(name) else { continue };
            match node.whole().and_then(|count| i64::try_from(count).ok()) {
                Some(count) => {
                    let spec = LimitSpec::new(meter, window, count);
                    self.report.carried(format!("{place}.{name}"), format!("a limit on `{meter}`, window `{window}`"));
                    push(&mut limits, AdoptedLimit { spec, spent: None });
                }
                None => self.report.refused(format!("{place}.{name}"), "not a whole number"),
            }
        }
        self.of_models(row.take_said("model_max_budget"), place, &mut limits);
        if let Some(Node::List(windows)) = row.take_said("budget_limits") {
            for window in windows {
                let Node::Table(mut window) = window else { continue };
                if let Some(reset) = window.take("reset_at") {
                    window.0.push(("budget_reset_at".to_owned(), reset));
                }
                // LiteLLM keeps what these have counted in its cache.
                self.budget(&mut window, &format!("{place}.budget_limits"), NanoUsd::ZERO, &mut limits);
            }
        }
        for (name, why) in [
            ("temp_budget_increase", "a budget is not raised for a while; raise the limit, and lower it again"),
            ("allowed_models", "a budget has no models"),
        ] {
            if row.take_said(name).is_some() {
                self.report.refused(format!("{place}.{name}"), why);
            }
        }
        row.take("temp_budget_expiry");
        limits
    }

    /// `max_budget` over `budget_duration`, of which `spend` is gone.
    fn budget(&mut self, row: &mut Fields, place: &str, spend: NanoUsd, limits: &mut Vec<AdoptedLimit>) {
        let duration = row.take_text("budget_duration");
        let reset = row.take("budget_reset_at").as_ref().and_then(time);
        let soft = row.take("soft_budget").and_then(|node| amount::dollars(node.text()?));
        let Some(node) = row.take("max_budget") else {
            if soft.is_some() {
                self.report
                    .refused(format!("{place}.soft_budget"), "a share of a budget, and there is no `max_budget`");
            }
            return;
        };
        let at = format!("{place}.max_budget");
        let Some(budget) = node.text().and_then(amount::dollars).filter(|budget| *budget >= NanoUsd::ZERO) else {
            return self.report.refused(at, "not an amount of US dollars");
        };
        let window = match duration.as_deref() {
            None => Window::Total,
            Some(duration) => match duration::window(duration) {
                Some(window) => window,
                None => {
                    let why = format!(
                        "no window here is `{duration}` long; so that nothing passes the budget, it stands as one that \
                         never begins anew, until you change it"
                    );
                    self.report.refused(format!("{place}.budget_duration"), why);
                    Window::Total
                }
            },
        };
        let mut spec = LimitSpec::new(LimitMeter::Spend, window, budget.0);
        if let Some(soft) = soft.filter(|_| budget.0 > 0) {
            let percent = i128::from(soft.0) * 100 / i128::from(budget.0);
            match u8::try_from(percent).ok().filter(|percent| (1..=100).contains(percent)) {
                Some(percent) => {
                    spec.notify_at = vec![percent];
                    self.report.mapped(format!("{place}.soft_budget"), "`notify_at`, as a share of the budget");
                }
                None => self.report.ignored(format!("{place}.soft_budget"), "not a share of the budget"),
            }
        }
        // A window that has ended has only not been emptied yet.
        let over = window != Window::Total && reset.is_some_and(|reset| reset <= self.now);
        let spent = if over { 0 } else { spend.0.max(0) };
        self.report.carried(at, format!("a limit on `spend`, window `{window}`, with what is spent of it"));
        let spent = self.spent(window, spent);
        push(limits, AdoptedLimit { spec, spent });
    }

    fn spent(&self, window: Window, amount: i64) -> Option<(crate::limits::Bucket, i64)> {
        (amount > 0).then(|| (window.bucket_at(&self.zone, self.now.as_millisecond()), amount))
    }

    /// `{"gpt-4o": {"budget_limit": 10, "time_period": "1d"}}`, the newer `{"max_budget": …, "budget_duration": …}`, or a
    /// bare amount.
    fn of_models(&mut self, node: Option<Node>, place: &str, limits: &mut Vec<AdoptedLimit>) {
        let Some(Node::Table(models)) = node else { return };
        for (model, node) in models.0 {
            let at = format!("{place}.model_max_budget");
            let mut of_model = match node {
                Node::Table(fields) => fields,
                amount => Fields(vec![("max_budget".to_owned(), amount)]),
            };
            for (older, newer) in [("budget_limit", "max_budget"), ("time_period", "budget_duration")] {
                if let Some(node) = of_model.take(older) {
                    of_model.0.push((newer.to_owned(), node));
                }
            }
            let mut own = Vec::new();
            self.budget(&mut of_model, &at, NanoUsd::ZERO, &mut own);
            rate(&mut of_model, "rpm_limit", LimitMeter::Requests, &at, &mut own, self.report);
            rate(&mut of_model, "tpm_limit", LimitMeter::Tokens, &at, &mut own, self.report);
            for mut limit in own {
                limit.spec.models = vec![ModelPattern::from(model.as_str())];
                push(limits, limit);
            }
        }
    }

    /// Rates of single models, which stand in the metadata of keys and teams.
    pub(super) fn rates_of_models(&mut self, metadata: &mut Fields, place: &str, limits: &mut Vec<AdoptedLimit>) {
        for (name, meter) in [("model_rpm_limit", LimitMeter::Requests), ("model_tpm_limit", LimitMeter::Tokens)] {
            for (model, node) in metadata.take_table(name).0 {
                let mut row = Fields(vec![(name.to_owned(), node)]);
                let mut own = Vec::new();
                rate(&mut row, name, meter, &format!("{place}.metadata"), &mut own, self.report);
                for mut limit in own {
                    limit.spec.models = vec![ModelPattern::from(model.as_str())];
                    push(limits, limit);
                }
            }
        }
    }

    /// When a row was made.
    pub(super) fn created(&self, row: &mut Fields) -> Timestamp {
        row.take("created_at").as_ref().and_then(time).unwrap_or(self.now)
    }
}

fn rate(
    row: &mut Fields,
    name: &str,
    meter: LimitMeter,
    place: &str,
    limits: &mut Vec<AdoptedLimit>,
    report: &mut Report,
) {
    let Some(node) = row.take(name) else { return };
    match node.whole().and_then(|count| i64::try_from(count).ok()) {
        Some(count) => {
            report.carried(format!("{place}.{name}"), format!("a limit on `{meter}` of the model, window `minute`"));
            limits.push(AdoptedLimit { spec: LimitSpec::new(meter, Window::Minute, count), spent: None });
        }
        None => report.refused(format!("{place}.{name}"), "not a whole number"),
    }
}

/// Of two limits that count the same, the narrower one holds.
fn push(limits: &mut Vec<AdoptedLimit>, limit: AdoptedLimit) {
    match limits.iter_mut().find(|known| known.spec.counts_like(&limit.spec)) {
        Some(known) if known.spec.amount <= limit.spec.amount => {}
        Some(known) => known.spec.amount = limit.spec.amount,
        None => limits.push(limit),
    }
}
