use super::super::{LimitMeter, LimitSpec, Window};

fn error(text: &str) -> String {
    text.parse::<LimitSpec>().unwrap_err().to_string()
}

#[test]
fn the_forms_of_the_documentation_are_read_and_written() {
    for (text, meter, window, amount) in [
        ("spend=25/month", LimitMeter::Spend, Window::Month, 25_000_000_000),
        ("spend=0.000000001/total", LimitMeter::Spend, Window::Total, 1),
        ("requests=60/minute", LimitMeter::Requests, Window::Minute, 60),
        ("output_tokens=1000/24h", LimitMeter::OutputTokens, Window::Day24, 1_000),
        ("concurrency=5", LimitMeter::Concurrency, Window::Total, 5),
    ] {
        let spec: LimitSpec = text.parse().unwrap();
        assert_eq!(spec, LimitSpec::new(meter, window, amount), "{text}");
        assert_eq!(spec.to_string(), text);
    }
    assert_eq!("concurrency=5/total".parse::<LimitSpec>(), "concurrency=5".parse());
    assert_eq!(" spend = 25.00 / month ".parse::<LimitSpec>(), "spend=25/month".parse());
}

#[test]
fn what_is_wrong_is_named() {
    insta::assert_snapshot!(error("spend"), @"`spend` is not a limit such as `spend=25/month` or `concurrency=5`");
    insta::assert_snapshot!(error("spent=1/month"), @"unknown meter `spent`; did you mean `spend`?");
    insta::assert_snapshot!(error("colour=1/month"), @"unknown meter `colour`; it is one of `spend`, `tokens`, `input_tokens`, `output_tokens`, `requests`, `concurrency`");
    insta::assert_snapshot!(error("spend=1/moth"), @"unknown window `moth`; did you mean `month`?");
    insta::assert_snapshot!(error("spend=1"), @"a limit on `spend` needs a window: one of `minute`, `hour`, `24h`, `day`, `week`, `month`, `total`");
    insta::assert_snapshot!(error("spend=a lot/day"), @"`a lot` is not an amount in US dollars such as `25.00` (digits, at most 9 of them behind the point)");
    insta::assert_snapshot!(error("spend=-1/day"), @"`amount` can't be negative");
    insta::assert_snapshot!(error("requests=1.5/minute"), @"`1.5` is not a whole number");
    insta::assert_snapshot!(error("concurrency=5/minute"), @"`concurrency` has no window `minute`; leave `window` out");
}
