//! Changes inputs of the corpora at random, so that most of them still get past the JSON parser: what a coverage-guided
//! fuzzer needs hours to find in a codec stands behind it.

use serde_json::{Value, json};

/// A small generator of random numbers (xorshift); the same seed gives the same inputs on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(0x9E37_79B9_7F4A_7C15 ^ seed.wrapping_mul(0x2545_F491_4F6C_DD1D))
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }

    fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Another input like `data`: one JSON text, lines that hold one each, or any bytes.
pub(crate) fn mutated(data: &[u8], random: &mut Random) -> Vec<u8> {
    let text = String::from_utf8_lossy(data);
    match random.below(5) {
        0 => bytes(data.to_vec(), random),
        _ => match serde_json::from_slice(data) {
            Ok(value) => json_text(value, random).into_bytes(),
            Err(_) if text.lines().any(|line| payload(line).is_some()) => lines(&text, random).into_bytes(),
            Err(_) => bytes(data.to_vec(), random),
        },
    }
}

/// Changes, copies, drops and swaps lines, of SSE or of newline-delimited JSON.
fn lines(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for _ in 0..=random.below(3) {
        let place = random.below(lines.len());
        match random.below(10) {
            0 if lines.len() > 1 => {
                lines.remove(place);
            }
            1 => lines.insert(place, lines[place].clone()),
            2 => {
                let other = random.below(lines.len());
                lines.swap(place, other);
            }
            _ => {
                if let Some((prefix, value)) = payload(&lines[place]) {
                    lines[place] = format!("{prefix}{}", json_text(value, random));
                }
            }
        }
    }
    lines.join("\n")
}

/// The JSON that a line holds, and what stands before it.
fn payload(line: &str) -> Option<(&'static str, Value)> {
    let (prefix, text) = match line.strip_prefix("data: ") {
        Some(text) => ("data: ", text),
        None => ("", line),
    };
    Some((prefix, serde_json::from_str(text).ok()?))
}

fn json_text(mut value: Value, random: &mut Random) -> String {
    for _ in 0..=random.below(3) {
        let donor = nth(&mut value, random).clone();
        let odd = odd_value(random);
        let place = nth(&mut value, random);
        match (random.below(6), place) {
            (0, place) => *place = odd,
            (1, place) => *place = donor,
            (2, Value::Object(members)) if !members.is_empty() => {
                let names: Vec<String> = members.keys().cloned().collect();
                members.shift_remove(random.one_of(&names));
            }
            (3, Value::Object(members)) if !members.is_empty() => {
                let names: Vec<String> = members.keys().cloned().collect();
                members.insert(random.one_of(&names).clone(), donor);
            }
            (4, Value::Array(items)) if !items.is_empty() => {
                let place = random.below(items.len());
                items.insert(place, donor);
            }
            (5, Value::Array(items)) if !items.is_empty() => {
                items.remove(random.below(items.len()));
            }
            (_, Value::Object(members)) => {
                members.insert("x_new".to_owned(), odd);
            }
            _ => {}
        }
    }
    value.to_string()
}

/// Any of the values inside `value`, itself included.
fn nth<'a>(value: &'a mut Value, random: &mut Random) -> &'a mut Value {
    let inner = match value {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    // Deep values are many, so the way down is taken often.
    if inner == 0 || random.below(4) == 0 {
        return value;
    }
    let place = random.below(inner);
    match value {
        Value::Array(items) => nth(&mut items[place], random),
        Value::Object(members) => nth(members.values_mut().nth(place).unwrap(), random),
        other => other,
    }
}

fn odd_value(random: &mut Random) -> Value {
    random
        .one_of(&[
            json!(null),
            json!(true),
            json!(false),
            json!(0),
            json!(-1),
            json!(1.5),
            json!(u64::MAX),
            json!(1e300),
            json!(""),
            json!("text"),
            json!("é\u{0}😀"),
            json!("{\"a\":"),
            json!("data:image/png;base64,AA"),
            json!([]),
            json!([null]),
            json!([[]]),
            json!([{}]),
            json!(["text"]),
            json!({}),
            json!({"type": null}),
            json!({"type": "text"}),
            json!({"type": "text", "text": "x"}),
        ])
        .clone()
}

fn bytes(mut data: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(6) {
        if data.is_empty() {
            break;
        }
        let place = random.below(data.len());
        match random.below(4) {
            0 => data[place] = u8::try_from(random.below(256)).unwrap(),
            1 => {
                data.remove(place);
            }
            2 => data.insert(place, *random.one_of(b"{}[]\",:\n\r 0\\")),
            _ => {
                let end = (place + random.below(40)).min(data.len());
                let copy = data[place..end].to_vec();
                data.splice(place..place, copy);
            }
        }
    }
    data
}
