//! A recorded whole answer, understood as a client would and said again as a server would.

use serde_json::Value;

use super::{Case, Outcome, Promise, compare_reading, native, passing, translation};
use crate::exchange::Answered;
use crate::{json, reading};

pub(super) fn replay(case: &Case<'_>, answered: &Answered, body: &Value, outcome: &mut Outcome) {
    let bytes = answered.bytes();
    let answer = match case.codec.decode_answer(&case.decode_context(), &answered.head(), &bytes) {
        Ok(answer) => answer,
        Err(error) => return outcome.fail(Promise::Answer, format!("can't be read: {error:?}")),
    };
    match case.codec.encode_answer(&case.answer_context(false), &answer) {
        Err(error) => outcome.fail(Promise::Answer, format!("can't be written: {error:?}")),
        Ok(written) => match serde_json::from_slice::<Value>(&written) {
            Ok(ours) => outcome.note(Promise::Answer, json::differences(body, &ours)),
            Err(error) => outcome.fail(Promise::Answer, format!("what was written is not JSON: {error}")),
        },
    }
    native::round_trip("answer", &answer, outcome);
    let said = reading::whole(case.codec.protocol(), body);
    if let Some(said) = &said {
        compare_reading(case, said, &answer, outcome);
        passing::answer(case, &bytes, said, outcome);
    }
    if case.brief {
        return;
    }
    translation::answer(case, &answer, said.as_ref(), outcome);
}
