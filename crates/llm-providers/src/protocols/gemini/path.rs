//! Paths: the model and what is asked of it stand there, not in the body.

use llm_core::codec::{RequestHead, Target};
use llm_core::{Error, ErrorKind, Result};

use crate::protocols::path::decoded;

/// The form of a stream that comes as one JSON array.
pub(super) const ARRAY: &str = "json-array";
/// The API version of generativelanguage, where none is said. It takes all that `v1` takes, and more.
const GENERATIVE_LANGUAGE: &str = "v1beta";

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

/// The path of a request to `target`. In Vertex it begins below project and location, which are the row's to say.
pub(super) fn of(target: &Target<'_>) -> Result<String> {
    to(target, if target.stream { "streamGenerateContent" } else { "generateContent" })
}

/// The path of the list of models.
pub(super) fn list(target: &Target<'_>) -> String {
    if is_vertex(target) {
        return "/publishers/google/models".to_owned();
    }
    format!("{}/models", version(target))
}

/// The version with which the paths of generativelanguage begin.
pub(super) fn version(target: &Target<'_>) -> String {
    format!("/{}", target.version.filter(|version| !version.is_empty()).unwrap_or(GENERATIVE_LANGUAGE))
}

/// The path of a method of the target's model.
pub(super) fn to(target: &Target<'_>, method: &str) -> Result<String> {
    let model = target.model.strip_prefix("models/").unwrap_or(target.model);
    // Dots would lead to another place at the host.
    let is_name = |model: &str| model.split('/').all(|step| !matches!(step, "" | "." | ".."));
    let place = if is_vertex(target) { of_vertex(target, model) } else { Some(of_generative_language(target, model)) };
    match place.filter(|_| is_name(model)) {
        Some(place) => Ok(format!("{place}:{method}")),
        None => {
            let message = format!("`{}` can't be the name of a model", target.model);
            Err(Error::new(ErrorKind::ModelNotFound, message).with_param("model"))
        }
    }
}

/// The full name of a model, as some bodies repeat it.
pub(super) fn full_name(model: &str) -> String {
    let has_collection = ["models/", "tunedModels/"].iter().any(|collection| model.starts_with(collection));
    if has_collection { model.to_owned() } else { format!("models/{model}") }
}

/// Whether a body that repeats the model, as the JSON text `said`, says the one that the path says.
pub(super) fn repeats(said: &[u8], model: &str) -> bool {
    serde_json::from_slice::<String>(said).is_ok_and(|said| full_name(&said) == full_name(model))
}

fn of_generative_language(target: &Target<'_>, model: &str) -> String {
    let version = version(target);
    // Tuned models have a collection of their own.
    let collection = if model.starts_with("tunedModels/") { "" } else { "models/" };
    format!("{version}/{collection}{}", encoded(model))
}

/// None for a model that is said to be in another project or location.
fn of_vertex(target: &Target<'_>, model: &str) -> Option<String> {
    let own = |name: &str| target.variables.get(name).map_or("", String::as_str);
    let model = match model.strip_prefix("projects/") {
        Some(rest) => {
            let place = format!("{}/locations/{}/", own("project"), own("location"));
            rest.strip_prefix(place.as_str())?
        }
        None => model,
    };
    Some(match model.split_once('/') {
        Some(("publishers" | "endpoints", _)) => format!("/{}", encoded(model)),
        // `meta/llama-…`: the publisher, and its model.
        Some((publisher, model)) => format!("/publishers/{}/models/{}", encoded(publisher), encoded(model)),
        None => format!("/publishers/google/models/{}", encoded(model)),
    })
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
    let model = decoded(model);
    if model.is_empty() { Err(wrong()) } else { Ok((model, method)) }
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

    fn path(model: &str, variables: &[(&str, &str)], stream: bool) -> Option<String> {
        let variables: BTreeMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let quirks = Quirks::default();
        let target = Target {
            provider: "p",
            model,
            version: None,
            quirks: &quirks,
            variables: &variables,
            stream,
            max_output: None,
            id_seed: "seed",
        };
        of(&target).ok()
    }

    #[test]
    fn models_stand_where_each_host_has_them() {
        let vertex = [("project", "p-1"), ("location", "us-central1")];
        for (model, variables, want) in [
            ("gemini-2.5-flash", &[][..], "/v1beta/models/gemini-2.5-flash:generateContent"),
            ("models/a b", &[], "/v1beta/models/a%20b:generateContent"),
            ("tunedModels/mine", &[], "/v1beta/tunedModels/mine:generateContent"),
            ("gemini-2.5-flash", &vertex, "/publishers/google/models/gemini-2.5-flash:generateContent"),
            ("meta/llama-4", &vertex, "/publishers/meta/models/llama-4:generateContent"),
            ("endpoints/12", &vertex, "/endpoints/12:generateContent"),
            ("projects/p-1/locations/us-central1/endpoints/1", &vertex, "/endpoints/1:generateContent"),
        ] {
            assert_eq!(path(model, variables, false).as_deref(), Some(want));
        }
        assert_eq!(path("m", &[], true).as_deref(), Some("/v1beta/models/m:streamGenerateContent"));
    }

    #[test]
    fn no_name_leads_to_another_place() {
        for model in ["../files/x", "a/../../b", "", "a//b", "."] {
            assert_eq!(path(model, &[], false), None, "{model}");
        }
        let vertex = [("project", "p-1"), ("location", "us-central1")];
        assert_eq!(path("projects/other/locations/us-central1/endpoints/1", &vertex, false), None);
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
