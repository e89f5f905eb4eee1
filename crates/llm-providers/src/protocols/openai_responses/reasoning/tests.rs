use super::*;

fn of_caller(item: Value) -> Part {
    read(Fields::at("input[0]", item).unwrap(), None)
}

fn thought(part: &Part) -> &Reasoning {
    match &part.content {
        Content::Reasoning(reasoning) => reasoning,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_words_count_before_the_summary() {
    let summary = json!([{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]);
    let words = json!([{"type": "reasoning_text", "text": "x"}, {"type": "reasoning_text", "text": "y"}]);
    let item = json!({"type": "reasoning", "id": "rs_1", "summary": summary, "content": words});
    assert_eq!(thought(&of_caller(item.clone())).text, "xy");
    let part = of_caller(json!({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "gAAA"}));
    assert_eq!((thought(&part).text.as_str(), thought(&part).encrypted.as_deref()), ("a\n\nb", Some("gAAA")));
    let part = of_caller(item.clone());
    assert_eq!(Value::Object(write(thought(&part), &part)), item);
}

#[test]
fn a_proof_of_another_provider_comes_back_as_it_was() {
    let signed = Reasoning {
        text: "hm".to_owned(),
        signature: Some("a:b==".to_owned()),
        provider: Some("anthropic".to_owned()),
        ..Reasoning::default()
    };
    let hidden =
        Reasoning { text: String::new(), signature: None, encrypted: Some("data".to_owned()), ..signed.clone() };
    for reasoning in [signed, hidden] {
        let part = of_caller(for_caller(&reasoning, "rs_1"));
        assert_eq!(*thought(&part), Reasoning { id: Some("rs_1".to_owned()), ..reasoning });
        assert!(is_of_worth(&part, "anthropic"));
        assert!(!is_of_worth(&part, "openai"));
    }
}

#[test]
fn a_thought_without_a_proof_is_sent_only_where_it_came_from() {
    let said = Part::from(Reasoning { text: "hm".to_owned(), ..Reasoning::default() });
    assert!(!is_of_worth(&said, "openai"));
    assert!(is_of_worth(&of_caller(json!({"type": "reasoning", "summary": []})), "openai"));
}
