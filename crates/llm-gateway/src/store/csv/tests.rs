use llm_core::NanoUsd;

use super::*;

#[test]
fn a_text_is_quoted_where_it_must_be_and_is_no_formula() {
    for (text, written) in [
        ("plain", "plain"),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("two\nlines", "\"two\nlines\""),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@sum", "'@sum"),
        ("\tx", "'\tx"),
        ("\r=1", "\"'\r=1\""),
        ("=cmd,\"x\"", "\"'=cmd,\"\"x\"\"\""),
        ("", ""),
    ] {
        assert_eq!(field(text), written, "{text:?}");
    }
}

#[test]
fn a_row_has_its_groups_its_counts_and_its_cost() {
    let group = vec![(UsageGroup::EndUser, Some("ann".to_owned())), (UsageGroup::Tag, None)];
    let row = UsageRow { group, calls: 2, errors: 1, input_tokens: 30, output_tokens: 4, cost_usd: NanoUsd(1) };
    let expected = "end_user,tag,calls,errors,input_tokens,output_tokens,cost_usd\r\nann,,2,1,30,4,0.000000001\r\n";
    assert_eq!(usage_csv(&[UsageGroup::EndUser, UsageGroup::Tag], &[row]), expected);
}
