//! How long a year of usage takes to open, at millions of calls: `cargo xtask soak usage`.
//!
//! The database is filled by statements of its own, with the rows that the gateway would have written, and asked by the
//! gateway's code.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use jiff::Timestamp;
use llm_gateway::store::{Db, Housekeeping, Retention, UsageFilter, UsageGroup, query, usage};

#[derive(Parser)]
#[command(about = "Measure how long a year of usage takes to open")]
struct Args {
    /// How many calls the year has.
    #[arg(long, default_value_t = 5_000_000)]
    calls: i64,
    /// How many keys make them, each with three models.
    #[arg(long, default_value_t = 25)]
    keys: i64,
    /// The address of an empty database.
    #[arg(long)]
    database: String,
}

/// The begin of 2025 in UTC, in milliseconds since 1970: a year that is over, so that its days are summed.
const BEGIN: i64 = 1_735_689_600_000;
const DAY: i64 = 86_400_000;
const DAYS: i64 = 365;

/// How many end users the applications name, each in every so many-th call.
const END_USERS: i64 = 10_007;

/// The calls number `$1` to `$2` of a year that begins at `$3`, one every `$4` milliseconds, of `$5` keys. A key's calls
/// stand in two sets of tags. `$6` end users call one after the other.
macro_rules! calls {
    () => {
        "WITH RECURSIVE n(i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2),
         c AS (SELECT i, $3 + i * $4 AS at, 'key_' || CAST(i % $5 AS TEXT) AS key, 'team_' || CAST(i % $5 % 7 AS TEXT)
               AS team, 'model_' || CAST(i / $5 % 3 AS TEXT) AS model, CASE i % $5 % 2 WHEN 0 THEN '[]' ELSE
               '[\"batch\",\"nightly\"]' END AS tags, 'end_' || CAST(i % $6 AS TEXT) AS end_user FROM n)
         "
    };
}

macro_rules! insert_calls {
    ($id:literal) => {
        concat!(
            "INSERT INTO calls (id, created_at, key, team, end_user, tags, model, provider, status, input_tokens,
                                output_tokens, cost, record) ",
            calls!(),
            "SELECT ",
            $id,
            ", at, key, team, end_user, tags, model, 'openai', 'ok', 321, 123, 777, '{}' FROM c"
        )
    };
}

