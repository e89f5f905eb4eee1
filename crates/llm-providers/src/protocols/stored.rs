//! Things that a provider keeps and lists by pages: what the protocols' files and batches have in common.

use bytes::Bytes;
use http::{Method, header};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Native, Protocol, Result};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::path;

/// Where a protocol keeps what, and how it names the members of a page's query.
pub(super) struct Store {
    pub(super) protocol: Protocol,
    /// The path of the list.
    pub(super) path: &'static str,
    /// The member of a query that names the entry behind which a page begins.
    pub(super) after: &'static str,
}

/// What a body says: one thing, a page of them, or that one is gone.
pub(super) enum Told {
    One(Map<String, Value>),
    Page { items: Vec<Map<String, Value>>, has_more: bool, rest: Native },
    Deleted { id: String, rest: Native },
}

impl Store {
    /// A request without a body.
    pub(super) fn ask(&self, method: Method, id: Option<&str>, verb: &str, target: &Target<'_>) -> Encoded {
        let path = match id {
            Some(id) => format!("{}/{}{verb}", self.path, path::segment(id)),
            None => self.path.to_owned(),
        };
        let mut encoded = Encoded::post(path, Bytes::new(), DecodeContext::new(target));
        encoded.method = method;
        encoded.headers.remove(header::CONTENT_TYPE);
        encoded
    }

    /// A request to stop something, with what else the caller said of it in this protocol.
    pub(super) fn stop(&self, id: &str, more: &Native, target: &Target<'_>) -> Result<Encoded> {
        Unsupported::new(UnsupportedPolicy::Refuse, target.provider).foreign(more, self.protocol)?;
        let mut encoded = self.ask(Method::POST, Some(id), "/cancel", target);
        if let Some(members) = more.members(self.protocol).filter(|members| !members.is_empty()) {
            let body = Bytes::from(Value::Object(members.clone()).to_string());
            encoded = Encoded::post(encoded.path, body, encoded.context);
        }
        Ok(encoded)
    }

    /// A page of the list.
    pub(super) fn page(&self, limit: Option<u64>, after: Option<&str>, more: &Native, target: &Target<'_>) -> Encoded {
        let mut encoded = self.ask(Method::GET, None, "", target);
        let kept = more.members(self.protocol).into_iter().flatten();
        encoded.query.extend(kept.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))));
        encoded.query.extend(limit.map(|limit| ("limit".to_owned(), limit.to_string())));
        encoded.query.extend(after.map(|after| (self.after.to_owned(), after.to_owned())));
        encoded
    }

    /// Reads an answer; none where it is no JSON object.
    pub(super) fn read(&self, body: &[u8]) -> Option<Told> {
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return None };
        let mut fields = Fields::new(members);
        let is_gone = fields.get("deleted") == Some(&Value::Bool(true))
            || fields.text("type").is_some_and(|kind| kind.ends_with("_deleted"));
        if is_gone {
            let id = fields.text("id").unwrap_or_default().to_owned();
            return Some(Told::Deleted { id, rest: fields.into_native(self.protocol) });
        }
        let Some(list) = fields.take_list("data") else { return Some(Told::One(fields.into_members())) };
        let objects = list.into_iter().filter_map(|item| match item {
            Value::Object(members) => Some(members),
            _ => None,
        });
        let items = objects.collect();
        let has_more = fields.get("has_more").and_then(Value::as_bool).unwrap_or(false);
        Some(Told::Page { items, has_more, rest: fields.into_native(self.protocol) })
    }

    /// The id and the verb behind it in a caller's path; none where the list itself is meant.
    pub(super) fn named(&self, head: &RequestHead) -> Option<(String, String)> {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        let rest = head.path.split_once(&format!("/{name}/"))?.1;
        let (id, verb) = rest.split_once('/').unwrap_or((rest, ""));
        (!id.is_empty()).then(|| (path::decoded(id), verb.trim_end_matches('/').to_owned()))
    }

    /// What a caller's query asks of a page: the bound, where it begins, and whatever else is said.
    pub(super) fn asked(&self, head: &RequestHead) -> Result<(Option<u64>, Option<String>, Native)> {
        let mut rest = Map::new();
        for (name, value) in form_urlencoded::parse(head.query.as_deref().unwrap_or_default().as_bytes()) {
            // The caller's key is no business of the provider's.
            if name != "key" {
                rest.insert(name.into_owned(), Value::from(value.into_owned()));
            }
        }
        let mut fields = Fields::new(rest);
        let limit = match fields.text("limit").map(str::parse::<u64>) {
            Some(Ok(limit)) => fields.take_text("limit").map(|_| limit),
            Some(Err(_)) => return Err(fields.wrong("limit", "a whole number that is not negative")),
            None => None,
        };
        let after = fields.take_nonempty(self.after);
        Ok((limit, after, fields.into_native(self.protocol)))
    }
}

/// The form of an answer that is a page, where an answer of one thing would hold the same.
pub(super) const PAGE: &str = "page";

/// Whether a page was asked for.
pub(super) fn is_page(cx: &AnswerContext) -> bool {
    cx.form.as_deref() == Some(PAGE)
}

/// A path or method that means nothing here.
pub(super) fn nothing(head: &RequestHead) -> Error {
    Error::new(ErrorKind::NotFound, format!("`{}` can't be asked with `{}`", head.path, head.method))
}

/// The text of a member of an object that was only looked at.
pub(super) fn text(members: &Map<String, Value>, name: &str) -> Option<String> {
    members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}
