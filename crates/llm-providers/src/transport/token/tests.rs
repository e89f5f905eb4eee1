use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::transport::kept::MARGIN;

#[derive(Debug, Default)]
struct Counting {
    asked: std::sync::Arc<AtomicU64>,
    lifetime: Duration,
}

impl TokenSource for Counting {
    fn fetch<'a>(&'a self, _: &'a TokenHttp) -> BoxFuture<'a, Result<Token>> {
        Box::pin(async {
            let number = self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(Token::new(format!("token-{number}"), self.lifetime))
        })
    }
}

fn request() -> WireRequest {
    let url = url::Url::parse("https://provider.example/v1").unwrap();
    WireRequest { method: Method::POST, url, headers: HeaderMap::new(), body: bytes::Bytes::new() }
}

async fn signed(tokens: &BearerTokens) -> String {
    let mut request = request();
    tokens.sign(&mut request).await.unwrap();
    request.headers[AUTHORIZATION].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_kept_and_asked_for_once_by_all() {
    let asked = std::sync::Arc::new(AtomicU64::new(0));
    let tokens = BearerTokens::new(Counting { asked: asked.clone(), lifetime: Duration::from_secs(3600) }).unwrap();
    let (one, two) = tokio::join!(signed(&tokens), signed(&tokens));
    assert_eq!((one.as_str(), two.as_str()), ("Bearer token-0", "Bearer token-0"));
    assert_eq!(signed(&tokens).await, "Bearer token-0");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_that_is_about_to_run_out_is_not_used() {
    let asked = std::sync::Arc::new(AtomicU64::new(0));
    let tokens = BearerTokens::new(Counting { asked, lifetime: MARGIN }).unwrap();
    assert_eq!(signed(&tokens).await, "Bearer token-0");
    assert_eq!(signed(&tokens).await, "Bearer token-1");
}

#[test]
fn answers_of_token_services_are_read() {
    let lifetime = |body: &str| {
        let token = Token::read(body.as_bytes()).unwrap();
        assert_eq!(token.secret.expose(), "t");
        (token.expires - Instant::now()).as_secs_f64().round()
    };
    assert_eq!(lifetime(r#"{"access_token": "t", "expires_in": 3599}"#), 3599.0);
    assert_eq!(lifetime(r#"{"access_token": "t", "expires_in": "86399"}"#), 86399.0);
    assert_eq!(lifetime(r#"{"access_token": "t"}"#), 300.0);
    assert_eq!(lifetime(r#"{"access_token": "t", "expires_in": 18446744073709551615}"#), 86400.0);
    assert!(lifetime(r#"{"access_token": "t", "expires_on": "4102444800"}"#) > 1e9);
    assert_eq!(lifetime(r#"{"access_token": "t", "expires_on": 1000}"#), 0.0);
    for body in ["", "[]", r#"{"access_token": ""}"#, r#"{"error": "no"}"#] {
        assert_eq!(Token::read(body.as_bytes()).unwrap_err().kind(), ErrorKind::ProviderAuth, "{body}");
    }
}