const SQLITE: &str = insert_calls!("unhex(printf('%012x7000%016x', at, i))");
const POSTGRES: &str = insert_calls!("CAST(lpad(to_hex(at), 12, '0') || '7000' || lpad(to_hex(i), 16, '0') AS UUID)");
const HOURS: &str = concat!(
    "INSERT INTO usage_hours (hour, key, team, \"user\", organization, model, provider, tags, calls, errors,
                              input_tokens, output_tokens, cost) ",
    calls!(),
    "SELECT at - at % 3600000, key, team, '', '', model, 'openai', tags, count(*), 0, CAST(sum(321) AS BIGINT),
            CAST(sum(123) AS BIGINT), CAST(sum(777) AS BIGINT)
     FROM c WHERE true GROUP BY at - at % 3600000, key, team, model, tags
     ON CONFLICT (hour, key, model, provider, team, \"user\", organization, tags) DO UPDATE SET
        calls = usage_hours.calls + excluded.calls, input_tokens = usage_hours.input_tokens + excluded.input_tokens,
        output_tokens = usage_hours.output_tokens + excluded.output_tokens, cost = usage_hours.cost + excluded.cost"
);

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let db = Db::open(&args.database).await?;
    let begin = Instant::now();
    fill(&db, &args).await?;
    let written = begin.elapsed();
    let begin = Instant::now();
    sum_days(&db).await?;
    let [calls, hours, days] = [
        count(&db, "SELECT count(*) FROM calls").await?,
        count(&db, "SELECT count(*) FROM usage_hours").await?,
        count(&db, "SELECT count(*) FROM usage_days").await?,
    ];
    println!(
        "{calls} calls, {hours} hourly sums, written in {written:.0?}; {days} daily sums, made of them in {:.0?}",
        begin.elapsed()
    );

    let at = |after: i64| Timestamp::from_millisecond(BEGIN + after);
    let year = UsageFilter { from: Some(at(0)?), to: Some(at(DAYS * DAY)?), ..UsageFilter::default() };
    let odd = UsageFilter { from: Some(at(1_234_567)?), to: Some(at(DAYS * DAY - 1_234_567)?), ..year.clone() };
    let team = UsageFilter { team: Some("team_3".to_owned()), ..year.clone() };
    let month = UsageFilter { from: Some(at(300 * DAY)?), to: Some(at(330 * DAY)?), ..year.clone() };
    let tag = UsageFilter { tag: Some("nightly".to_owned()), ..odd.clone() };
    let end_user = UsageFilter { end_user: Some("end_123".to_owned()), ..year.clone() };
    let questions: [(&str, &[UsageGroup], &UsageFilter); 11] = [
        ("the year's total", &[], &year),
        ("the year by day", &[UsageGroup::Day], &year),
        ("the year by key and model", &[UsageGroup::Key, UsageGroup::Model], &year),
        ("the year by key, model and day", &[UsageGroup::Key, UsageGroup::Model, UsageGroup::Day], &year),
        ("the year by tag, from and to odd minutes", &[UsageGroup::Tag], &odd),
        ("the year of a tag by day and team, likewise", &[UsageGroup::Day, UsageGroup::Team], &tag),
        ("a team's year by day and key", &[UsageGroup::Day, UsageGroup::Key], &team),
        ("a month by hour", &[UsageGroup::Hour], &month),
        ("the year by hour", &[UsageGroup::Hour], &year),
        ("an end user's year by day and model", &[UsageGroup::Day, UsageGroup::Model], &end_user),
        ("the year by end user", &[UsageGroup::EndUser], &year),
    ];
    for (name, groups, filter) in questions {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..5 {
            let begin = Instant::now();
            found = usage(&db, groups, filter).await?.len();
            times.push(begin.elapsed());
        }
        let (first, best) = (times.first().copied().unwrap_or_default(), times.iter().min().copied());
        println!("{name:<44} {found:>6} rows  first {}  best {}", shown(first), shown(best.unwrap_or_default()));
    }
    println!(
        "growth: a day has one sum for each combination of key, model, provider, team, user and set of tags that called in \
         it, and so has an hour; the time to open grows with those that are in use and with the time asked for, and no \
         longer with calls once each has called every day. Hours are read for days that are not over or not wholly asked \
         for, and where hours are asked for; single calls for the parts of an hour at either end, and for end users, who \
         are not summed, since they may be as many as the calls"
    );
    Ok(())
}

/// Lets the gateway's housekeeping sum the days.
async fn sum_days(db: &Db) -> Result<()> {
    let housekeeping = Housekeeping::start(db.clone(), Retention::default());
    while count(db, "SELECT count(*) FROM unsummed_days").await? > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(housekeeping);
    Ok(())
}

async fn count(db: &Db, sql: &'static str) -> Result<i64> {
    let (count,): (i64,) = query(sql).one(db).await?;
    Ok(count)
}

async fn fill(db: &Db, args: &Args) -> Result<()> {
    let insert = match db {
        Db::Sqlite(_) => SQLITE,
        Db::Postgres(_) => {
            query("CREATE TABLE calls_soak PARTITION OF calls DEFAULT").execute(db).await?;
            POSTGRES
        }
    };
    let step = DAYS * DAY / args.calls;
    for day in 0..DAYS {
        let (from, to) = (args.calls * day / DAYS, args.calls * (day + 1) / DAYS);
        for sql in [insert, HOURS] {
            let sql = query(sql).bind(from).bind(to).bind(BEGIN).bind(step).bind(args.keys).bind(END_USERS);
            sql.execute(db).await?;
        }
    }
    if let Db::Postgres(_) = db {
        query("ANALYZE").execute(db).await?;
    }
    Ok(())
}

fn shown(time: Duration) -> String {
    format!("{:>5} ms", time.as_millis())
}
