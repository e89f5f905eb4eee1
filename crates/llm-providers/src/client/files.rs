//! The files that a provider keeps.

use std::sync::Arc;

use llm_core::file::{FileAsk, FileContent, FileList, FileUpload, Files, FilesAnswer, FilesRequest, StoredFile};
use llm_core::{Error, Result};

use super::Client;
use crate::protocols::Spoken;
use crate::provider::Provider;

/// One provider's store of files, by [`Client::files`].
#[derive(Clone, Debug)]
pub struct FilesOf {
    place: Place,
}

/// A provider, or a gateway before it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) provider: Arc<Provider>,
    /// The provider's id as the application names it.
    pub(super) id: String,
    /// What the request goes to: nothing in process, where the provider is known; `provider:` before a gateway.
    pub(super) model: String,
}

impl Place {
    pub(super) async fn call<O: Spoken>(&self, request: &O::Request) -> Result<O::Answer> {
        self.provider.call::<O>(request, &self.model).await
    }
}

impl Client {
    /// The files that `provider` keeps. An error where it has no such thing.
    ///
    /// ```no_run
    /// # async fn run() -> llm_core::Result<()> {
    /// use llm_providers::{Client, FileUpload};
    ///
    /// let files = Client::from_env()?.files("openai")?;
    /// let kept = files.upload(FileUpload::new("notes.txt", "hello").purpose("user_data")).await?;
    /// files.delete(&kept.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn files(&self, provider: &str) -> Result<FilesOf> {
        Ok(FilesOf { place: self.place::<Files>(provider)? })
    }

    pub(super) fn place<O: Spoken>(&self, provider: &str) -> Result<Place> {
        let id = provider.trim_end_matches(':').to_owned();
        let (found, model) = match &self.inner.gateway {
            Some(gateway) => (gateway, format!("{id}:")),
            None => match self.inner.providers.get(crate::registry::canonical(&id)) {
                Some(found) => (found, String::new()),
                None => (self.inner.providers.get(&id).ok_or_else(|| self.not_configured(&id))?, String::new()),
            },
        };
        let provider = found.having::<O>(found.row().protocol)?.clone();
        Ok(Place { provider, id, model })
    }
}

impl FilesOf {
    /// Sends a file up.
    pub async fn upload(&self, file: FileUpload) -> Result<StoredFile> {
        one(self.ask(FileAsk::Upload(file)).await?)
    }

    /// A page of what is kept; begin behind the last id for the next one.
    pub async fn list(&self, page: FileList) -> Result<FilesAnswer> {
        self.ask(FileAsk::List(page)).await
    }

    /// What is known of a file.
    pub async fn get(&self, id: &str) -> Result<StoredFile> {
        one(self.ask(FileAsk::Get(id.to_owned())).await?)
    }

    /// Deletes a file.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.ask(FileAsk::Delete(id.to_owned())).await.map(drop)
    }

    /// The bytes of a file.
    pub async fn content(&self, id: &str) -> Result<FileContent> {
        let answer = self.ask(FileAsk::Content(id.to_owned())).await?;
        answer.content.ok_or_else(|| Error::bad_answer("the answer holds no content"))
    }

    async fn ask(&self, ask: FileAsk) -> Result<FilesAnswer> {
        self.place.call::<Files>(&FilesRequest::new(&self.place.id, ask)).await
    }
}

fn one(answer: FilesAnswer) -> Result<StoredFile> {
    answer.files.into_iter().next().ok_or_else(|| Error::bad_answer("the answer holds no file"))
}
