//! Responses and conversations that a provider stores.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use llm_core::codec::{Chat, Encoded};
use llm_core::stored::ObjectKind;
use llm_core::{Error, ErrorKind, Protocol, Result};
use serde_json::{Map, Value, json};

use super::Client;
use crate::protocols::openai_responses::stored;
use crate::protocols::path;
use crate::provider::Provider;
use crate::stream::ChatStream;

/// The largest answer that is read.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// The responses that one provider stores, by [`Client::responses`].
#[derive(Clone, Debug)]
pub struct ResponsesOf {
    place: Place,
}

/// The conversations that one provider stores, by [`Client::conversations`].
#[derive(Clone, Debug)]
pub struct ConversationsOf {
    place: Place,
}

/// A page of what is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredPage {
    /// How many entries, where that matters.
    pub limit: Option<u64>,
    /// The id behind which the page begins.
    pub after: Option<String>,
    /// `asc` or `desc`; as the provider likes unless set.
    pub order: Option<String>,
    /// What else the entries are to hold.
    pub include: Vec<String>,
}

impl StoredPage {
    fn query(&self) -> Vec<(String, String)> {
        let named = |name: &str, value: String| (name.to_owned(), value);
        let mut query: Vec<_> = self.include.iter().map(|what| named("include[]", what.clone())).collect();
        query.extend(self.limit.map(|limit| named("limit", limit.to_string())));
        query.extend(self.after.clone().map(|after| named("after", after)));
        query.extend(self.order.clone().map(|order| named("order", order)));
        query
    }
}

/// A provider as it is spoken to about what it stores, or a gateway before it.
#[derive(Clone, Debug)]
struct Place {
    provider: Arc<Provider>,
    /// The provider's name where a gateway must be told it.
    named: Option<String>,
}

impl Client {
    /// The responses that `provider` stores. An error where it stores none.
    ///
    /// ```no_run
    /// # async fn run() -> llm_core::Result<()> {
    /// use llm_providers::{Client, ResponseRequest};
    ///
    /// let client = Client::from_env()?;
    /// let request = ResponseRequest::new("openai:gpt-4.1-mini", "Hello").set("background", true);
    /// let begun = client.respond(request).await?;
    /// let now = client.responses("openai")?.get(begun.id()).await?;
    /// println!("{}", now["status"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn responses(&self, provider: &str) -> Result<ResponsesOf> {
        Ok(ResponsesOf { place: self.stored_at(provider, ObjectKind::Response, "stored responses")? })
    }

    /// The conversations that `provider` stores. An error where it has no such thing.
    pub fn conversations(&self, provider: &str) -> Result<ConversationsOf> {
        Ok(ConversationsOf { place: self.stored_at(provider, ObjectKind::Conversation, "conversations")? })
    }

    fn stored_at(&self, provider: &str, kind: ObjectKind, what: &str) -> Result<Place> {
        let (found, named) = match &self.inner.gateway {
            Some(gateway) => (gateway, Some(format!("{provider}:"))),
            None => {
                let providers = &self.inner.providers;
                let found = providers.get(provider).or_else(|| providers.get(crate::registry::canonical(provider)));
                (found.ok_or_else(|| self.not_configured(provider))?, None)
            }
        };
        let speaking = found.speaking(Protocol::OpenAiResponses).filter(|provider| !provider.lacks_stored(kind));
        let provider = speaking
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::NotImplemented, format!("provider `{provider}` has no {what}")))?;
        Ok(Place { provider, named })
    }
}

impl Place {
    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: Vec<(String, String)>,
        body: &Map<String, Value>,
    ) -> Encoded {
        let path = path.iter().fold(String::new(), |whole, part| whole + "/" + &path::segment(part));
        // An object always has a JSON form.
        let body = if body.is_empty() { Vec::new() } else { serde_json::to_vec(body).unwrap_or_default() };
        let target = self.provider.target_of::<Chat>("", false, "");
        stored::request(method, path, query, Bytes::from(body), &target)
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: Vec<(String, String)>,
        body: &Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        let encoded = self.request(method, path, query, body);
        let response = self.provider.send_ok::<Chat>(&encoded, self.provider.timeouts()).await;
        let body = response.map_err(stored::error)?.body.collect(MAX_ANSWER).await?;
        match serde_json::from_slice(&body) {
            Ok(Value::Object(members)) => Ok(members),
            _ => Err(Error::bad_answer("the provider answered with something that is not a JSON object")
                .with_provider(self.provider.id())
                .with_body(body)),
        }
    }
}

