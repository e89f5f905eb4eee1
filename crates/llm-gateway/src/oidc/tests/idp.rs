//! An identity provider on loopback, with keys of its own; and a model that answers whoever gets so far.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{Request, StatusCode};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A private key, and what is published of it.
#[derive(Clone)]
pub(super) struct Signer {
    pub(super) id: String,
    algorithm: Algorithm,
    key: EncodingKey,
    pub(super) public: Value,
}

impl Signer {
    pub(super) fn es256(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der: Vec<u8> = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
        let point = pair.public_key().as_ref();
        let public = json!({"kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256",
            "x": encoded(&point[1..33]), "y": encoded(&point[33..])});
        Self { id: id.to_owned(), algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(&der), public }
    }

    pub(super) fn rs256(id: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let public = pair.public_key();
        let part = |bytes: &[u8]| {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            encoded(&bytes[zeros..])
        };
        let public = json!({"kty": "RSA", "kid": id, "use": "sig",
            "n": part(public.modulus().big_endian_without_leading_zero()),
            "e": part(public.exponent().big_endian_without_leading_zero())});
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        Self { id: id.to_owned(), algorithm: Algorithm::RS256, key, public }
    }

    pub(super) fn eddsa(id: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let der: Vec<u8> = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
        let public = json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": encoded(pair.public_key().as_ref())});
        Self { id: id.to_owned(), algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der), public }
    }

    /// The usual header of its tokens.
    pub(super) fn header(&self) -> Value {
        json!({"alg": format!("{:?}", self.algorithm), "kid": self.id, "typ": "JWT"})
    }

    /// A token of these very parts.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }
}

/// Both parts of a token, without its signature.
pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()))
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What the provider answers with, and how often it was asked.
pub(super) struct State {
    pub(super) published: Mutex<Vec<Value>>,
    pub(super) is_down: std::sync::atomic::AtomicBool,
    /// What it says that its address is, if not the true one.
    pub(super) claims_to_be: Mutex<Option<String>>,
    pub(super) keys_read: AtomicUsize,
    /// The codes that were given out and not been redeemed.
    codes: Mutex<HashMap<String, Grant>>,
    /// How the clients that redeemed codes proved themselves.
    pub(super) clients: Mutex<Vec<Option<String>>>,
}

/// What a code was given out for.
struct Grant {
    token: String,
    challenge: String,
    callback: String,
}

/// The provider.
pub(super) struct Idp {
    pub(super) url: String,
    pub(super) signer: Signer,
    pub(super) state: Arc<State>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Idp {
    pub(super) async fn start() -> Self {
        Self::signing_with(Signer::es256("first")).await
    }

    pub(super) async fn signing_with(signer: Signer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            published: Mutex::new(vec![signer.public.clone()]),
            is_down: false.into(),
            claims_to_be: Mutex::default(),
            keys_read: AtomicUsize::new(0),
            codes: Mutex::default(),
            clients: Mutex::default(),
        });
        let (place, shared) = (url.clone(), Arc::clone(&state));
        let answer = move |request: Request<Body>| {
            let (place, state) = (place.clone(), Arc::clone(&shared));
            async move { answer(&place, &state, request).await }
        };
        let router = Router::new().fallback(answer);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, signer, state, server }
    }

    /// Signs with another key from now on; the one before is published no more.
    pub(super) fn rotate(&mut self, signer: Signer) {
        *self.state.published.lock().unwrap() = vec![signer.public.clone()];
        self.signer = signer;
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, Ordering::SeqCst);
    }

    pub(super) fn keys_read(&self) -> usize {
        self.state.keys_read.load(Ordering::SeqCst)
    }

    /// The claims of a good token of `ada`, with others laid over them; null takes one away.
    pub(super) fn claims(&self, over: Value) -> Value {
        let now = Timestamp::now().as_second();
        let mut claims = json!({"iss": self.url, "aud": "gateway", "sub": "ada", "iat": now, "exp": now + 600});
        for (name, value) in over.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    /// Logs someone in who was sent here: the code that they go back with.
    pub(super) fn grant(&self, asked: &HashMap<String, String>, over: Value) -> String {
        let mut claims = json!({"aud": asked["client_id"], "nonce": asked["nonce"]});
        claims.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        let code = format!("code-{}", asked["state"]);
        let (challenge, callback) = (asked["code_challenge"].clone(), asked["redirect_uri"].clone());
        let grant = Grant { token: self.token(claims), challenge, callback };
        self.state.codes.lock().unwrap().insert(code.clone(), grant);
        code
    }

    pub(super) fn token(&self, over: Value) -> String {
        self.signer.sign(&self.signer.header(), &self.claims(over))
    }
}

async fn answer(url: &str, state: &State, request: Request<Body>) -> Response {
    if request.uri().path() == "/v1/chat/completions" {
        let choice = json!({"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"});
        let usage = json!({"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4});
        let answer = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "some",
            "choices": [choice], "usage": usage});
        return axum::Json(answer).into_response();
    }
    if state.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match request.uri().path() {
        "/.well-known/openid-configuration" => {
            let issuer = state.claims_to_be.lock().unwrap().clone().unwrap_or_else(|| url.to_owned());
            let place = |name: &str| format!("{url}/{name}");
            axum::Json(json!({"issuer": issuer, "jwks_uri": place("keys"),
                "authorization_endpoint": place("authorize?prompt=login"), "token_endpoint": place("token")}))
            .into_response()
        }
        "/keys" => {
            state.keys_read.fetch_add(1, Ordering::SeqCst);
            axum::Json(json!({"keys": *state.published.lock().unwrap()})).into_response()
        }
        "/token" => {
            let client = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
            state.clients.lock().unwrap().push(client);
            let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
            let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
            let grant = form.get("code").and_then(|code| state.codes.lock().unwrap().remove(code));
            let is_whole = |grant: &Grant| {
                let verifier = form["code_verifier"].as_bytes();
                form["grant_type"] == "authorization_code"
                    && form["redirect_uri"] == grant.callback
                    && encoded(&Sha256::digest(verifier)) == grant.challenge
            };
            match grant.filter(is_whole) {
                Some(grant) => {
                    axum::Json(json!({"access_token": "a", "token_type": "Bearer", "id_token": grant.token}))
                        .into_response()
                }
                None => {
                    let error = json!({"error": "invalid_grant", "error_description": "<script>no</script>"});
                    (StatusCode::BAD_REQUEST, axum::Json(error)).into_response()
                }
            }
        }
        "/moved" => (StatusCode::FOUND, [("location", format!("{url}/keys"))]).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
