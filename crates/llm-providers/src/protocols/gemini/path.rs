//! Paths: the model and what is asked of it stand there, not in the body.

use llm_core::codec::{RequestHead, Target};
use llm_core::{Error, ErrorKind, Result};

/// The form of a stream that comes as one JSON array.
pub(super) const ARRAY: &str = "json-array";
/// The API version of generativelanguage, where none is said. It takes all that `v1` takes, and more.
const GENERATIVE_LANGUAGE: &str = "v1beta";
/// The API version of Vertex, where none is said.
const VERTEX: &str = "v1beta1";

/// What a caller asks of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// One whole answer.
    Generate,
    /// A stream of them.
    Stream,
}

/// Whether the target is Google's cloud, where models stand below a project.
pub(super) fn is_vertex(target: &Target<'_>) -> bool {
    target.variables.contains_key("project")
}

/// The path of a request to `target`.
pub(super) fn of(target: &Target<'_>) -> String {
    let method = if target.stream { "streamGenerateContent" } else { "generateContent" };
    below(target, method)
}

/// The path of any method of the target's model.
pub(super) fn below(target: &Target<'_>, method: &str) -> String {
    let version = target.version.filter(|version| !version.is_empty());
    let Some(project) = target.variables.get("project") else {
        let model = target.model.strip_prefix("models/").unwrap_or(target.model);
        // Tuned models have a collection of their own.
        let collection = if model.starts_with("tunedModels/") { "" } else { "models/" };
        let version = version.unwrap_or(GENERATIVE_LANGUAGE);
        return format!("/{version}/{collection}{}:{method}", encoded(model));
    };
    let location = target.variables.get("location").map_or("global", String::as_str);
    let version = version.unwrap_or(VERTEX);
    let model = target.model;
    if model.starts_with("projects/") {
        return format!("/{version}/{}:{method}", encoded(model));
    }
    let place = format!("/{version}/projects/{}/locations/{}", encoded(project), encoded(location));
    match model.split_once('/') {
        Some(("publishers" | "endpoints", _)) => format!("{place}/{}:{method}", encoded(model)),
        // `meta/llama-…`: the publisher, and its model.
        Some((publisher, model)) if !model.contains('/') && publisher != "models" => {
            format!("{place}/publishers/{}/models/{}:{method}", encoded(publisher), encoded(model))
        }
        _ => {
            let model = model.strip_prefix("models/").unwrap_or(model);
            format!("{place}/publishers/google/models/{}:{method}", encoded(model))
        }
    }
}

/// A text as a part of a path. Slashes stay: a model's name may be a path of its own.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The model and the method in a caller's path, `…/models/MODEL:METHOD`.
pub(super) fn read(head: &RequestHead) -> Result<(String, Method)> {
    let (model, method) = split(&head.path)?;
    match method {
        "generateContent" => Ok((model, Method::Generate)),
        "streamGenerateContent" => Ok((model, Method::Stream)),
        other => {
            let message = format!("`{other}` of a model is not served here");
            Err(Error::new(ErrorKind::NotImplemented, message))
        }
    }
}

/// The model in a caller's path, and the name of the method.
pub fn split(path: &str) -> Result<(String, &str)> {
    let wrong = || Error::new(ErrorKind::NotFound, "the path must end in `/models/MODEL:METHOD`");
    // `tunedModels/NAME` is a model's full name, and so is whatever follows `models/` otherwise.
    let start = match (path.find("/models/"), path.find("/tunedModels/")) {
        (Some(at), _) => at + "/models/".len(),
        (None, Some(at)) => at + 1,
        (None, None) => return Err(wrong()),
    };
    let rest = path.get(start..).unwrap_or_default();
    let (model, method) = rest.rsplit_once(':').or_else(|| rest.rsplit_once("%3A")).ok_or_else(wrong)?;
    let model = decoded(model).filter(|model| !model.is_empty()).ok_or_else(wrong)?;
    Ok((model, method))
}

/// A text without percent-encoding; none where that leaves no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = (first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Whether a caller wants a stream as server-sent events; else it is one JSON array.
pub(super) fn wants_events(query: Option<&str>) -> bool {
    query.unwrap_or_default().split('&').any(|pair| matches!(pair, "alt=sse" | "$alt=sse" | "%24alt=sse"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use llm_core::codec::{Quirks, RequestHead, Target};

    use super::{Method, of, read, wants_events};

    fn path(model: &str, variables: &[(&str, &str)], stream: bool) -> String {
        let variables: BTreeMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let quirks = Quirks::default();
        of(&Target {
            provider: "p",
            model,
            version: None,
            quirks: &quirks,
            variables: &variables,
            stream,
            max_output: None,
            id_seed: "seed",
        })
    }

    #[test]
    fn models_stand_where_each_host_has_them() {
        let vertex = [("project", "p-1"), ("location", "us-central1")];
        for (model, variables, want) in [
            ("gemini-2.5-flash", &[][..], "/v1beta/models/gemini-2.5-flash:generateContent"),
            ("models/a b", &[], "/v1beta/models/a%20b:generateContent"),
            ("tunedModels/mine", &[], "/v1beta/tunedModels/mine:generateContent"),
            (
                "gemini-2.5-flash",
                &vertex,
                "/v1beta1/projects/p-1/locations/us-central1/publishers/google/models/gemini-2.5-flash:generateContent",
            ),
            (
                "meta/llama-4",
                &vertex,
                "/v1beta1/projects/p-1/locations/us-central1/publishers/meta/models/llama-4:generateContent",
            ),
            ("endpoints/12", &vertex, "/v1beta1/projects/p-1/locations/us-central1/endpoints/12:generateContent"),
            (
                "projects/q/locations/l/endpoints/1",
                &vertex,
                "/v1beta1/projects/q/locations/l/endpoints/1:generateContent",
            ),
        ] {
            assert_eq!(path(model, variables, false), want);
        }
        assert!(path("m", &[], true).ends_with("models/m:streamGenerateContent"));
    }

    #[test]
    fn callers_paths_name_model_and_method() {
        let read = |path: &str| read(&RequestHead { path: path.to_owned(), ..RequestHead::default() });
        let found = |path: &str| read(path).unwrap();
        assert_eq!(found("/v1beta/models/m:generateContent"), ("m".to_owned(), Method::Generate));
        assert_eq!(
            found("/v1/models/openai:gpt-4o:streamGenerateContent"),
            ("openai:gpt-4o".to_owned(), Method::Stream)
        );
        assert_eq!(found("/v1beta/models/a%2Fb%3Ac:generateContent").0, "a/b:c");
        assert_eq!(found("/v1beta/models/openai/gpt-4o:generateContent").0, "openai/gpt-4o");
        assert_eq!(found("/v1beta/tunedModels/mine:generateContent").0, "tunedModels/mine");
        for wrong in ["/v1beta/models/m", "/v1beta/models/:generateContent", "/v1beta/models/m:embedContent", "/"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_query_says_how_a_stream_comes() {
        assert!(wants_events(Some("key=x&alt=sse")));
        assert!(!wants_events(Some("alt=json")));
        assert!(!wants_events(None));
    }
}
