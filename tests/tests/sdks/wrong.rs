//! Everything that is not as it should be, said at once.

use serde_json::Value;

/// What was found wrong so far.
#[derive(Default)]
pub(crate) struct Wrong(Vec<String>);

impl Wrong {
    /// Every member of `want` must be in `saw` as it is there; what else is in `saw` does not matter.
    pub(crate) fn unless_has(&mut self, what: &str, saw: &Value, want: &Value) {
        let wanted = want.as_object().into_iter().flatten();
        let missed: Vec<_> = wanted
            .filter(|(name, value)| saw.get(name) != Some(value))
            .map(|(name, value)| format!("`{name}` should be {value}"))
            .collect();
        self.unless(missed.is_empty(), || format!("{what}: {}, in {saw}", missed.join(", ")));
    }

    /// `right` must hold.
    pub(crate) fn unless(&mut self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.0.push(what());
        }
    }

    /// Fails the test where anything was wrong.
    pub(crate) fn finish(self) {
        assert!(self.0.is_empty(), "{} wrong:\n- {}", self.0.len(), self.0.join("\n- "));
    }
}
