//! `docs/configuration.md`, made from the types that read the configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use llm_gateway::config::{env, schema};
use serde_json::Value;

const HEAD: &str = "\
<!-- Made by `cargo xtask configuration --write` from the types that read the configuration; don't edit. -->
# Configuration

Every key of the file and every environment variable.
[The gateway](gateway.md) shows how they are used, [login](login.md), [replicas](replicas.md) and [administration](administration.md) more of them.

The file is TOML: that of `--config` or `LLM_GATEWAY_CONFIG`, else `llm-gateway.toml` in the working folder, if it is there.
Without one everything is as the defaults below say.
A flag wins over the environment, and that over the file.
`llm-gateway check` says everything that is wrong with a file, with its line; `llm-gateway check --schema` prints this page as a JSON Schema, for editors.

In every text `${NAME}` stands for an environment variable, which must be set, and `${NAME:-default}` for one that may be unset or empty; `$$` is a dollar sign.
What a variable holds is not looked into.
The commands that work on the database alone need no variable but those in `database`, `[journal]` and `[limits]`.

## Environment variables

Those of providers stand in [providers](providers.md).

| variable | what it says |
| --- | --- |
";

/// The page, to stand in `docs/configuration.md`.
pub fn page() -> String {
    let schema = schema();
    let mut page = String::from(HEAD);
    for (name, what) in env::ALL {
        let _ = writeln!(page, "| `{name}` | {} |", one_line(what));
    }
    let mut tables = Tables { schema: &schema, page, described: BTreeMap::new() };
    tables.table("Keys outside of tables", "", &schema);
    tables.page
}

/// The page so far.
struct Tables<'a> {
    schema: &'a Value,
    page: String,
    /// The heading under which each named type is described.
    described: BTreeMap<&'a str, String>,
}

impl<'a> Tables<'a> {
    /// Describes a table, and then the tables in it. `path`: where it stands, dotted.
    fn table(&mut self, heading: &str, path: &str, table: &'a Value) {
        let _ = write!(self.page, "\n## {heading}\n\n");
        if !path.is_empty()
            && let Some(what) = table["description"].as_str()
        {
            // The heading has said its name already.
            let is_name = |sentence: &&str| {
                sentence.starts_with("`[") && sentence.trim_end().ends_with("`.") && sentence.matches('`').count() == 2
            };
            let what = one_line(what);
            let sentences: Vec<&str> = what.split_inclusive(". ").filter(|sentence| !is_name(sentence)).collect();
            for sentence in &sentences {
                let _ = writeln!(self.page, "{}", sentence.trim_end());
            }
            self.page.push_str(if sentences.is_empty() { "" } else { "\n" });
        }
        self.page.push_str("| key | type | default | what it does |\n| --- | --- | --- | --- |\n");
        let mut further = Vec::new();
        for (key, value) in table["properties"].as_object().into_iter().flatten() {
            let within = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let kind = match self.table_in(value) {
                Some((form, table, name)) => {
                    let heading = form.heading(&within);
                    let known = name.and_then(|name| self.described.get(name)).cloned();
                    if known.is_none() {
                        if let Some(name) = name {
                            self.described.insert(name, heading.clone());
                        }
                        further.push((heading.clone(), form.path(&within), table));
                    }
                    let heading = known.unwrap_or(heading);
                    format!("{} [{heading}](#{})", form.word(), anchor(&heading))
                }
                None => self.kind(value),
            };
            let default = match value.get("default") {
                None | Some(Value::Null) if is_required(table, key) => "required".to_owned(),
                None | Some(Value::Null | Value::Object(_)) => "-".to_owned(),
                Some(Value::Array(items)) if items.is_empty() => "-".to_owned(),
                Some(default) => format!("`{}`", toml(default)),
            };
            let what = self.what(value);
            let _ = writeln!(self.page, "| `{key}` | {} | {default} | {} |", cell(&kind), cell(&what));
        }
        for (heading, path, table) in further {
            self.table(&heading, &path, table);
        }
    }

