//! `llm providers`: which providers are configured, and which variable is missing.

use llm_providers::registry::{self, ProviderRow};
use llm_providers::{environment, protocols};
use serde_json::{Value, json};

use crate::args::ProvidersArgs;
use crate::failure::Failure;
use crate::{output, table};

pub(crate) fn run(args: &ProvidersArgs) -> Result<(), Failure> {
    if args.json {
        let list: Vec<_> = registry::rows().iter().map(|(id, row)| as_json(id, row)).collect();
        return Ok(output::write_json(&Value::Array(list))?);
    }
    let mut rows = vec![["provider", "state", "name"].map(str::to_owned)];
    rows.extend(registry::rows().iter().map(|(id, row)| [id.clone(), state(row), row.name.clone()]));
    Ok(table::write(&rows)?)
}

fn state(row: &ProviderRow) -> String {
    if protocols::chat(row.protocol).is_none() {
        return "not built yet".to_owned();
    }
    let missing = environment::missing(row);
    if !missing.is_empty() {
        let sets: Vec<_> = missing.iter().map(|names| names.join(" or ")).collect();
        return format!("set {}", sets.join(" and "));
    }
    match set(&row.key_env) {
        Some(variable) => format!("ready, by {variable}"),
        None if row.key_optional || row.key_env.is_empty() => "ready, needs no key".to_owned(),
        None => "ready, by the cloud's own credentials".to_owned(),
    }
}

fn set(variables: &[String]) -> Option<&str> {
    variables.iter().map(String::as_str).find(|name| environment::variable(name).is_some())
}

fn as_json(id: &str, row: &ProviderRow) -> Value {
    json!({
        "id": id,
        "name": row.name,
        "protocol": row.protocol,
        "built": protocols::chat(row.protocol).is_some(),
        "configured": environment::configured(row).is_some(),
        "missing": environment::missing(row),
        "default_model": row.default_model,
    })
}
