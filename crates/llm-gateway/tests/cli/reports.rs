//! `usage`, `audit` and `price`, beside a gateway that runs.

use serde_json::{Value, json};

use crate::command::{Place, mask};
use crate::running::Running;

/// A call of the sandbox for somebody.
fn call(running: &Running, key: &str, tag: &str) {
    let body = json!({"model": "sandbox:echo", "user": "ann", "messages": [{"role": "user", "content": "hello"}]});
    let body = body.to_string();
    let length = body.len();
    let reply = running.send(&format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
         x-llm-tags: {tag}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    ));
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[test]
fn what_was_used_is_summed_in_words_json_and_csv() {
    let place = Place::configured("[providers.sandbox]\n");
    let price = ["price", "set", "sandbox:echo", "input=0", "output=0", "request=0.25"];
    place.stdout(&price);
    let key = place.stdout(&["key", "create", "--name", "ci", "--team", "search"]);
    let running = Running::start(&place);
    call(&running, key.trim(), "=night");
    call(&running, key.trim(), "day,=night");
    // It waits until all that has ended is in the database.
    running.stop();

    let all: Value = serde_json::from_str(&place.stdout(&["usage", "--json"])).unwrap();
    assert_eq!(all["data"][0]["calls"], 2);
    let input = all["data"][0]["input_tokens"].as_i64().unwrap();
    let table = place.stdout(&["usage", "--by", "team,end_user,key,model", "--from", "2020-01-01"]);
    let cells: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(cells[0], ["TEAM", "END", "USER", "KEY", "MODEL", "CALLS", "ERRORS", "INPUT", "OUTPUT", "USD"]);
    assert_eq!(cells[1][..6], ["search", "ann", "ci", "sandbox:echo", "2", "0"], "{table}");
    assert_eq!(cells[1][6], input.to_string());
    let csv = place.stdout(&["usage", "--by", "tag", "--csv", "--team", "search"]);
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(lines[0], "tag,calls,errors,input_tokens,output_tokens,cost_usd");
    assert!(lines[1].starts_with("'=night,2,0,") && lines[2].starts_with("day,1,0,"), "{csv}");
    let none: Value = serde_json::from_str(&place.stdout(&["usage", "--to", "2020-01-01", "--json"])).unwrap();
    assert_eq!(none["data"], json!([]));
    assert_eq!(place.run(&["usage", "--by", "colour"]).status.code(), Some(2));
}

