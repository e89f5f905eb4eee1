use std::collections::{BTreeMap, BTreeSet};

use tempfile::TempDir;

use super::{VERSIONS, migrator, version};
use crate::store::{Db, UsageFilter, UsageGroup, postgres, query, sqlite, usage};
use crate::testing;

#[test]
fn every_file_is_listed_for_both_engines() {
    let listed: Vec<_> = VERSIONS.iter().map(|version| format!("{}.sql", version.name)).collect();
    for engine in ["sqlite", "postgres"] {
        let folder = std::fs::read_dir(format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut files: Vec<_> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, listed, "{engine}");
    }
    for (place, version) in VERSIONS.iter().enumerate() {
        assert_eq!(version.number, i64::try_from(place).unwrap() + 1);
        assert!(version.name.starts_with(&format!("{:04}_", version.number)), "{}", version.name);
    }
}

/// The columns of every table, by its name.
async fn columns(db: &Db) -> BTreeMap<String, BTreeSet<String>> {
    let sql = match db {
        Db::Sqlite(_) => {
            "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        }
        Db::Postgres(_) => {
            "SELECT c.relname::text, a.attname::text FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid \
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
             AND a.attnum > 0 AND NOT a.attisdropped"
        }
    };
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (table, column) in query(sql).all::<(String, String)>(db).await.unwrap() {
        tables.entry(table).or_default().insert(column);
    }
    tables
}

#[tokio::test]
async fn both_engines_end_with_the_same_columns() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.db");
    let mut sqlite = columns(&Db::open(&format!("sqlite://{}", file.display())).await.unwrap()).await;
    let postgres = columns(&Db::open(&testing::postgres(&file)).await.unwrap()).await;
    // The number of SQLite's own by which it finds a row.
    assert!(sqlite.get_mut("calls").unwrap().remove("seq"));
    assert!(sqlite.len() > 5, "{sqlite:?}");
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn a_newer_database_is_refused_only_where_something_is_gone() {
    let folder = TempDir::new().unwrap();
    let url = testing::url(&folder.path().join("a.db"));
    let db = Db::open(&url).await.unwrap();
    let known = version(&db).await.unwrap();
    assert_eq!(known, VERSIONS.last().unwrap().number);
    let later = |number: i64, name: &str| {
        let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                   SELECT $1, $2, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
        query(sql).bind(number).bind(name).execute(&db)
    };
    later(known + 1, "more columns").await.unwrap();
    assert_eq!(version(&Db::open(&url).await.unwrap()).await.unwrap(), known + 1);
    later(known + 2, "old columns contract").await.unwrap();
    let error = Db::open(&url).await.unwrap_err();
    let numbers = format!("{} (`old columns contract`), and this binary knows them up to {known}", known + 2);
    assert!(error.message().ends_with(&numbers), "{error}");
    assert_eq!(error.hint(), Some("run the newer version of `llm-gateway`"));
}

#[tokio::test]
async fn processes_that_start_at_once_bring_it_up_to_date_once() {
    let folder = TempDir::new().unwrap();
    let url = testing::url(&folder.path().join("a.db"));
    for db in futures_util::future::join_all((0..5).map(|_| Db::open(&url))).await {
        db.unwrap();
    }
}

#[tokio::test]
async fn sums_of_an_older_version_are_found_also_while_it_goes_on_writing() {
    let folder = TempDir::new().unwrap();
    let url = testing::url(&folder.path().join("a.db"));
    let older = |text: fn(&super::Version) -> &'static str| {
        let mut migrator = migrator(text);
        migrator.migrations.to_mut().truncate(9);
        migrator
    };
    let old = if url.starts_with("sqlite") {
        let pool = sqlite::open(&url).await.unwrap();
        older(|version| version.sqlite).run(&pool).await.unwrap();
        Db::Sqlite(pool)
    } else {
        let pool = postgres::open(&url).await.unwrap();
        older(|version| version.postgres).run(&pool).await.unwrap();
        Db::Postgres(pool)
    };
    let write = || {
        query(
            "INSERT INTO usage_hours (hour, key, team, \"user\", organization, model, provider, tags, calls, errors, \
             input_tokens, output_tokens, cost) VALUES (7200000, 'k', '', '', '', 'm', '', '[]', 3, 0, 0, 0, 5) \
             ON CONFLICT (hour, key, model, provider, team, \"user\", organization, tags) DO UPDATE SET \
             calls = usage_hours.calls + excluded.calls",
        )
        .execute(&old)
    };
    write().await.unwrap();
    let new = Db::open(&url).await.unwrap();
    let calls = async || usage(&new, &[UsageGroup::Day], &UsageFilter::default()).await.unwrap()[0].calls;
    assert_eq!(calls().await, 3);
    crate::store::days::sum_days(&new, jiff::Timestamp::now()).await.unwrap();
    assert_eq!(calls().await, 3);
    write().await.unwrap();
    assert_eq!(calls().await, 6);
}
