//! Many calls at once, answered later.

use llm_core::batch::{Batch, BatchAsk, BatchDraft, BatchList, BatchResult, Batches, BatchesAnswer, BatchesRequest};
use llm_core::{Error, Protocol, Result};

use super::Client;
use super::files::Place;
use crate::stream::ChunkStream;

/// One provider's batches, by [`Client::batches`].
#[derive(Clone, Debug)]
pub struct BatchesOf {
    place: Place,
}

impl Client {
    /// The batches of `provider`. An error where it has no such thing.
    ///
    /// ```no_run
    /// # async fn run() -> llm_core::Result<()> {
    /// use llm_providers::{BatchDraft, ChatRequest, Client};
    ///
    /// let batches = Client::from_env()?.batches("openai")?;
    /// let draft = BatchDraft::default().chat("first", ChatRequest::new("gpt-4.1-mini").user("Hello"));
    /// let batch = batches.create(draft).await?;
    /// // … and some hours later:
    /// let mut results = batches.results(&batches.get(&batch.id).await?);
    /// while let Some(result) = results.next().await.transpose()? {
    ///     println!("{}: {:?}", result.custom_id, result.chat.map(|answer| answer.text()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn batches(&self, provider: &str) -> Result<BatchesOf> {
        Ok(BatchesOf { place: self.place::<Batches>(provider)? })
    }
}

impl BatchesOf {
    /// Makes a batch. Where the provider's protocol takes the calls in a file, that is sent up first.
    pub async fn create(&self, draft: BatchDraft) -> Result<Batch> {
        let Place { provider, id, .. } = &self.place;
        if provider.row().protocol == Protocol::Native {
            return one(self.ask(BatchAsk::Create(draft)).await?);
        }
        provider.make_batch(id, draft).await
    }

    /// How a batch is doing.
    pub async fn get(&self, id: &str) -> Result<Batch> {
        one(self.ask(BatchAsk::Get(id.to_owned())).await?)
    }

    /// A page of the batches; begin behind the last id for the next one.
    pub async fn list(&self, page: BatchList) -> Result<BatchesAnswer> {
        self.ask(BatchAsk::List(page)).await
    }

    /// Stops a batch. What is answered by then stays.
    pub async fn cancel(&self, id: &str) -> Result<Batch> {
        one(self.ask(BatchAsk::Cancel(id.to_owned())).await?)
    }

    /// The results of a batch, line by line as they come over the wire; none where there are none yet
    /// ([`BatchState::is_final`](llm_core::BatchState::is_final)).
    pub fn results(&self, batch: &Batch) -> BatchResults {
        let mut places = batch.results.clone();
        places.reverse();
        BatchResults { place: self.place.clone(), places, lines: None }
    }

    async fn ask(&self, ask: BatchAsk) -> Result<BatchesAnswer> {
        self.place.call::<Batches>(&BatchesRequest::new(&self.place.id, ask)).await
    }
}

/// The results of a batch on their way. Dropping it closes the connection to the provider.
#[derive(Debug)]
pub struct BatchResults {
    place: Place,
    /// Where further results stand; the next place is last.
    places: Vec<String>,
    lines: Option<ChunkStream<Batches>>,
}

impl BatchResults {
    /// The next result; none at the end. An error ends the results.
    pub async fn next(&mut self) -> Option<Result<BatchResult>> {
        loop {
            if let Some(lines) = &mut self.lines {
                match lines.next().await {
                    Some(Ok(result)) => return Some(Ok(result)),
                    Some(Err(error)) => {
                        (self.lines, self.places) = (None, Vec::new());
                        return Some(Err(error));
                    }
                    None => self.lines = None,
                }
            }
            let of = self.places.pop()?;
            let request = BatchesRequest::new(&self.place.id, BatchAsk::Results(of));
            match self.place.provider.stream::<Batches>(&request, &self.place.model).await {
                Ok(lines) => self.lines = Some(lines),
                Err(error) => {
                    self.places.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

pub(crate) fn one(answer: BatchesAnswer) -> Result<Batch> {
    answer.batches.into_iter().next().ok_or_else(|| Error::bad_answer("the answer holds no batch"))
}