#[test]
fn nothing_is_summed_of_what_may_be_a_slip_without_a_word() {
    let place = Place::new();
    let first = place.stdout(&["key", "create", "--name", "ci", "--team", "search"]);
    place.stdout(&["key", "create", "--name", "ci"]);
    let refused = place.shown(&["usage", "--key", "ci"]);
    insta::assert_snapshot!(refused.split("  hint").next().unwrap(), @r"
    status: 1
    --- stdout
    --- stderr
    error: `ci` can mean 2 keys
    ");
    // By its prefix it is one of them.
    insta::assert_snapshot!(place.shown(&["usage", "--key", first.get(..7).unwrap()]), @r"
    status: 0
    --- stdout
    CALLS  ERRORS  INPUT  OUTPUT  USD
    --- stderr
    ");
    insta::assert_snapshot!(place.shown(&["usage", "--team", "serch"]), @r"
    status: 0
    --- stdout
    CALLS  ERRORS  INPUT  OUTPUT  USD
    --- stderr
    note: there is no team `serch`, so this is taken for the id of one that was deleted
      hint: did you mean `search`?
    ");
    insta::assert_snapshot!(place.shown(&["usage", "--user", "nobody", "--organization", "none", "--json"]), @r#"
    status: 0
    --- stdout
    {
      "data": []
    }
    --- stderr
    note: there is no user `nobody`, so this is taken for the id of one that was deleted
    note: there is no organization `none`, so this is taken for the id of one that was deleted
    "#);
}

#[test]
fn limits_say_what_is_used_of_them() {
    let place = Place::configured("[providers.sandbox]\n");
    place.stdout(&["price", "set", "sandbox:echo", "input=0", "output=0", "request=0.25"]);
    let key = place.stdout(&["key", "create", "--name", "ci", "--team", "search"]);
    for (limit, of) in [
        ("spend=25/month", ["--team", "search"]),
        ("requests=10/24h", ["--key", "ci"]),
        ("concurrency=5", ["--key", "ci"]),
        ("requests=9/total", ["--tag", "*"]),
        ("requests=8/total", ["--tag", "night"]),
        ("spend=7/total", ["--tag", "day"]),
    ] {
        place.stdout(&["limit", "create", limit, of[0], of[1]]);
    }
    let running = Running::start(&place);
    call(&running, key.trim(), "night");
    call(&running, key.trim(), "night");
    running.stop();

    let table = place.stdout(&["limit", "list"]);
    let cells: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(cells[0][..3], ["OF", "LIMIT", "USED"]);
    let used: Vec<[&str; 2]> = cells[1..].iter().map(|row| [row[2], row[3]]).collect();
    // Newest first. Nothing is counted of calls at the same time, nor by a limit on each itself.
    let expected = [
        ["spend=7/total", "0"],
        ["requests=8/total", "2"],
        ["requests=9/total", "-"],
        ["concurrency=5", "-"],
        ["requests=10/24h", "2"],
        ["spend=25/month", "0.5"],
    ];
    assert_eq!(used, expected, "{table}");
    let listed: Value = serde_json::from_str(&place.stdout(&["limit", "list", "--team", "search", "--json"])).unwrap();
    assert_eq!((&listed[0]["used"], &listed[0]["amount"]), (&json!("0.5"), &json!("25")));
    assert!(listed[0]["resets_at"].is_string() && listed[0].get("reserved").is_none(), "{listed}");
    let listed: Value = serde_json::from_str(&place.stdout(&["limit", "list", "--tag", "*", "--json"])).unwrap();
    assert_eq!(listed[0]["used"], json!(null));
}

#[test]
fn the_log_says_who_did_what() {
    let place = Place::new();
    place.stdout(&["team", "create", "--name", "search"]);
    place.stdout(&["price", "set", "openai:gpt-4o", "input=1", "output=2"]);
    let log = place.stdout(&["audit"]);
    let rows: Vec<Vec<&str>> = log.lines().skip(1).map(|line| line.split_whitespace().skip(1).collect()).collect();
    assert_eq!(rows[0], ["command_line", "create", "price", "-", "openai:gpt-4o"]);
    assert_eq!(rows[1][..4], ["command_line", "create", "team", "search"]);
    let json: Value = serde_json::from_str(&place.stdout(&["audit", "--kind", "team", "--json"])).unwrap();
    assert_eq!((&json["data"][0]["after"]["name"], json["data"].as_array().unwrap().len()), (&json!("search"), 1));
}

#[test]
fn prices_are_set_listed_and_taken_away() {
    let place = Place::new();
    insta::assert_snapshot!(place.shown(&["price", "set", "openai:gpt-4o", "input=2", "input@batch=1", "input>200000=3", "image=0.5"]), @r"
    status: 0
    --- stdout
    --- stderr
    `openai:gpt-4o` costs input=2 input@batch=1 input>200000=3 image=0.5; a gateway that runs knows within a second
    ");
    insta::assert_snapshot!(place.stdout(&["price", "list", "--overrides"]), @r"
    MODEL          SOURCE    PRICE
    openai:gpt-4o  override  input=2 input@batch=1 input>200000=3 image=0.5
    ");
    let listed = place.stdout(&["price", "list", "--provider", "openai"]);
    assert!(listed.lines().count() > 20 && listed.contains("catalogue"), "{listed}");
    insta::assert_snapshot!(place.shown(&["price", "unset", "openai:gpt-4o"]), @r"
    status: 0
    --- stdout
    --- stderr
    `openai:gpt-4o` costs what the catalogue says; a gateway that runs knows within a second
    ");
    insta::assert_snapshot!(place.shown(&["price", "unset", "openai:gpt-4o"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: there is no override of the price of `openai:gpt-4o`
    ");
    insta::assert_snapshot!(place.shown(&["price", "set", "opnai:gpt-4o", "input=2"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: there is no provider `opnai`
      hint: did you mean `openai`?
    ");
    for wrong in ["inputs=2", "input", "input=-1", "input=1e3", "input=1/7"] {
        assert!(!place.run(&["price", "set", "openai:gpt-4o", wrong]).status.success(), "{wrong}");
    }
    assert_eq!(mask(&place.stdout(&["price", "list", "--overrides"])).lines().count(), 1);
}
