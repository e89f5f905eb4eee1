//! The arguments of a function call that arrive bit by bit: values at JSON paths, texts in pieces.

use serde_json::{Map, Value};

use super::super::name::{PARTIAL_ARGS, WILL_CONTINUE};

/// A function call that has begun.
#[derive(Debug, Default)]
pub(super) struct Partial {
    args: Map<String, Value>,
    /// The path of a text whose next piece is still to come.
    open: Option<String>,
}

impl Partial {
    /// Takes in a piece of the call. True where it is the last.
    pub(super) fn take(&mut self, call: &Map<String, Value>) -> bool {
        if let Some(Value::Object(args)) = call.get("args") {
            self.args.extend(args.clone());
        }
        for piece in PARTIAL_ARGS.find(call).and_then(Value::as_array).into_iter().flatten() {
            self.put(piece);
        }
        WILL_CONTINUE.find(call) != Some(&Value::Bool(true))
    }

    /// The arguments as JSON.
    pub(super) fn arguments(&self) -> String {
        Value::Object(self.args.clone()).to_string()
    }

    fn put(&mut self, piece: &Value) {
        let either = |camel: &str, snake: &str| piece.get(camel).or_else(|| piece.get(snake));
        let Some(path) = either("jsonPath", "json_path").and_then(Value::as_str) else { return };
        let value = either("stringValue", "string_value")
            .or_else(|| either("numberValue", "number_value"))
            .or_else(|| either("boolValue", "bool_value"))
            .cloned()
            .unwrap_or(Value::Null);
        let goes_on = self.open.as_deref() == Some(path);
        let mut root = Value::Object(std::mem::take(&mut self.args));
        match (goes_on, at(&mut root, path), value) {
            (true, Some(Value::String(all)), Value::String(more)) => all.push_str(&more),
            (_, Some(place), value) => *place = value,
            (_, None, _) => {}
        }
        if let Value::Object(args) = root {
            self.args = args;
        }
        let continues = either("willContinue", "will_continue") == Some(&Value::Bool(true));
        self.open = continues.then(|| path.to_owned());
    }
}

/// A list can't be meant to have more items than this where a model wrote only some.
const MOST_ITEMS: usize = 4096;

/// The place at a JSON path (`$.a.b[0]`, `$['a']`), made where it is not there.
fn at<'a>(root: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    let mut place = root;
    for step in path.strip_prefix('$').unwrap_or(path).split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        place = match step.parse::<usize>() {
            Ok(index) if !place.is_object() => item(place, index)?,
            _ => member(place, step.trim_matches(['\'', '"']))?,
        };
    }
    Some(place)
}

fn member<'a>(place: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    Some(place.as_object_mut()?.entry(name).or_insert(Value::Null))
}

fn item(place: &mut Value, index: usize) -> Option<&mut Value> {
    if !place.is_array() {
        *place = Value::Array(Vec::new());
    }
    let items = place.as_array_mut()?;
    if items.len() <= index && index < MOST_ITEMS {
        items.resize(index + 1, Value::Null);
    }
    items.get_mut(index)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Partial;

    fn take(partial: &mut Partial, call: &Value) -> bool {
        partial.take(call.as_object().unwrap())
    }

    #[test]
    fn pieces_add_up() {
        let mut partial = Partial::default();
        let piece = |path: &str, text: &str, more: bool| json!({"partialArgs": [{"jsonPath": path, "stringValue": text, "willContinue": more}], "willContinue": true});
        assert!(!take(&mut partial, &piece("$.city", "Pa", true)));
        assert!(!take(&mut partial, &piece("$.city", "ris", false)));
        assert!(!take(&mut partial, &piece("$.tags[1].name", "x", false)));
        let rest = json!({"partialArgs": [
            {"jsonPath": "$['n']", "numberValue": 1.5}, {"jsonPath": "$.b", "boolValue": true}, {"jsonPath": "$.z"},
            {"jsonPath": "$..odd[", "stringValue": "y"}, {"jsonPath": "$.tags[999999999]", "stringValue": "never"},
        ]});
        assert!(take(&mut partial, &rest));
        let want = json!({"city": "Paris", "tags": [null, {"name": "x"}], "n": 1.5, "b": true, "z": null, "odd": "y"});
        assert_eq!(serde_json::from_str::<Value>(&partial.arguments()).unwrap(), want);
    }

    #[test]
    fn no_arguments_are_an_empty_object() {
        let mut partial = Partial::default();
        assert!(take(&mut partial, &json!({})));
        assert_eq!(partial.arguments(), "{}");
    }
}
