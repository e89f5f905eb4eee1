//! The issuer's keys: read when they are needed, changed, gone, or out of reach.

use super::*;

#[tokio::test]
async fn a_new_key_is_read_at_once_and_an_old_one_is_gone_then() {
    let mut setup = Setup::new("").await;
    let old = setup.token(json!({}));
    assert_eq!(setup.call(&old).await.status, StatusCode::OK);
    let read = setup.idp.keys_read();

    setup.idp.rotate(Signer::es256("second"));
    // Nothing has told the gateway yet, and the token is known.
    assert_eq!(setup.call(&old).await.status, StatusCode::OK);
    assert_eq!(setup.idp.keys_read(), read);
    assert_eq!(setup.call(&setup.token(json!({}))).await.status, StatusCode::OK);
    assert_eq!(setup.idp.keys_read(), read + 1);
    // The key is gone, and with it every token that it has signed, known or not.
    let gone = (401, "this token is signed with a key that its issuer does not have".to_owned());
    assert_eq!(setup.refused(&old).await, gone);
}

#[tokio::test]
async fn a_key_of_the_same_name_that_is_another_ends_the_tokens_of_the_first() {
    let mut setup = Setup::new("refresh = \"1s\"").await;
    let old = setup.token(json!({}));
    assert_eq!(setup.call(&old).await.status, StatusCode::OK);
    setup.idp.rotate(Signer::es256("first"));
    let read = setup.idp.keys_read();
    while setup.idp.keys_read() < read + 2 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(setup.refused(&old).await, (401, "the signature of this token is not its issuer's".into()));
    assert_eq!(setup.call(&setup.token(json!({}))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn made_up_names_of_keys_do_not_flood_the_issuer() {
    let setup = Setup::new("").await;
    assert_eq!(setup.call(&setup.token(json!({}))).await.status, StatusCode::OK);
    let read = setup.idp.keys_read();
    let other = Signer::es256("other");
    let calls = (0..200).map(|number| {
        let mut header = other.header();
        header["kid"] = json!(format!("made-up-{number}"));
        let token = other.sign(&header, &setup.idp.claims(json!({})));
        let setup = &setup;
        async move { setup.refused(&token).await }
    });
    for refused in futures_util::future::join_all(calls).await {
        assert_eq!(refused, (401, "this token is signed with a key that its issuer does not have".into()));
    }
    assert!(setup.idp.keys_read() - read <= 4, "{} readings", setup.idp.keys_read() - read);
    assert_eq!(setup.call(&setup.token(json!({}))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn keys_stay_good_while_their_issuer_is_out_of_reach() {
    let mut setup = Setup::new("refresh = \"1s\"").await;
    assert_eq!(setup.call(&setup.token(json!({}))).await.status, StatusCode::OK);
    setup.idp.set_down(true);
    assert_eq!(setup.call(&setup.token(json!({"jti": "new"}))).await.status, StatusCode::OK);
    // Nor is a key taken that was never seen.
    let first = setup.idp.signer.clone();
    setup.idp.rotate(Signer::es256("second"));
    let refused = setup.refused(&setup.token(json!({}))).await;
    assert_eq!(refused, (401, "this token is signed with a key that its issuer does not have".into()));
    assert_eq!(setup.call(&first.sign(&first.header(), &setup.idp.claims(json!({})))).await.status, StatusCode::OK);
    setup.idp.set_down(false);
    assert_eq!(setup.call(&setup.token(json!({}))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_gateway_starts_without_its_issuer_and_finds_it_later() {
    let idp = Idp::start().await;
    idp.set_down(true);
    let setup = Setup::with(idp, "").await;
    let token = setup.token(json!({}));
    let refused = setup.refused(&token).await;
    assert_eq!(refused, (502, "the keys of this token's issuer can't be read now".into()));
    setup.idp.set_down(false);
    assert_eq!(setup.call(&token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn keys_may_stand_where_the_configuration_says_and_redirects_are_not_followed() {
    let idp = Idp::start().await;
    let place = format!("jwks_url = \"{}/keys\"", idp.url);
    // It needs to say nothing of itself.
    *idp.state.claims_to_be.lock().unwrap() = Some("https://other.example".to_owned());
    let setup = Setup::with(idp, &place).await;
    assert_eq!(setup.call(&setup.token(json!({}))).await.status, StatusCode::OK);

    let idp = Idp::start().await;
    let place = format!("jwks_url = \"{}/moved\"", idp.url);
    let setup = Setup::with(idp, &place).await;
    assert_eq!(setup.refused(&setup.token(json!({}))).await.0, 502);
    assert_eq!(setup.idp.keys_read(), 0);
}

#[tokio::test]
async fn an_issuer_that_says_it_is_another_is_not_believed() {
    let idp = Idp::start().await;
    *idp.state.claims_to_be.lock().unwrap() = Some("https://other.example".to_owned());
    let setup = Setup::with(idp, "").await;
    assert_eq!(setup.refused(&setup.token(json!({}))).await.0, 502);
    assert_eq!(setup.idp.keys_read(), 0);
}

#[tokio::test]
async fn only_keys_for_signatures_count() {
    let idp = Idp::start().await;
    let mut for_secrets = idp.signer.public.clone();
    for_secrets["use"] = json!("enc");
    let shared = json!({"kty": "oct", "kid": "first", "k": "c2VjcmV0", "alg": "HS256"});
    *idp.state.published.lock().unwrap() = vec![for_secrets, shared, json!("nonsense"), json!({"kty": "RSA"})];
    let setup = Setup::with(idp, "").await;
    let refused = setup.refused(&setup.token(json!({}))).await;
    assert_eq!(refused, (401, "this token is signed with a key that its issuer does not have".into()));

    // A token that names no key is tried with those that fit.
    let idp = Idp::start().await;
    idp.state.published.lock().unwrap().insert(0, Signer::es256("another").public);
    let setup = Setup::with(idp, "").await;
    let mut header = setup.idp.signer.header();
    header.as_object_mut().unwrap().remove("kid");
    let token = setup.idp.signer.sign(&header, &setup.idp.claims(json!({})));
    assert_eq!(setup.call(&token).await.status, StatusCode::OK);
}
