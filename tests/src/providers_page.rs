//! `docs/providers.md`, made from the provider table.

use std::fmt::Write as _;

use llm_core::OperationKind;
use llm_providers::registry::{self, Auth, ProviderRow};

/// The page, to stand in `docs/providers.md`.
pub fn page() -> String {
    let rows = registry::rows();
    let mut page = String::from(
        "<!-- Made by `cargo xtask providers --write` from the provider table; don't edit. -->\n\
         # Providers\n\n",
    );
    let _ = writeln!(page, "{} providers are known without configuration.", rows.len());
    page.push_str(
        "A model is named as `id:model`; other names of a provider do as well.\n\
         A provider is used when one of the variables that hold its key is set, and whatever its base URL needs.\n\
         A configuration adds providers of the same form, and changes what is said here: see [the gateway](gateway.md).\n\n\
         | id | name | key | base URL | protocols |\n| --- | --- | --- | --- | --- |\n",
    );
    for (id, row) in rows {
        let _ = writeln!(page, "| [`{id}`](#{id}) | {} | {} | {} | {} |", row.name, key(row), place(row), spoken(row));
    }
    for (id, row) in rows {
        section(id, row, &mut page);
    }
    page
}

fn section(id: &str, row: &ProviderRow, page: &mut String) {
    let _ = write!(page, "\n## {id}\n\n");
    let name = match &row.docs {
        Some(docs) => format!("[{}]({docs})", row.name),
        None => row.name.clone(),
    };
    let mut line = |what: &str, said: String| {
        if !said.is_empty() {
            let _ = writeln!(page, "- {what}: {said}");
        }
    };
    line("Name", name);
    line("Other ids", list(&row.aliases));
    line("Key", proof(row));
    let others = row.auth_by_env.iter().map(|(name, auth)| match auth {
        Auth::Header(header) => format!("that of `{name}` in the header `{header}`"),
        auth => format!("that of `{name}` by {auth:?}"),
    });
    line("Shown otherwise", others.collect::<Vec<_>>().join(", "));
    line("Base URL", place(row));
    line("Another base URL by", list(&row.base_url_env));
    let variables = row.variables_env.iter().map(|(name, variables)| {
        let unless = row.variables.get(name).map(|value| format!(", `{value}` unless set")).unwrap_or_default();
        format!("`{name}` by {}{unless}", list(variables))
    });
    line("Variables", variables.collect::<Vec<_>>().join("; "));
    line("Protocols", spoken(row));
    line("Operations", operations(row));
    line("Default model", row.default_model.iter().map(|model| format!("`{model}`")).collect());
    line("Paths of its own", pairs(row.paths.iter().chain(&row.stream_paths)));
    line("Query", pairs(row.query.iter()));
    line("Headers", pairs(row.headers.iter()));
    line("Headers of callers that pass", list(&row.forward_headers));
    line("Members that name other models", list(&row.other_models));
    line("Differences", quirks(row));
}

/// How it is proven who calls, in short.
fn key(row: &ProviderRow) -> String {
    let names: Vec<String> = row.key_env.iter().chain(&row.token_env).cloned().collect();
    match (names.is_empty(), row.key_optional) {
        (true, _) => "none".to_owned(),
        (false, true) => format!("{}, if any", list(&names)),
        (false, false) => list(&names),
    }
}

/// The same, with the way in which it is shown.
fn proof(row: &ProviderRow) -> String {
    let way = match &row.auth {
        Auth::Bearer => "as a bearer token".to_owned(),
        Auth::Scheme(scheme) => format!("as `Authorization: {scheme} KEY`"),
        Auth::Header(name) => format!("in the header `{name}`"),
        Auth::Aws(service) => format!("as a bearer token, else by AWS's own credentials for `{service}`"),
        Auth::Azure(name) => format!("in the header `{name}`, else by a token of Microsoft Entra ID"),
        Auth::Google => "by Google's application default credentials".to_owned(),
        Auth::Ibm => "exchanged for a token of IBM Cloud's IAM".to_owned(),
        Auth::None => return "none".to_owned(),
    };
    match row.key_env.is_empty() {
        true if row.auth == Auth::Bearer => "none".to_owned(),
        true => way,
        false => format!("{}, {way}", key(row)),
    }
}

fn place(row: &ProviderRow) -> String {
    match &row.base_url {
        Some(url) => format!("`{url}`"),
        None => format!("by {}", list(&row.base_url_env)),
    }
}

fn spoken(row: &ProviderRow) -> String {
    let further = row.also.iter().map(|(protocol, dialect)| match &dialect.base_url {
        Some(place) => format!("`{protocol}` at `{place}`"),
        None => format!("`{protocol}`"),
    });
    std::iter::once(format!("`{}`", row.protocol)).chain(further).collect::<Vec<_>>().join(", ")
}

/// What may be asked of it.
pub fn operations(row: &ProviderRow) -> String {
    let offered = OperationKind::ALL.iter().filter(|kind| row.offers(**kind));
    offered.map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
}

fn quirks(row: &ProviderRow) -> String {
    let quirks = &row.quirks;
    let mut said = Vec::new();
    let renamed = quirks.rename.iter().map(|(ours, theirs)| format!("`{ours}` is `{theirs}`"));
    said.extend(renamed);
    said.extend(quirks.reasoning_field.iter().map(|name| format!("thoughts in `{name}`")));
    let switches = [
        (quirks.think_tags, "thoughts between `<think>` tags"),
        (quirks.thinking_object, "a switch `thinking`"),
        (quirks.thinking_budget, "a budget of thoughts in `thinking`"),
        (quirks.reasoning_object, "an object `reasoning`"),
        (quirks.replay_reasoning, "thoughts are sent back"),
        (quirks.reasoning_details, "thoughts are sent back in `reasoning_details`"),
        (quirks.logprobs_number, "`logprobs` is a number"),
        (quirks.no_stream_options, "no `stream_options`"),
        (quirks.no_done, "streams may end without `[DONE]`"),
        (quirks.tool_choice_option, "words of `tool_choice` in `tool_choice_option`"),
    ];
    said.extend(switches.iter().filter(|(is_set, _)| *is_set).map(|(_, what)| (*what).to_owned()));
    said.extend(quirks.members.iter().map(|(name, value)| format!("every body has `{name}`: `{value}`")));
    if !quirks.refuse.is_empty() {
        let refused: Vec<String> = quirks.refuse.iter().cloned().collect();
        said.push(format!("refused by name: {}", list(&refused)));
    }
    said.join("; ")
}

fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    pairs.map(|(name, value)| format!("`{name}`: `{value}`")).collect::<Vec<_>>().join(", ")
}
