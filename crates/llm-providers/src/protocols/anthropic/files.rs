//! `/v1/files`, a beta: what Anthropic keeps.
//! Source: Anthropic's API reference.

use http::HeaderValue;
use llm_core::codec::{Encoded, Target};
use llm_core::file::{Files, FilesRequest, StoredFile};
use llm_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{AnthropicApi, ME, error, host};
use crate::protocols::files;
use crate::protocols::speaks::speaks;
use crate::protocols::stored::Store;

pub(super) const STORE: Store = Store { protocol: ME, path: "/v1/files", after: "after_id" };
/// Without it, the routes of files are not there.
const BETA: &str = "files-api-2025-04-14";

fn encode_request(request: &FilesRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut encoded = files::encode_request(&STORE, request, target)?;
    headed(target, &mut encoded)?;
    encoded.headers.entry(host::BETA).or_insert(HeaderValue::from_static(BETA));
    Ok(encoded)
}

/// Adds the headers of the protocol.
pub(super) fn headed(target: &Target<'_>, encoded: &mut Encoded) -> Result<()> {
    if target.quirks.host != llm_core::codec::Host::Own {
        let message = format!("`{}` keeps no files and no batches of Anthropic's", target.provider);
        return Err(Error::new(ErrorKind::NotImplemented, message));
    }
    let version = host::address(target, None, bytes::Bytes::new())?.headers.remove("anthropic-version");
    encoded.headers.extend(version.map(|version| (http::HeaderName::from_static("anthropic-version"), version)));
    Ok(())
}

/// A file that came in another protocol.
fn foreign(file: &StoredFile) -> Value {
    json!({
        "id": file.id,
        "type": "file",
        "filename": file.filename,
        "mime_type": "application/octet-stream",
        "size_bytes": file.bytes,
        "created_at": "1970-01-01T00:00:00Z",
        "downloadable": false,
    })
}

speaks! {
    AnthropicApi: Files, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) {
        let unreadable = || Error::bad_answer("the provider's answer is no file").with_body(body.to_vec().into());
        files::decode_answer(&STORE, cx, head, body).ok_or_else(unreadable)
    },
    decode_request(head, body) files::decode_request(&STORE, head, body),
    encode_answer(cx, answer) {
        Ok(files::encode_answer(&STORE, cx, answer, foreign, |id| json!({"id": id, "type": "file_deleted"})))
    },
}
