use super::number_before;

#[test]
fn counts_are_read_from_both_runners() {
    let nextest = "     Summary [   0.049s] 15 tests run: 12 passed, 3 failed, 0 skipped";
    assert_eq!((number_before(nextest, "passed"), number_before(nextest, "failed")), (12, 3));
    let cargo = "test result: FAILED. 7 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
    assert_eq!((number_before(cargo, "passed"), number_before(cargo, "failed")), (7, 2));
    assert_eq!(number_before(cargo, "timed out"), 0);
}
