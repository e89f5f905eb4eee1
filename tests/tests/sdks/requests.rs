//! What arrives at the provider.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scene::{Scene, request};
use crate::wrong::Wrong;

/// What is asked for whole and in a stream must be the same but for the members that say so, in every way of asking.
pub(crate) fn compare(scene: &Scene, case: &str, wrong: &mut Wrong) {
    let bare = |mut body: Value| {
        for name in ["stream", "stream_options"] {
            body.as_object_mut().unwrap().remove(name);
        }
        body
    };
    let (whole, streamed) = (scene.asked(case, false), scene.asked(case, true));
    wrong.unless(!whole.is_empty() && !streamed.is_empty(), || format!("{case}: the provider was not asked"));
    let mut all = whole.into_iter().chain(streamed).map(bare);
    let first = all.next();
    for other in all {
        wrong.unless(Some(&other) == first.as_ref(), || format!("{case}: {other} differs from {first:?}"));
    }
}

/// Both requests of `case` must say the same.
pub(crate) fn same(case: &str, scene: &Scene, wrong: &mut Wrong) {
    let asked = scene.asked(case, false);
    wrong.unless(asked.len() == 2 && asked[0] == asked[1], || format!("{case}: {asked:#?}"));
}

/// What a provider can't take is refused before it is asked, with the name of what it can't take.
pub(crate) fn refused(saw: &Value, ways: &[&str], word: &str, wrong: &mut Wrong) {
    for way in ways {
        let saw = &saw[way];
        wrong.unless_has(way, saw, &json!({"raised": "BadRequestError", "status_code": 400}));
        wrong.unless(saw["message"].as_str().is_some_and(|said| said.contains(word)), || format!("no {word} in {saw}"));
    }
}

/// Every case's request, whole and streamed, each as a line of JSON.
pub(crate) fn listed(scene: &Scene) -> String {
    let mut lines = BTreeMap::new();
    for seen in scene.upstream.seen() {
        let body = request(&seen);
        let name = body["model"].as_str().unwrap_or_default().to_owned();
        // The text case stands for how every stream is asked for.
        if body["stream"] == true && name != "text" {
            continue;
        }
        lines.insert(format!("{} {body}", seen.path), ());
    }
    lines.into_keys().collect::<Vec<_>>().join("\n")
}
