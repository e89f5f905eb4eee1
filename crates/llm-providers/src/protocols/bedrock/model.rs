//! What a model's name says of the parameters that only its family takes.

/// The families whose own parameters are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Claude,
    Nova,
    GptOss,
    /// One whose own parameters nothing is known of.
    Other,
}

impl Family {
    /// The family of a model id, an inference profile or an ARN that holds either.
    pub(super) fn of(model: &str) -> Self {
        if model.contains("claude") {
            Self::Claude
        } else if model.contains("amazon.nova") {
            Self::Nova
        } else if model.contains("gpt-oss") {
            Self::GptOss
        } else {
            Self::Other
        }
    }
}
