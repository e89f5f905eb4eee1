use tempfile::TempDir;

use super::*;
use crate::limits::Ledger;
use crate::store::Db;

async fn start(folder: &TempDir, change: impl Fn(&mut Config)) -> Result<(Prepared, Arc<Keys>)> {
    let mut config = Config::default();
    crate::testing::settle(&mut config, folder.path());
    change(&mut config);
    let db = Db::open(config.database.url()).await.unwrap();
    let keys = Arc::new(Keys::open(db, Ledger::new(), &config.limits).await.unwrap());
    Ok((prepare(&config, &keys).await?, keys))
}

#[tokio::test]
async fn the_first_start_makes_a_key_and_later_ones_know_it() {
    let folder = TempDir::new().unwrap();
    let (first, _) = start(&folder, |_| ()).await.unwrap();
    let (key, file) = first.made.unwrap();
    assert_eq!(file, folder.path().join(FILE));
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim_end(), key.expose());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(first.administrator.is(key.expose()));
    assert!(!first.administrator.is("") && !first.administrator.is(&key.expose()[1..]));

    let (second, _) = start(&folder, |_| ()).await.unwrap();
    assert!(second.made.is_none() && second.administrator.is(key.expose()));
    for name in ["test.db", "test.db-wal"] {
        let bytes = std::fs::read(folder.path().join(name)).unwrap_or_default();
        assert!(!bytes.windows(key.expose().len()).any(|window| window == key.expose().as_bytes()));
    }
}

#[tokio::test]
async fn a_reset_kills_the_key_before() {
    let folder = TempDir::new().unwrap();
    let (first, keys) = start(&folder, |_| ()).await.unwrap();
    let (old, _) = first.made.unwrap();
    let (new, _) = reset(&keys, folder.path()).await.unwrap();
    assert!(first.administrator.is(new.expose()) && !first.administrator.is(old.expose()));
}

#[tokio::test]
async fn a_key_that_was_set_wins() {
    let folder = TempDir::new().unwrap();
    let (made, _) = start(&folder, |_| ()).await.unwrap();
    let (old, _) = made.made.unwrap();
    let (set, _) = start(&folder, |config| config.admin_key = Some(Secret::new("hunter2"))).await.unwrap();
    assert!(set.administrator.is("hunter2") && !set.administrator.is(old.expose()));
    assert_eq!(set.warning.as_deref(), Some("the administrator's key has fewer than 20 characters"));
}

#[tokio::test]
async fn beyond_loopback_a_good_key_must_be_there_before() {
    let folder = TempDir::new().unwrap();
    let public = |config: &mut Config| config.listen = "0.0.0.0:4000".parse().unwrap();
    let error = start(&folder, public).await.unwrap_err();
    assert!(error.message().starts_with("no administrator's key was set or made"), "{error}");
    let short = start(&folder, |config| {
        public(config);
        config.admin_key = Some(Secret::new("1234567890123456789"));
    });
    assert!(short.await.unwrap_err().message().contains("fewer than 20 characters"));
    assert!(!folder.path().join(FILE).exists());

    let long = start(&folder, |config| {
        public(config);
        config.admin_key = Some(Secret::new("12345678901234567890"));
    });
    assert!(long.await.unwrap().0.warning.is_none());
    start(&folder, |_| ()).await.unwrap();
    assert!(start(&folder, public).await.is_ok(), "made before, on loopback");
}
