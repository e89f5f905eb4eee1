//! Files that go along with a prompt.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use llm_providers::Part;
use llm_providers::chat::{Media, MediaKind, MediaSource};

use crate::failure::Failure;

/// The part that a file, or the URL of an image, becomes. URLs are left to the provider to fetch.
pub(crate) fn read(place: &str) -> Result<Part, Failure> {
    if place.starts_with("https://") || place.starts_with("http://") {
        return Ok(Part::image_url(place));
    }
    let bytes = std::fs::read(place).map_err(|error| Failure::usage(format!("can't read `{place}`: {error}")))?;
    let Some((kind, media_type)) = kind_of(&bytes) else {
        return Err(Failure::usage(format!("`{place}` is not an image, a PDF or a sound that is known here"))
            .with_hint(format!("text goes through standard input: `llm \"…\" < {place}`")));
    };
    let data = STANDARD.encode(&bytes);
    let mut media = Media::new(kind, MediaSource::Base64 { media_type: media_type.to_owned(), data });
    if media_type == "application/pdf" {
        media.name = std::path::Path::new(place).file_name().map(|name| name.to_string_lossy().into_owned());
    }
    Ok(media.into())
}

/// What a file is, by the bytes that it begins with; its name may say anything.
fn kind_of(bytes: &[u8]) -> Option<(MediaKind, &'static str)> {
    let riff = |form: &[u8]| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(form);
    Some(match bytes {
        [0x89, b'P', b'N', b'G', ..] => (MediaKind::Image, "image/png"),
        [0xff, 0xd8, 0xff, ..] => (MediaKind::Image, "image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => (MediaKind::Image, "image/gif"),
        _ if riff(b"WEBP") => (MediaKind::Image, "image/webp"),
        [b'%', b'P', b'D', b'F', b'-', ..] => (MediaKind::Document, "application/pdf"),
        _ if riff(b"WAVE") => (MediaKind::Audio, "audio/wav"),
        [b'I', b'D', b'3', ..] | [0xff, 0xfb | 0xf3 | 0xf2, ..] => (MediaKind::Audio, "audio/mpeg"),
        [b'f', b'L', b'a', b'C', ..] => (MediaKind::Audio, "audio/flac"),
        [b'O', b'g', b'g', b'S', ..] => (MediaKind::Audio, "audio/ogg"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
