use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use super::*;
use crate::journal::Sizes;
use crate::limits::Ledger;
use crate::record::samples::{NEW_YEAR, open, outcome, time};
use crate::record::{CallRecord, CallStatus};
use crate::store::Books;
use crate::store::days::{DAY, sum_days};
use crate::store::sums::HOUR;
use crate::testing;

async fn start(folder: &TempDir) -> (Db, Books) {
    let db = Db::open(&testing::url(&folder.path().join("a.db"))).await.unwrap();
    let books = Books::open(&db, folder.path().join("j"), Sizes::default(), &Ledger::new(), NEW_YEAR).await.unwrap();
    (db, books)
}

fn names(names: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    proptest::option::of(proptest::sample::select(names).prop_map(str::to_owned))
}

fn record() -> impl Strategy<Value = CallRecord> {
    let who = (names(&["k1", "k2"]), names(&["t1", "t2"]), names(&["u"]), names(&["openai", "sandbox"]));
    let tags = proptest::collection::vec(proptest::sample::select(&["a", "b", "c"]), 0..4);
    let status =
        proptest::sample::select(&[CallStatus::Ok, CallStatus::Error, CallStatus::CallerGone, CallStatus::Refused]);
    let cost = proptest::option::of(0..1_000i64);
    (who, tags, status, cost, 0..60 * HOUR, proptest::sample::select(&["fast", "slow"])).prop_map(
        |((key, team, user, provider), tags, status, cost, at, model)| {
            let mut record = CallRecord::new(open(NEW_YEAR + at), outcome(Vec::new()));
            record.key = key.map(Into::into);
            record.team = team.map(Into::into);
            // Whoever has a user here has an end user as well, of another name.
            record.end_user = user.as_ref().map(|user| format!("end-{user}").into());
            record.user = user.map(Into::into);
            record.provider = provider.map(Into::into);
            record.tags = tags.into_iter().map(Into::into).collect();
            record.status = status;
            record.cost_usd = cost.map(NanoUsd);
            record.model = model.into();
            record
        },
    )
}

fn question() -> impl Strategy<Value = (Vec<UsageGroup>, UsageFilter)> {
    let groups = proptest::sample::subsequence(UsageGroup::ALL.to_vec(), 0..4).prop_shuffle();
    let time_in = || {
        proptest::option::of(prop_oneof![
            -HOUR..62 * HOUR,
            (-1..62i64).prop_map(|hour| hour * HOUR),
            (0..4i64).prop_map(|day| day * DAY)
        ])
    };
    let end_user = proptest::option::weighted(0.2, Just("end-u".to_owned()));
    let filter = (
        names(&["k1", "nobody"]),
        names(&["t1"]),
        names(&["u"]),
        end_user,
        names(&["sandbox"]),
        names(&["fast"]),
        names(&["a"]),
    );
    (groups, filter, time_in(), time_in()).prop_map(
        |(groups, (key, team, user, end_user, provider, model, tag), from, to)| {
            let at = |after: i64| time(NEW_YEAR + after);
            let filter = UsageFilter {
                key,
                team,
                user,
                end_user,
                provider,
                model,
                tag,
                from: from.map(at),
                to: to.map(at),
                organization: None,
            };
            (groups, filter)
        },
    )
}

