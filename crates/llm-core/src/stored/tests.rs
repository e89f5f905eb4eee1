use super::google_file;

#[test]
fn a_file_is_known_by_its_name_and_by_every_address_of_it() {
    for (uri, id) in [
        ("files/abc-1", Some("abc-1")),
        ("https://generativelanguage.googleapis.com/v1beta/files/abc", Some("abc")),
        ("https://generativelanguage.googleapis.com/v1/files/abc", Some("abc")),
        ("https://generativelanguage.googleapis.com/v1beta/files/abc?alt=media", Some("abc")),
        ("https://x.example/base/v1beta/files/abc/", Some("abc")),
        ("https://x.example/v1beta/files/abc/more", None),
        ("https://x.example/files/abc", None),
        ("files/", None),
        ("files/a/b", None),
        ("abc", None),
    ] {
        assert_eq!(google_file(uri), id, "{uri}");
    }
}
