//! The tables, version by version. Migrations only go forward: what stands here is never changed, only added to.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// The files of `migrations/sqlite`: version, name and text. Listed by hand, because the macro that would read the
/// folder builds a second SQLite for itself.
const SQLITE: &[(i64, &str, &str)] = &[
    (1, "calls", include_str!("../../migrations/sqlite/0001_calls.sql")),
    (2, "keys", include_str!("../../migrations/sqlite/0002_keys.sql")),
    (3, "objects", include_str!("../../migrations/sqlite/0003_objects.sql")),
];

/// What brings an SQLite database up to date.
pub(super) fn sqlite() -> Migrator {
    let migration = |&(version, name, text): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(SQLITE.iter().map(migration).collect())
}

#[cfg(test)]
mod tests {
    use super::SQLITE;

    #[test]
    fn every_file_of_the_folder_is_listed() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap();
        let mut files: Vec<_> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let listed: Vec<_> = SQLITE.iter().map(|(version, name, _)| format!("{version:04}_{name}.sql")).collect();
        assert_eq!(files, listed);
    }
}
