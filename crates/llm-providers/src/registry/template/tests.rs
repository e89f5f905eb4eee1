use super::{fill, names};

#[test]
fn variables_are_filled_in_and_missing_ones_named() {
    let value = |name: &str| (name == "account").then(|| "acme".to_owned());
    assert_eq!(fill("https://{account}.example.com/v1", value).as_deref(), Ok("https://acme.example.com/v1"));
    assert_eq!(fill("https://{account}.{region}.example.com", value), Err("region"));
    assert_eq!(fill("no {variable", value).as_deref(), Ok("no {variable"));
    assert_eq!(names("/{a}/b/{c}").collect::<Vec<_>>(), ["a", "c"]);
}
