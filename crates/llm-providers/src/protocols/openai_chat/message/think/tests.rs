use proptest::prelude::*;

use super::{Sorted, Splitter, split};

fn in_pieces(pieces: &[&str]) -> Sorted {
    let mut splitter = Splitter::default();
    let mut all = Sorted::default();
    let mut add = |sorted: Sorted| {
        all.thoughts.push_str(&sorted.thoughts);
        all.text.push_str(&sorted.text);
    };
    pieces.iter().for_each(|piece| add(splitter.push(piece)));
    add(splitter.finish());
    all
}

proptest! {
    #[test]
    fn tags_are_found_however_the_text_is_cut(
        thoughts in "[a<>/think ]{0,12}", text in "[a<>/think é]{0,12}", open: bool, cuts in prop::collection::vec(0_usize..40, 0..6)
    ) {
        prop_assume!(!thoughts.contains("</think>"));
        let whole = if open { format!("<think>{thoughts}</think>{text}") } else { text };
        let mut places: Vec<usize> = cuts.into_iter().filter(|cut| whole.is_char_boundary(*cut)).collect();
        places.extend([0, whole.len()]);
        places.sort_unstable();
        let pieces: Vec<&str> = places.windows(2).filter_map(|ends| whole.get(ends[0]..ends[1])).collect();
        let (thoughts, text) = split(&whole).unwrap_or(("", &whole));
        let is_open = whole.starts_with("<think>") && split(&whole).is_none();
        if !is_open {
            prop_assert_eq!(in_pieces(&pieces), Sorted { thoughts: thoughts.to_owned(), text: text.to_owned() });
        }
    }
}
