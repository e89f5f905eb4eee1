//! Images: made from a text, or changed as a text says.

use serde::{Deserialize, Serialize};

use crate::chat::{MediaSource, UnsupportedPolicy, stored_in_native, stored_in_source};
use crate::codec::{Skim, Stored};
use crate::operation::{Asks, Operation, OperationKind, Tells, Unit, answer};
use crate::{Meter, Native, Usage};

/// The operation of [`ImagesRequest`] and [`ImagesAnswer`].
#[derive(Debug)]
pub enum Images {}

impl Operation for Images {
    const KIND: OperationKind = OperationKind::Images;
    type Request = ImagesRequest;
    type Answer = ImagesAnswer;
    type Chunk = ImagesChunk;
}

/// A call for images. With images of its own they are changed, without they are made from nothing.
///
/// ```
/// use llm_core::ImagesRequest;
/// let request = ImagesRequest::new("openai:gpt-image-1", "a boat").size("1024x1024");
/// assert!(!request.is_edit());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImagesRequest {
    /// The model id, `provider:model`, or a name that a gateway knows.
    pub model: String,
    /// What the images should show, or how they should change.
    pub prompt: String,
    /// The images to change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageInput>,
    /// Where the first of them may change: there the mask is transparent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<ImageInput>,
    /// How many images are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// How large, as `1024x1024`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// How good: `low`, `high`, `hd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// The file format: `png`, `jpeg`, `webp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// How they are handed over: `url` or `b64_json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<String>,
    /// The end user, for the provider's abuse checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What to do with a parameter that the provider can't take.
    #[serde(skip_serializing_if = "UnsupportedPolicy::is_refuse")]
    pub unsupported: UnsupportedPolicy,
    /// What only the request's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// An image that is sent along.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageInput {
    /// Where it is.
    pub source: MediaSource,
    /// The name of its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// What only the image's own protocol knows.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

answer! {
    /// The images.
    pub struct ImagesAnswer {
        /// When, in seconds since 1970, where the provider says it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub created: Option<i64>,
        /// The images.
        pub images: Vec<Image>,
    }
}

/// One image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Image {
    /// The image in base64, where it was handed over so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b64: Option<String>,
    /// Where it can be fetched for a while, where it was handed over so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its media type, where the provider says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What the provider made of the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revised_prompt: Option<String>,
    /// What only the image's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// One event of images on their way: an early look, or the image itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImagesChunk {
    /// The provider's name of the event.
    pub event: String,
    /// The image as far as it is, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b64: Option<String>,
    /// What the call used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What only the event's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl ImagesRequest {
    /// A call of `model` for one image.
    pub fn new(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self { model: model.into(), prompt: prompt.into(), ..Self::default() }
    }

    /// Adds an image to change.
    #[must_use]
    pub fn image(mut self, source: MediaSource) -> Self {
        self.images.push(ImageInput { source, filename: None, native: Native::NONE });
        self
    }

    /// Sets the size, as `1024x1024`.
    #[must_use]
    pub fn size(mut self, size: impl Into<String>) -> Self {
        self.size = Some(size.into());
        self
    }

    /// Sets how many images are wanted.
    #[must_use]
    pub fn n(mut self, n: u64) -> Self {
        self.n = Some(n);
        self
    }

    /// Whether images are changed rather than made.
    pub fn is_edit(&self) -> bool {
        !self.images.is_empty() || self.mask.is_some()
    }
}

/// The most tokens that an image may take: OpenAI's largest, at its best quality, stay below.
const TOKENS_AN_IMAGE: u64 = 8192;

impl Asks for ImagesRequest {
    fn model(&self) -> &str {
        &self.model
    }

    fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    fn skim(&self) -> Skim {
        let n = self.n.unwrap_or(1).max(1);
        Skim {
            model: self.model.clone(),
            max_tokens: Some(TOKENS_AN_IMAGE),
            choices: n,
            text_bytes: self.prompt.len() as u64,
            messages: 1,
            media: self.images.len() as u64 + u64::from(self.mask.is_some()),
            user: self.user.clone(),
            units: vec![Unit::exactly(Meter::Image, n)],
            stored: self.stored(),
            ..Skim::default()
        }
    }

    fn stored(&self) -> Vec<Stored> {
        let mut named = Vec::new();
        for image in self.images.iter().chain(&self.mask) {
            named.extend(stored_in_source(&image.source));
            stored_in_native(&image.native, &mut named);
        }
        stored_in_native(&self.native, &mut named);
        named
    }

    fn text(&self) -> String {
        self.prompt.clone()
    }
}

impl Tells for ImagesChunk {
    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn has_content(&self) -> bool {
        self.b64.is_some()
    }
}
