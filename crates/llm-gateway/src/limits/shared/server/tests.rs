use super::*;

fn refused(url: &str, ca: Option<&Path>) -> String {
    client(&Secret::new(url), ca).unwrap_err().message().to_owned()
}

#[test]
fn what_is_not_one_server_is_refused_by_name_and_its_password_is_not_repeated() {
    for url in [
        "redis://u:hunter2@a:6379,redis://u:hunter2@b:6379",
        "redis+cluster://u:hunter2@a",
        "redis-sentinel://u:hunter2@a:26379/mymaster",
        "http://u:hunter2@a",
        "hunter2",
        "redis://u:hunter2@a/no-number",
        "rediss://u:hunter2@a#insecure",
    ] {
        let told = refused(url, None);
        assert!(!told.contains("hunter2"), "{told}");
        let names = url.contains("cluster") || url.contains("sentinel") || url.contains(',');
        assert_eq!(told == ONE_SERVER, names, "{url}: {told}");
    }
}

#[test]
fn addresses_of_every_kind_are_taken() {
    for url in ["redis://h", "rediss://user:p%40ss@h:6380/2", "valkey://h", "valkeys://h", "unix:///run/redis.sock"] {
        client(&Secret::new(url), None).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
}

#[test]
fn authorities_that_can_not_be_read_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, wrong) = (folder.path().join("missing.pem"), folder.path().join("wrong.pem"));
    std::fs::write(&wrong, "-----BEGIN RSA-----").unwrap();
    assert!(refused("rediss://h", Some(&missing)).contains("can't be read at"));
    assert!(refused("rediss://h", Some(&wrong)).contains("no certificates"));
    assert!(refused("redis://h", Some(&wrong)).contains("rediss://"));
}

#[test]
fn a_cluster_says_what_it_is() {
    let info = |mode: &str| Info(format!("# Server\r\nredis_version:7.0.15\r\nredis_mode:{mode}\r\nrun_id:x\r\n"));
    assert!(info("standalone").check().is_ok());
    assert!(info("cluster").check().is_err());
    assert!(info("sentinel").check().is_err());
    assert_eq!(info("standalone").told("run_id"), Some("x"));
    assert_eq!(info("standalone").told("run"), None);
}
