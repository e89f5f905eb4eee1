//! `llm providers`: which providers are configured, which variable is missing, and what they can be asked for.

use llm_providers::registry::{self, ProviderRow};
use llm_providers::{OperationKind, environment};
use serde_json::{Value, json};

use crate::args::ProvidersArgs;
use crate::failure::Failure;
use crate::{output, table};

pub(crate) fn run(args: &ProvidersArgs) -> Result<(), Failure> {
    if args.json {
        let list: Vec<_> = registry::rows().iter().map(|(id, row)| as_json(id, row)).collect();
        return Ok(output::write_json(&Value::Array(list))?);
    }
    let mut rows = vec![["provider", "state", "name", "operations"].map(str::to_owned)];
    let cells =
        |(id, row): (&String, &ProviderRow)| [id.clone(), state(row), row.name.clone(), operations(row).join(",")];
    rows.extend(registry::rows().iter().map(cells));
    Ok(table::write(&rows)?)
}

fn state(row: &ProviderRow) -> String {
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

/// What it can be asked for.
fn operations(row: &ProviderRow) -> Vec<&'static str> {
    OperationKind::ALL.iter().filter(|kind| row.offers(**kind)).map(|kind| kind.as_str()).collect()
}

fn set(variables: &[String]) -> Option<&str> {
    variables.iter().map(String::as_str).find(|name| environment::variable(name).is_some())
}

fn as_json(id: &str, row: &ProviderRow) -> Value {
    json!({
        "id": id,
        "name": row.name,
        "protocol": row.protocol,
        "operations": operations(row),
        "configured": environment::configured(row).is_some(),
        "missing": environment::missing(row),
        "default_model": row.default_model,
    })
}
