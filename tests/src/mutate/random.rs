//! All changes at once, at places drawn from a seed.

use serde_json::{Map, Value, json};

use super::{ENUMS, changed};
use crate::exchange::Exchange;

/// A mutation: unknown members at some levels, members in another order, some values replaced that come from lists which
/// may grow. The same seed changes the same exchange in the same way on every machine.
#[derive(Debug)]
pub struct Mutation(u64);

impl Mutation {
    /// The mutation of that number.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// The exchange with its answer changed, in a stream every event.
    pub fn of(&self, exchange: &Exchange) -> Exchange {
        let answered = exchange.response.as_ref();
        // What kind of error it is stands in just such a value.
        let is_error = answered.is_some_and(|answered| answered.status >= 400);
        // The type of an event is a stream's grammar.
        let is_stream = answered.is_some_and(|answered| answered.body.is_none());
        let state = std::cell::Cell::new(self.0);
        let mut mutated = changed(exchange, &|value| {
            let mut draw = Draw { state: state.get(), values: !is_error, spare_type: is_stream };
            let mutated = draw.mutate(value, true);
            state.set(draw.state);
            mutated
        });
        mutated.request.clone_from(&exchange.request);
        mutated
    }

    /// The exchange with its request changed. Roles stay: one that is not known may be refused.
    pub fn of_request(&self, exchange: &Exchange) -> Exchange {
        let mut mutated = exchange.clone();
        let mut draw = Draw { state: self.0, values: false, spare_type: false };
        if let Some(body) = mutated.request.as_mut().and_then(|asked| asked.body.as_mut()) {
            *body = draw.mutate(body, true);
        }
        mutated.response = None;
        mutated
    }
}

struct Draw {
    state: u64,
    /// Whether values are replaced.
    values: bool,
    /// Whether the `type` of the outermost object stays.
    spare_type: bool,
}

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % bound.max(1) as u64).unwrap_or(0)
    }

    fn mutate(&mut self, value: &Value, outermost: bool) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.mutate(item, false)).collect(),
            Value::Object(members) => {
                let mut list: Vec<(String, Value)> = members
                    .iter()
                    .map(|(name, value)| {
                        let is_enum = value.is_string() && ENUMS.contains(&name.as_str());
                        let is_spared = outermost && self.spare_type && name == "type";
                        let replaced = self.values && is_enum && !is_spared && self.below(4) == 0;
                        let value = if replaced { json!("zz_unheard_of") } else { self.mutate(value, false) };
                        (name.clone(), value)
                    })
                    .collect();
                if self.below(2) == 0 {
                    let odd = [json!(null), json!("x"), json!(-1.5), json!([{"deep": [[]]}]), json!({"er": {}})];
                    let place = self.below(odd.len());
                    list.push(("zz_unheard_of".to_owned(), odd.into_iter().nth(place).unwrap_or_default()));
                }
                let mut shuffled = Map::new();
                while !list.is_empty() {
                    let (name, value) = list.swap_remove(self.below(list.len()));
                    shuffled.insert(name, value);
                }
                Value::Object(shuffled)
            }
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_changes_in_the_same_way_and_another_in_another() {
        let text = r#"{"provider": "p", "api": "chat", "response": {"status": 200, "body":
            {"id": "1", "type": "message", "role": "assistant", "usage": {"input_tokens": 3, "service_tier": "x"}}}}"#;
        let exchange: Exchange = serde_json::from_str(text).unwrap();
        let body = |seed| Mutation::new(seed).of(&exchange).response.unwrap().body.unwrap();
        assert_eq!(body(1).to_string(), body(1).to_string());
        let bodies: Vec<Value> = (0..20).map(body).collect();
        assert!(bodies.iter().any(|body| body["role"] == "zz_unheard_of"));
        assert!(bodies.iter().any(|body| body["usage"].get("zz_unheard_of").is_some()));
        assert!(bodies.iter().any(|body| body.as_object().unwrap().keys().next().unwrap() != "id"));
        assert!(bodies.iter().all(|body| body["usage"]["input_tokens"] == 3));
    }
}
