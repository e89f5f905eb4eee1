use super::*;

#[test]
fn every_row_is_complete() {
    for (id, row) in rows() {
        assert!(row.base_url.is_some() || !row.base_url_env.is_empty(), "{id} has no place");
        assert!(row.key_optional || row.auth == Auth::None || !row.key_env.is_empty(), "{id} has no key variable");
        if let Some(url) = &row.base_url {
            assert!(url::Url::parse(url).is_ok(), "{id}: {url}");
            assert!(!url.ends_with('/'), "{id}: paths begin with a slash");
        }
    }
}

#[test]
fn a_slip_finds_its_provider() {
    assert_eq!(nearest("opnai", ["anthropic", "openai", "groq"]), Some("openai"));
    assert_eq!(nearest("zzz", ["anthropic", "openai", "groq"]), None);
}
