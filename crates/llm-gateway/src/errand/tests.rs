use http::Method;
use serde_json::json;

use super::*;
use crate::keys::KeyDraft;
use crate::record::samples::{NEW_YEAR, open};
use crate::router::router;
use crate::served::Served;
use crate::store::{CallFilter, calls};

impl Served {
    async fn visit(&self, key: &Arc<VirtualKey>) -> Visit {
        let (parts, ()) = Request::builder().method(Method::GET).uri("/v1/files").body(()).unwrap().into_parts();
        let (kind, protocol) = (OperationKind::Files, Protocol::OpenAiChat);
        Visit::new(&self.gateway, kind, protocol, Arrival::now(), key.clone(), parts, Bytes::new()).unwrap()
    }

    async fn recorded(&self) -> Vec<CallStatus> {
        self.gateway.flush().await.unwrap();
        let all = calls(self.gateway.db(), &CallFilter::default(), None, 500).await.unwrap().data;
        all.iter().map(|call| call.status).collect()
    }
}

#[tokio::test]
async fn what_a_limit_refuses_is_recorded_only_while_calls_are_taken() {
    let served = Served::open("", "administrator", |gateway, _| router(gateway)).await;
    let draft = json!({"name": "k", "limits": [{"meter": "requests", "window": "total", "amount": 1}]});
    let made = served.gateway.keys().create(serde_json::from_value::<KeyDraft>(draft).unwrap()).await.unwrap();
    let begin = async || served.visit(&made.key).await.begin(None, None).await;
    begin().await.unwrap().done(Vec::new()).await.unwrap();
    assert_eq!(begin().await.err().unwrap().kind(), ErrorKind::RateLimited);
    let mut recorded = served.recorded().await;
    recorded.sort_by_key(|status| status.as_str());
    assert_eq!(recorded, [CallStatus::Ok, CallStatus::Refused]);

    // The journal can't be written: whoever is refused again and again must not fill what is left.
    served.gateway.journal.fill_disk(true);
    assert!(served.gateway.journal.open(open(NEW_YEAR)).is_err());
    for _ in 0..5 {
        assert_eq!(begin().await.err().unwrap().kind(), ErrorKind::RateLimited);
    }
    assert_eq!(served.recorded().await.len(), 2);
}