/// The sums by going through all calls.
fn expected(records: &[CallRecord], groups: &[UsageGroup], filter: &UsageFilter) -> Vec<UsageRow> {
    let mut rows: BTreeMap<Vec<Option<String>>, UsageRow> = BTreeMap::new();
    let is = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
    for record in records {
        let by_tag = groups.contains(&UsageGroup::Tag);
        let mut tags: Vec<Option<&str>> = record.tags.iter().map(|tag| Some(&**tag)).collect();
        tags.sort_unstable();
        tags.dedup();
        let meant = is(&filter.key, record.key.as_deref())
            && is(&filter.team, record.team.as_deref())
            && is(&filter.user, record.user.as_deref())
            && is(&filter.end_user, record.end_user.as_deref())
            && is(&filter.provider, record.provider.as_deref())
            && is(&filter.model, Some(&record.model))
            && filter.tag.as_deref().is_none_or(|tag| tags.contains(&Some(tag)))
            && filter.from.is_none_or(|from| record.created_at >= from)
            && filter.to.is_none_or(|to| record.created_at < to);
        if !meant {
            continue;
        }
        if !by_tag || tags.is_empty() {
            tags = vec![None];
        }
        if let (true, Some(tag)) = (by_tag, &filter.tag) {
            tags = vec![Some(tag)];
        }
        for tag in tags {
            let hour = record.created_at.as_millisecond() / HOUR * HOUR;
            let value = |group: &UsageGroup| match group {
                UsageGroup::Key => record.key.as_deref().map(str::to_owned),
                UsageGroup::Team => record.team.as_deref().map(str::to_owned),
                UsageGroup::User => record.user.as_deref().map(str::to_owned),
                UsageGroup::Organization => None,
                UsageGroup::EndUser => record.end_user.as_deref().map(str::to_owned),
                UsageGroup::Model => Some(record.model.to_string()),
                UsageGroup::Provider => record.provider.as_deref().map(str::to_owned),
                UsageGroup::Tag => tag.map(str::to_owned),
                UsageGroup::Day => Some(format!("2100-01-{:02}", (hour - NEW_YEAR) / DAY + 1)),
                UsageGroup::Hour => Some(time(hour).to_string()),
            };
            let values: Vec<Option<String>> = groups.iter().map(value).collect();
            let row = rows.entry(values.clone()).or_insert_with(|| UsageRow {
                group: groups.iter().copied().zip(values).collect(),
                calls: 0,
                errors: 0,
                input_tokens: 0,
                output_tokens: 0,
                cost_usd: NanoUsd::ZERO,
            });
            row.calls += 1;
            row.errors += i64::from(record.status.is_error());
            row.input_tokens += 7;
            row.output_tokens += 8;
            row.cost_usd += record.cost_usd.unwrap_or_default();
        }
    }
    rows.into_values().collect()
}

#[tokio::test]
async fn sums_are_exact_for_any_grouping_filter_and_time() {
    let folder = TempDir::new().unwrap();
    let (db, books) = start(&folder).await;
    let mut runner = TestRunner::deterministic();
    let mut records = Vec::new();
    // Several transactions add to the same rows, some of them to days that have been summed.
    for round in 0..6 {
        for _ in 0..50 {
            let record = record().new_tree(&mut runner).unwrap().current();
            books.journal.close(record.clone()).unwrap();
            records.push(record);
        }
        books.shipper.flush().await.unwrap();
        if round % 2 == 1 {
            sum_days(&db, time(NEW_YEAR + i64::from(round) * DAY / 2)).await.unwrap();
        }
        for _ in 0..60 {
            let (groups, filter) = question().new_tree(&mut runner).unwrap().current();
            let rows = usage(&db, &groups, &filter).await.unwrap();
            assert_eq!(rows, expected(&records, &groups, &filter), "{round} {groups:?} {filter:?}");
        }
    }
}

#[tokio::test]
async fn a_group_may_be_asked_for_twice() {
    let folder = TempDir::new().unwrap();
    let (db, books) = start(&folder).await;
    books.journal.close(CallRecord::new(open(NEW_YEAR), outcome(Vec::new()))).unwrap();
    books.shipper.flush().await.unwrap();
    let twice = [UsageGroup::Model, UsageGroup::Tag, UsageGroup::Model, UsageGroup::Tag];
    let rows = usage(&db, &twice, &UsageFilter::default()).await.unwrap();
    assert_eq!((rows.len(), rows[0].calls, rows[0].group.len()), (1, 1, 4));
}

#[test]
fn a_row_has_its_groups_first() {
    let row = UsageRow {
        group: vec![(UsageGroup::Model, Some("fast".to_owned())), (UsageGroup::Team, None)],
        calls: 2,
        errors: 1,
        input_tokens: 3,
        output_tokens: 4,
        cost_usd: NanoUsd(5),
    };
    insta::assert_snapshot!(serde_json::to_string(&row).unwrap(), @r#"{"model":"fast","team":null,"calls":2,"errors":1,"input_tokens":3,"output_tokens":4,"cost_usd":"0.000000005"}"#);
    let error = "modell".parse::<UsageGroup>().unwrap_err().to_string();
    insta::assert_snapshot!(error, @"unknown member of `group_by` `modell`; did you mean `model`?");
}