impl ResponsesOf {
    /// A response as it is now, in the protocol's own JSON.
    pub async fn get(&self, id: &str) -> Result<Map<String, Value>> {
        self.place.ask(Method::GET, &["responses", id], Vec::new(), &Map::new()).await
    }

    /// The events of a response that is made in the background, from behind the one of the number `after`.
    pub async fn stream(&self, id: &str, after: Option<u64>) -> Result<ChatStream> {
        let mut query = vec![("stream".to_owned(), "true".to_owned())];
        query.extend(after.map(|after| ("starting_after".to_owned(), after.to_string())));
        let encoded = self.place.request(Method::GET, &["responses", id], query, &Map::new());
        self.place.provider.stream_of(&encoded).await.map_err(stored::error)
    }

    /// Deletes a response.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.place.ask(Method::DELETE, &["responses", id], Vec::new(), &Map::new()).await.map(drop)
    }

    /// Stops a response that is made in the background.
    pub async fn cancel(&self, id: &str) -> Result<Map<String, Value>> {
        self.place.ask(Method::POST, &["responses", id, "cancel"], Vec::new(), &Map::new()).await
    }

    /// A page of the items that a response was made from.
    pub async fn input_items(&self, id: &str, page: &StoredPage) -> Result<Map<String, Value>> {
        self.place.ask(Method::GET, &["responses", id, "input_items"], page.query(), &Map::new()).await
    }
}

impl ConversationsOf {
    /// Begins a conversation: `members` may hold `items` and `metadata`.
    pub async fn create(&self, mut members: Map<String, Value>) -> Result<Map<String, Value>> {
        if let Some(named) = &self.place.named {
            members.insert("model".to_owned(), json!(named));
        }
        // Providers want an object, be it empty.
        members.entry("metadata").or_insert_with(|| json!({}));
        self.place.ask(Method::POST, &["conversations"], Vec::new(), &members).await
    }

    /// What is known of a conversation.
    pub async fn get(&self, id: &str) -> Result<Map<String, Value>> {
        self.place.ask(Method::GET, &["conversations", id], Vec::new(), &Map::new()).await
    }

    /// Changes what its owner wants to remember of it.
    pub async fn update(&self, id: &str, metadata: Map<String, Value>) -> Result<Map<String, Value>> {
        let members = Map::from_iter([("metadata".to_owned(), Value::Object(metadata))]);
        self.place.ask(Method::POST, &["conversations", id], Vec::new(), &members).await
    }

    /// Deletes a conversation; its items stay with the responses that they belong to.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.place.ask(Method::DELETE, &["conversations", id], Vec::new(), &Map::new()).await.map(drop)
    }

    /// A page of its items.
    pub async fn items(&self, id: &str, page: &StoredPage) -> Result<Map<String, Value>> {
        self.place.ask(Method::GET, &["conversations", id, "items"], page.query(), &Map::new()).await
    }

    /// Adds items.
    pub async fn add_items(&self, id: &str, items: Vec<Value>) -> Result<Map<String, Value>> {
        let members = Map::from_iter([("items".to_owned(), Value::Array(items))]);
        self.place.ask(Method::POST, &["conversations", id, "items"], Vec::new(), &members).await
    }

    /// One item.
    pub async fn item(&self, id: &str, item: &str) -> Result<Map<String, Value>> {
        self.place.ask(Method::GET, &["conversations", id, "items", item], Vec::new(), &Map::new()).await
    }

    /// Takes an item out.
    pub async fn delete_item(&self, id: &str, item: &str) -> Result<Map<String, Value>> {
        self.place.ask(Method::DELETE, &["conversations", id, "items", item], Vec::new(), &Map::new()).await
    }
}
