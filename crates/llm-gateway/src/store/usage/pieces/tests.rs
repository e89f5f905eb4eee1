use super::*;
use crate::record::samples::time;

fn span(from: i64, to: i64) -> Span {
    Span::new(Some(time(from)), Some(time(to)))
}

fn pieces(from: i64, to: i64, unsummed: &[i64]) -> Vec<(Source, i64, i64)> {
    span(from, to).pieces(unsummed).iter().map(|piece| (piece.source, piece.from, piece.to)).collect()
}

#[test]
fn whole_hours_are_told_from_their_edges() {
    let cut = |from, to| {
        let Span { hours, edges, .. } = span(from, to);
        (hours, edges)
    };
    assert_eq!(cut(HOUR, 3 * HOUR), (Some((HOUR, 3 * HOUR)), vec![]));
    assert_eq!(cut(HOUR - 1, 2 * HOUR + 1), (Some((HOUR, 2 * HOUR)), vec![(HOUR - 1, HOUR), (2 * HOUR, 2 * HOUR + 1)]));
    assert_eq!(cut(5, 9), (None, vec![(5, 9)]));
    assert_eq!(cut(9, 5), (None, vec![]));
    assert_eq!(cut(3 * HOUR, HOUR), (None, vec![]));
    assert_eq!(Span::new(None, None).edges, []);
}

#[test]
fn a_time_is_read_by_the_day_where_a_day_is_whole_and_summed() {
    use Source::{Calls, Days, Hours};
    assert_eq!(pieces(0, 4 * DAY, &[]), [(Days, 0, 4 * DAY)]);
    assert_eq!(
        pieces(HOUR - 1, 4 * DAY + HOUR, &[]),
        [(Hours, HOUR, DAY), (Days, DAY, 4 * DAY), (Hours, 4 * DAY, 4 * DAY + HOUR), (Calls, HOUR - 1, HOUR)]
    );
    // The last day is not over: it is read with the hours that follow it.
    assert_eq!(
        pieces(0, 4 * DAY + HOUR, &[DAY, 3 * DAY]),
        [(Days, 0, DAY), (Hours, DAY, 2 * DAY), (Days, 2 * DAY, 3 * DAY), (Hours, 3 * DAY, 4 * DAY + HOUR)]
    );
    assert_eq!(pieces(0, 3 * DAY, &[0, DAY, 2 * DAY]), [(Hours, 0, 3 * DAY)]);
    assert_eq!(pieces(HOUR, DAY + HOUR, &[]), [(Hours, HOUR, DAY + HOUR)]);
    assert_eq!(pieces(5, 9, &[]), [(Calls, 5, 9)]);
    let by_call = span(5, 3 * DAY).by_call();
    assert_eq!((by_call.len(), by_call[0].source, by_call[0].from, by_call[0].to), (1, Calls, 5, 3 * DAY));
    assert_eq!(span(9, 5).by_call(), []);
}

#[test]
fn many_stretches_are_read_as_one() {
    let odd: Vec<i64> = (0..100).map(|day| (2 * day + 1) * DAY).collect();
    let read = pieces(0, 300 * DAY, &odd);
    assert_eq!(read, [(Source::Days, 0, DAY), (Source::Hours, DAY, 200 * DAY), (Source::Days, 200 * DAY, 300 * DAY)]);
}

#[test]
fn without_an_end_there_is_a_last_day_as_well() {
    let all = Span::new(None, None).pieces(&[7 * DAY]);
    assert_eq!((all[0].source, all[0].from, all[0].to), (Source::Days, 0, 7 * DAY));
    assert_eq!((all[1].source, all[1].from, all[1].to), (Source::Hours, 7 * DAY, 8 * DAY));
    assert!(all.iter().all(|piece| piece.source != Source::Calls), "{all:?}");
}
