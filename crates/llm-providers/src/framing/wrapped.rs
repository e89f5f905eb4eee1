//! A body within messages of AWS's event stream: Amazon SageMaker hands on what a container sends in pieces, wherever they
//! are cut, and says aside what they are.
//!
//! Source: `InvokeEndpointWithResponseStream` in Amazon SageMaker's API reference.

use llm_core::codec::DecodeContext;
use llm_core::{Error, Result};

use super::{AwsEventStreamFramer, Framer};
use crate::protocols::aws;

/// The event that holds a piece.
const PIECE: &str = "PayloadPart";

/// Takes the body out of the messages.
#[derive(Debug, Default)]
pub(crate) struct Unwrapper {
    framer: AwsEventStreamFramer,
}

impl Unwrapper {
    /// Takes in the next bytes, and appends what is in their messages. An error is the service's, and nothing follows.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.framer.push(bytes);
        while let Some(raw) = self.framer.next_frame()? {
            if raw.frame.is_error {
                return Err(aws::exception(&DecodeContext::default(), &raw.frame));
            }
            if raw.frame.event == PIECE {
                out.extend_from_slice(raw.frame.data);
            }
        }
        Ok(())
    }

    /// The messages have ended. An error says that the last one was not whole.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match self.framer.finish()? {
            None => Ok(()),
            Some(_) => Err(Error::cut()),
        }
    }
}

#[cfg(test)]
mod tests;