    /// What stands behind references, and the name of the type; without the arm that says that it may be left out.
    fn resolved(&self, value: &'a Value) -> (&'a Value, Option<&'a str>) {
        let is_null = |arm: &&Value| arm["type"] == "null";
        if let Some(arms) = value["anyOf"].as_array()
            && arms.iter().any(|arm| is_null(&arm))
            && let Some(arm) = arms.iter().find(|arm| !is_null(arm))
        {
            return self.resolved(arm);
        }
        match value["$ref"].as_str().and_then(|at| at.strip_prefix("#/$defs/")) {
            Some(name) => (&self.schema["$defs"][name], Some(name)),
            None => (value, None),
        }
    }

    /// The table that a value is, or holds many of.
    fn table_in(&self, value: &'a Value) -> Option<(Form, &'a Value, Option<&'a str>)> {
        let (value, name) = self.resolved(value);
        let one = |form| {
            let (inner, name) = match form {
                Form::One => (value, name),
                Form::List => self.resolved(&value["items"]),
                Form::Named => self.resolved(&value["additionalProperties"]),
            };
            inner["properties"].is_object().then_some((form, inner, name))
        };
        one(Form::One).or_else(|| one(Form::List)).or_else(|| one(Form::Named))
    }

    /// The type of a value that is no table, in words.
    fn kind(&self, value: &'a Value) -> String {
        let (value, _) = self.resolved(value);
        if let Some(arms) = value["anyOf"].as_array().or_else(|| value["oneOf"].as_array()) {
            return arms.iter().map(|arm| self.kind(arm)).collect::<Vec<_>>().join(", ");
        }
        if let Some(names) = value["enum"].as_array() {
            return names.iter().map(|name| format!("`{}`", toml(name))).collect::<Vec<_>>().join(", ");
        }
        if let Some(name) = value.get("const") {
            return format!("`{}`", toml(name));
        }
        let types: Vec<&str> = match &value["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        let example = value["examples"][0].as_str().map(|example| format!(" such as `\"{example}\"`"));
        let words = types.iter().filter(|kind| **kind != "null").map(|kind| match *kind {
            "string" => format!("text{}", example.as_deref().unwrap_or_default()),
            "integer" => "whole number".to_owned(),
            "boolean" => "`true` or `false`".to_owned(),
            "array" => format!("list of {}", self.kind(&value["items"])),
            "object" => match value["properties"].as_object().into_iter().flatten().next() {
                Some((key, _)) => format!("`{{ {key} = … }}`"),
                None => format!("table of {}", self.kind(&value["additionalProperties"])),
            },
            other => other.to_owned(),
        });
        words.collect::<Vec<_>>().join(" or ")
    }

    /// What a key does, and what each of its values does where they have words of their own.
    fn what(&self, value: &'a Value) -> String {
        let mut what = one_line(value["description"].as_str().unwrap_or_default());
        let (inner, _) = self.resolved(value);
        if what.is_empty() {
            what = one_line(inner["description"].as_str().unwrap_or_default());
        }
        for arm in inner["oneOf"].as_array().into_iter().flatten() {
            let Some(said) = arm["description"].as_str() else { continue };
            let _ = write!(what, " {}: {}", self.kind(arm), one_line(said));
        }
        what
    }
}

/// How tables stand under a key.
#[derive(Clone, Copy)]
enum Form {
    One,
    List,
    /// By names that are chosen freely.
    Named,
}

impl Form {
    fn word(self) -> &'static str {
        match self {
            Self::One => "table",
            Self::List => "tables",
            Self::Named => "tables by name,",
        }
    }

    fn path(self, path: &str) -> String {
        match self {
            Self::One | Self::List => path.to_owned(),
            Self::Named => format!("{path}.NAME"),
        }
    }

    fn heading(self, path: &str) -> String {
        match self {
            Self::List => format!("`[[{path}]]`"),
            Self::One | Self::Named => format!("`[{}]`", self.path(path)),
        }
    }
}

fn is_required(table: &Value, key: &str) -> bool {
    table["required"].as_array().is_some_and(|required| required.iter().any(|one| one == key))
}

/// The anchor that a heading is given.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|char| char.is_alphanumeric() || "-_ ".contains(*char));
    kept.map(|char| if char == ' ' { '-' } else { char.to_ascii_lowercase() }).collect()
}

/// A value as a file would say it.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text that ends no cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
