//! Files that go along with a prompt.

use std::io::{IsTerminal, Read, stdin};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use llm_providers::catalogue::Capability;
use llm_providers::chat::{Content, Media, MediaKind, MediaSource};
use llm_providers::{Client, Part};

use crate::failure::Failure;

/// The place that is standard input.
pub(crate) const STANDARD_INPUT: &str = "-";

/// The parts that the attachments become, in their order.
pub(crate) fn read_all(places: &[String]) -> Result<Vec<Part>, Failure> {
    if places.iter().filter(|place| *place == STANDARD_INPUT).count() > 1 {
        return Err(Failure::usage("standard input can be attached once only"));
    }
    places.iter().map(|place| read(place)).collect()
}

/// The part that a file, or the URL of an image, becomes. URLs are left to the provider to fetch.
fn read(place: &str) -> Result<Part, Failure> {
    if place.starts_with("https://") || place.starts_with("http://") {
        return Ok(Part::image_url(place));
    }
    let (bytes, name) = match place {
        STANDARD_INPUT => (from_stdin()?, "standard input".to_owned()),
        place => {
            let bytes = std::fs::read(place);
            (bytes.map_err(|error| Failure::usage(format!("can't read `{place}`: {error}")))?, format!("`{place}`"))
        }
    };
    let Some((kind, media_type)) = kind_of(&bytes) else {
        let what = if bytes.is_empty() { "empty" } else { "not an image, a PDF or a sound that is known here" };
        let instead = match place {
            STANDARD_INPUT => "… | llm \"…\"".to_owned(),
            place => format!("llm \"…\" < {place}"),
        };
        return Err(Failure::usage(format!("{name} is {what}"))
            .with_hint(format!("text goes through standard input, without `-a`: `{instead}`")));
    };
    let data = STANDARD.encode(&bytes);
    let mut media = Media::new(kind, MediaSource::Base64 { media_type: media_type.to_owned(), data });
    if media_type == "application/pdf" && place != STANDARD_INPUT {
        media.name = std::path::Path::new(place).file_name().map(|name| name.to_string_lossy().into_owned());
    }
    Ok(media.into())
}

fn from_stdin() -> Result<Vec<u8>, Failure> {
    if stdin().is_terminal() {
        return Err(Failure::usage("standard input is a terminal, and nothing is piped into it")
            .with_hint("for example `llm -a - \"what is this?\" < photo.png`"));
    }
    let mut bytes = Vec::new();
    stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Fails where the model is known not to take one of `parts`. Of a model that is not known, nothing is said.
pub(crate) fn check(client: &Client, model: &str, parts: &[Part]) -> Result<(), Failure> {
    let needed = parts.iter().filter_map(|part| match &part.content {
        Content::Media(media) => needs(&media.kind),
        _ => None,
    });
    let needed: Vec<_> = needed.collect();
    if needed.is_empty() {
        return Ok(());
    }
    // What is wrong with the model's name is for the call to say.
    let Ok(Some(can)) = client.capabilities(model) else { return Ok(()) };
    match needed.into_iter().find(|(capability, _)| !can.has(*capability)) {
        Some((capability, what)) => Err(Failure::usage(format!("`{model}` takes no {what}"))
            .with_hint(format!("`llm models {}` lists the models that do", capability.as_str()))),
        None => Ok(()),
    }
}

/// What a model must be able to do to be sent a medium, and what people call it.
fn needs(kind: &MediaKind) -> Option<(Capability, &'static str)> {
    Some(match kind {
        MediaKind::Image => (Capability::Vision, "images"),
        MediaKind::Document => (Capability::Pdf, "PDF"),
        MediaKind::Audio => (Capability::Audio, "sound"),
        _ => return None,
    })
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
