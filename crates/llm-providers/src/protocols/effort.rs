//! Efforts and budgets of thinking: what stands in for a budget where a model knows only efforts.

use llm_core::chat::{Effort, ReasoningOptions};

/// The budgets that Google's documentation gives for the efforts of the same name; `low` has 1,024.
pub(super) const MEDIUM: u64 = 8192;
pub(super) const HIGH: u64 = 24_576;

/// The effort that stands in for the budget of a caller of another protocol (`is_foreign`) who names no effort: the one
/// whose budget comes next below. Agents of Anthropic's and Google's protocols let older models think by budgets.
pub(super) fn standing_in(options: &ReasoningOptions, is_foreign: bool) -> Option<Effort> {
    let budget = options.budget_tokens.filter(|budget| *budget > 0 && options.enabled != Some(false))?;
    (is_foreign && options.effort.is_none()).then_some(match budget {
        ..MEDIUM => Effort::Low,
        MEDIUM..HIGH => Effort::Medium,
        HIGH.. => Effort::High,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_budget_becomes_the_effort_below() {
        let of = |budget, is_foreign| {
            let options = ReasoningOptions { budget_tokens: Some(budget), ..ReasoningOptions::default() };
            standing_in(&options, is_foreign)
        };
        let efforts = [1024, 8191, 8192, 24_575, 24_576, 31_999].map(|budget| of(budget, true));
        let want = [Effort::Low, Effort::Low, Effort::Medium, Effort::Medium, Effort::High, Effort::High];
        assert_eq!(efforts, want.map(Some));
        assert_eq!((of(0, true), of(9000, false)), (None, None));
        let named = ReasoningOptions { effort: Some(Effort::Low), ..ReasoningOptions::default() };
        assert_eq!(standing_in(&ReasoningOptions { budget_tokens: Some(9000), ..named }, true), None);
    }
}
