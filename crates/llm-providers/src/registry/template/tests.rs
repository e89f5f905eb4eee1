use super::{fill, names, segment};

#[test]
fn variables_are_filled_in_and_missing_ones_named() {
    let value = |name: &str| (name == "account").then(|| "acme".to_owned());
    assert_eq!(fill("https://{account}.example.com/v1", value).as_deref(), Ok("https://acme.example.com/v1"));
    assert_eq!(fill("https://{account}.{region}.example.com", value), Err("region"));
    assert_eq!(fill("no {variable", value).as_deref(), Ok("no {variable"));
    assert_eq!(names("/{a}/b/{c}").collect::<Vec<_>>(), ["a", "c"]);
}

#[test]
fn a_model_is_one_segment_of_a_path() {
    assert_eq!(segment("my deployment/ü:0"), "my%20deployment%2F%C3%BC%3A0");
}
