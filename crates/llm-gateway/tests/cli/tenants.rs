//! `organization`, `team`, `user` and `limit`.

use serde_json::Value;

use crate::command::{Place, mask};

/// What differs every day, in the length that it has.
fn hide(text: &str) -> String {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
    let text = mask(text).replace(&today, "<today>");
    text.lines().map(|line| line.split("created  ").next().unwrap().trim_end().to_owned() + "\n").collect()
}

/// An organization with a team, a user in it and a key.
fn company() -> Place {
    let place = Place::new();
    place.stdout(&["organization", "create", "--name", "acme", "--limit", "spend=100/month"]);
    place.stdout(&["team", "create", "--name", "search", "--organization", "acme", "--models", "openai:*,fast"]);
    place.stdout(&["user", "create", "--name", "ada", "--email", "ada@example.org", "--team", "search"]);
    place.stdout(&["key", "create", "--name", "ci", "--team", "search", "--user", "ada"]);
    place
}

#[test]
fn they_are_made_listed_and_shown() {
    let place = company();
    insta::assert_snapshot!(hide(&place.stdout(&["organization", "list"])));
    insta::assert_snapshot!(hide(&place.stdout(&["organization", "show", "acme"])));
    insta::assert_snapshot!(hide(&place.stdout(&["team", "list"])));
    place.stdout(&["team", "add", "search", "ada", "--role", "team_administrator"]);
    insta::assert_snapshot!(hide(&place.stdout(&["team", "show", "search"])));
    insta::assert_snapshot!(hide(&place.stdout(&["user", "list", "--team", "search"])));
    insta::assert_snapshot!(hide(&place.stdout(&["user", "show", "ada"])));
    let shown: Value = serde_json::from_str(&place.stdout(&["team", "show", "search", "--json"])).unwrap();
    assert_eq!((&shown["members"][0]["role"], &shown["cost_usd"]), (&"team_administrator".into(), &"0".into()));
    let made: Value =
        serde_json::from_str(&place.stdout(&["user", "create", "--name", "bob", "--role", "auditor", "--json"]))
            .unwrap();
    assert_eq!((&made["role"], &made["limits"]), (&"auditor".into(), &serde_json::json!([])));
}

#[test]
fn they_are_blocked_and_deleted_with_what_is_below() {
    let place = company();
    for (kind, name) in [("organization", "acme"), ("team", "search"), ("user", "ada")] {
        place.stdout(&[kind, "block", name]);
        assert!(place.stdout(&[kind, "show", name]).contains("blocked"), "{kind}");
        place.stdout(&[kind, "unblock", name]);
        assert!(place.stdout(&[kind, "show", name]).contains("active"), "{kind}");
    }
    place.stdout(&["team", "remove", "search", "ada"]);
    assert_eq!(place.stdout(&["user", "list", "--team", "search"]).lines().count(), 1);
    insta::assert_snapshot!(hide(&place.shown(&["organization", "delete", "acme"])), @r"
    status: 0
    --- stdout
    --- stderr
    deleted `acme` (org_…), with its teams and their keys
    ");
    assert_eq!(place.stdout(&["key", "list"]).lines().count(), 1);
    assert_eq!(place.stdout(&["user", "list"]).lines().count(), 2);
}

#[test]
fn limits_are_made_listed_changed_and_deleted() {
    let place = company();
    let id =
        place.stdout(&["limit", "create", "spend=25/month", "--team", "search", "--strict", "--notify-at", "80,100"]);
    place.stdout(&[
        "limit",
        "create",
        "tokens=1000/day",
        "--tag",
        "*",
        "--models",
        "openai:*",
        "--tz",
        "Europe/Berlin",
    ]);
    insta::assert_snapshot!(hide(&place.stdout(&["limit", "list"])));
    insta::assert_snapshot!(hide(&place.shown(&["limit", "set", id.trim(), "30"])), @r"
    status: 0
    --- stdout
    --- stderr
    spend=30/month of team `search` it is now; it goes on from what it has counted
    ");
    insta::assert_snapshot!(hide(&place.shown(&["limit", "set", id.trim(), "lots"])), @r"
    status: 1
    --- stdout
    --- stderr
    error: `amount` is not an amount in US dollars such as `25.00` (digits, at most 9 of them behind the point)
    ");
    let listed: Value = serde_json::from_str(&place.stdout(&["limit", "list", "--team", "search", "--json"])).unwrap();
    assert_eq!((&listed[0]["amount"], listed.as_array().unwrap().len()), (&"30".into(), 1));
    place.stdout(&["limit", "delete", id.trim()]);
    assert_eq!(place.stdout(&["limit", "list", "--team", "search"]).lines().count(), 1);
}

#[test]
fn what_is_not_there_and_what_is_missing_is_told() {
    let place = company();
    insta::assert_snapshot!(place.shown(&["team", "show", "serch"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: there is no team `serch`
      hint: did you mean `search`?
    ");
    insta::assert_snapshot!(place.shown(&["user", "block", "zoe"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: there is no user `zoe`
      hint: `llm-gateway user list` shows what there is
    ");
    insta::assert_snapshot!(place.shown(&["limit", "create", "spend=1/day"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: it is not said whose calls are counted
      hint: say `--team NAME`, or `--organization`, `--user`, `--key`, `--end-user` or `--tag`
    ");
    assert_eq!(place.run(&["limit", "create", "spend=1/day", "--team", "search", "--tag", "a"]).status.code(), Some(2));
    insta::assert_snapshot!(place.shown(&["team", "create", "--name", "search"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: there is a team `search` already
    ");
}

#[test]
fn each_command_says_what_it_takes() {
    let place = Place::new();
    for command in ["", "key", "organization", "team", "user", "limit", "price", "usage", "audit"] {
        let mut args: Vec<&str> = [command].into_iter().filter(|command| !command.is_empty()).collect();
        args.push("--help");
        let name = if command.is_empty() { "help".to_owned() } else { format!("help_{command}") };
        insta::assert_snapshot!(name, place.stdout(&args));
    }
    insta::assert_snapshot!("help_limit_create", place.stdout(&["limit", "create", "--help"]));
    insta::assert_snapshot!("help_price_set", place.stdout(&["price", "set", "--help"]));
}
