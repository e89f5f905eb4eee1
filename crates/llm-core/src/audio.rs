//! Speech, both ways: text to sound, sound to text.

mod duration;
mod speak;
mod transcribe;

pub use duration::seconds_at_most;
pub use speak::{Speak, SpeakAnswer, SpeakChunk, SpeakRequest};
pub use transcribe::{
    AudioFile, Segment, Transcribe, TranscribeAnswer, TranscribeChunk, TranscribeRequest, TranscriptForm, Word,
};
