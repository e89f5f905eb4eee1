//! `key` and `admin-key`.

use serde_json::Value;

use crate::command::{Place, mask};

const CREATE: &[&str] = &[
    "key",
    "create",
    "--name",
    "ci",
    "--team",
    "search",
    "--limit",
    "spend=25/month",
    "--limit",
    "requests=60/minute",
    "--models",
    "openai:*,fast",
    "--expires",
    "2099-01-01",
    "--tag",
    "batch",
];

#[test]
fn a_key_is_made_and_its_secret_stands_alone_on_standard_output() {
    let place = Place::new();
    insta::assert_snapshot!(place.shown(CREATE), @r"
    status: 0
    --- stdout
    sk-…
    --- stderr
    made the team `search` (team_…)
    made the key `ci` (key_…); its secret is shown this once
    ");
    let again = place.stdout(CREATE);
    assert!(again.starts_with("sk-") && again.lines().count() == 1, "{again}");
}

#[test]
fn keys_are_listed_and_shown() {
    let place = Place::new();
    let secret = place.stdout(CREATE);
    place.stdout(&["key", "create", "--name", "plain"]);
    // The prefix and the day differ every time.
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
    let hide = |text: &str| {
        let text = mask(text).replace(&today, "<today>").replace(secret.get(..7).unwrap(), "sk-ABCD");
        text.lines().map(|line| line.split("created  ").next().unwrap().to_owned() + "\n").collect::<String>()
    };
    let list = place.stdout(&["key", "list", "--team", "search"]);
    insta::assert_snapshot!(hide(&list), @r"
    NAME  PREFIX   TEAM    STATE   LIMITS                             CREATED     ID
    ci    sk-ABCD  search  active  spend=25/month requests=60/minute  <today>  key_…
    ");
    insta::assert_snapshot!(hide(&place.stdout(&["key", "show", "ci"])), @r"
    name     ci
    id       key_…
    prefix   sk-ABCD
    state    active
    team     search (team_…)
    models   openai:*, fast
    limits   spend=25/month requests=60/minute
    spent    0 USD in 0 calls

    expires  2099-01-01T00:00:00Z
    tags     batch
    ");
    let all: Value = serde_json::from_str(&place.stdout(&["key", "list", "--json"])).unwrap();
    assert_eq!(all[0]["name"], "plain");
    assert_eq!(all[0]["limits"], Value::Null, "the configuration's");
    assert_eq!(all[1]["limits"][0]["amount"], "25");
    assert!(!place.stdout(&["key", "show", "ci", "--json"]).contains(secret.trim()));
}

#[test]
fn keys_are_blocked_rotated_and_deleted() {
    let place = Place::new();
    let first = place.stdout(&["key", "create", "--name", "ci"]);
    insta::assert_snapshot!(place.shown(&["key", "block", "ci"]), @r"
    status: 0
    --- stdout
    --- stderr
    blocked `ci` (key_…); a gateway that runs knows within a second
    ");
    assert!(place.stdout(&["key", "list"]).contains("blocked"));
    insta::assert_snapshot!(place.shown(&["key", "unblock", "ci"]), @r"
    status: 0
    --- stdout
    --- stderr
    unblocked `ci` (key_…); a gateway that runs knows within a second
    ");
    let second = place.stdout(&["key", "rotate", "ci", "--grace", "1h"]);
    assert_ne!(first, second);
    insta::assert_snapshot!(place.shown(&["key", "delete", second.get(..7).unwrap()]), @r"
    status: 0
    --- stdout
    --- stderr
    deleted `ci` (key_…)
    ");
    assert_eq!(place.stdout(&["key", "list"]).lines().count(), 1);
}

#[test]
fn a_key_says_what_has_become_of_it() {
    let place = Place::new();
    place.stdout(&["key", "create", "--name", "ci", "--team", "search", "--expires", "2020-01-01"]);
    let state = || {
        let shown = place.stdout(&["key", "show", "ci"]);
        let line = shown.lines().find(|line| line.starts_with("state ")).unwrap();
        line.trim_start_matches("state").trim().to_owned()
    };
    assert_eq!(state(), "expired");
    // Unblocking the key would not help, and so it is said whose block it is.
    place.stdout(&["team", "block", "search"]);
    assert_eq!(state(), "blocked (the team of this API key is blocked)");
    let list = place.stdout(&["key", "list"]);
    assert_eq!(list.lines().nth(1).unwrap().split_whitespace().nth(3), Some("blocked"), "{list}");
    place.stdout(&["key", "block", "ci"]);
    assert_eq!(state(), "blocked");
}

#[test]
fn it_is_said_what_becomes_of_the_old_secret() {
    let place = Place::new();
    place.stdout(&["key", "create", "--name", "ci"]);
    insta::assert_snapshot!(place.shown(&["key", "rotate", "ci"]), @r"
    status: 0
    --- stdout
    sk-…
    --- stderr
    a new secret of `ci`, shown this once; every old one is dead; a gateway that runs knows within a second
    ");
    insta::assert_snapshot!(place.shown(&["key", "rotate", "ci", "--grace", "24h"]), @r"
    status: 0
    --- stdout
    sk-…
    --- stderr
    a new secret of `ci`, shown this once; the old one is good for 24h more
    ");
    insta::assert_snapshot!(place.shown(&["key", "rotate", "ci", "--grace", "31d"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: `grace` is at most 30 days
    ");
    for _ in 0..7 {
        place.stdout(&["key", "rotate", "ci", "--grace", "30d"]);
    }
    let refused = place.shown(&["key", "rotate", "ci", "--grace", "30d"]);
    assert!(refused.starts_with("status: 1\n--- stdout\n--- stderr\nerror: 8 old secrets of this key"), "{refused}");
    assert!(refused.contains("hint: wait until one of them ends at 20"), "{refused}");
    place.stdout(&["key", "rotate", "ci"]);
}

#[test]
fn a_key_that_is_not_there_is_told() {
    let place = Place::new();
    insta::assert_snapshot!(place.shown(&["key", "list"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: there is no database at `sqlite://llm-gateway.db`
      hint: run the command where the gateway runs, or name the database with `--database`
    ");
    place.stdout(&["key", "create", "--name", "production"]);
    insta::assert_snapshot!(place.shown(&["key", "block", "prodction"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: there is no key `prodction`
      hint: did you mean `production`?
    ");
    place.stdout(&["key", "create", "--name", "production"]);
    insta::assert_snapshot!(place.shown(&["key", "block", "production"]).split("  hint").next().unwrap(), @r"
    status: 1
    --- stdout
    --- stderr
    error: `production` can mean 2 keys
    ");
}

#[test]
fn the_administrators_key_is_reset() {
    let place = Place::new();
    insta::assert_snapshot!(place.shown(&["admin-key", "reset"]), @r"
    status: 0
    --- stdout
    sk-admin-…
    --- stderr
    this is the administrator's key now; it also stands in `./llm-gateway.admin-key`
    ");
    let key = place.stdout(&["admin-key", "reset"]);
    let file = std::fs::read_to_string(place.folder.path().join("llm-gateway.admin-key")).unwrap();
    assert_eq!(key, file);
}
