//! Reads the data of the PyPI package `genai-prices`, by way of `genai.py`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::decimal::Decimal;
use super::facts::{Facts, Key, Prices};
use super::places;

const SCRIPT: &str = include_str!("genai.py");

/// The package, downloaded or given.
pub(crate) struct Wheel {
    path: PathBuf,
    /// The folder that was made for a download, to be removed.
    folder: Option<PathBuf>,
}

impl Drop for Wheel {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl Wheel {
    pub(crate) fn get(given: Option<&Path>) -> Result<Self> {
        if let Some(path) = given {
            ensure!(path.is_file(), "there is no wheel at `{}`", path.display());
            return Ok(Self { path: path.to_owned(), folder: None });
        }
        let folder = std::env::temp_dir().join(format!("xtask-catalogue-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let status = Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"])
            .arg(&folder)
            .arg("genai-prices")
            .status()
            .context(
                "`python3` can't be run\nhint: install Python 3, or give a wheel of `genai-prices` by `--genai`",
            )?;
        ensure!(status.success(), "pip can't download `genai-prices`\nhint: give a wheel of it by `--genai WHEEL`");
        let mut files = std::fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path()));
        let wheel = files.find(|path| path.extension().is_some_and(|kind| kind == "whl"));
        let path = wheel.context("pip downloaded no wheel")?;
        Ok(Self { path, folder: Some(folder) })
    }

    /// The version, as the file's name says it: `genai_prices-0.2.3-py3-none-any.whl`.
    pub(crate) fn version(&self) -> &str {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.split('-').nth(1).unwrap_or("unknown")
    }
}

/// What the package knows of a model.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) facts: Facts,
    /// Other names of the same model that the package gives in full.
    pub(crate) names: Vec<String>,
    /// Whether the price depends on the time of day.
    pub(crate) peak: bool,
}

/// How one of LiteLLM's models is known to the package.
#[derive(Debug)]
pub(crate) struct Match {
    /// The package's model.
    pub(crate) key: Key,
    /// Whether the package names it in full, and not just by how it begins.
    pub(crate) exact: bool,
}

/// The package's models by our keys, and which of them each of the other source's models is.
#[derive(Debug, Default)]
pub(crate) struct Genai {
    pub(crate) models: BTreeMap<Key, Known>,
    pub(crate) matches: BTreeMap<Key, Match>,
}

pub(crate) fn read<'a>(wheel: &Wheel, as_of: &str, asked: impl Iterator<Item = &'a Key>) -> Result<Genai> {
    let mut by_provider: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in asked {
        let (provider, model) = key.split_once(':').context("a key without a colon")?;
        by_provider.entry(places::genai_of(provider)).or_default().push(model);
    }
    let output = run_script(&wheel.path, as_of, &json!(by_provider).to_string())?;
    let data: BTreeMap<String, Value> = serde_json::from_slice(&output).context("the script's output is no JSON")?;

    let mut genai = Genai::default();
    for (provider, data) in &data {
        let Some((ours, suffix)) = places::of_genai(provider) else { continue };
        let mut names_of: BTreeMap<&str, Key> = BTreeMap::new();
        for model in data["models"].as_array().into_iter().flatten() {
            let id = model["id"].as_str().context("a model without an id")?;
            let known = known(model).with_context(|| format!("in the package's model `{provider}` `{id}`"))?;
            let listed = model["listed"].as_bool() == Some(true);
            let name = if listed { Some(id) } else { known.names.first().map(String::as_str) };
            // Models that are only known by how they begin have no name that a caller could use; they serve to compare.
            let key = format!("{ours}:{}{suffix}", name.unwrap_or(id));
            names_of.insert(id, key.clone());
            genai.models.insert(key, known);
        }
        for (name, found) in data["matches"].as_object().into_iter().flatten() {
            let id = found["id"].as_str().context("a match without an id")?;
            let key = names_of.get(id).context("a match with an unknown model")?.clone();
            let exact = found["exact"].as_bool() == Some(true);
            genai.matches.insert(format!("{ours}:{name}"), Match { key, exact });
        }
    }
    Ok(genai)
}

fn run_script(wheel: &Path, as_of: &str, input: &str) -> Result<Vec<u8>> {
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(wheel)
        .arg(as_of)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("`python3` can't be run")?;
    python.stdin.take().context("no standard input")?.write_all(input.as_bytes())?;
    let output = python.wait_with_output()?;
    if !output.status.success() {
        bail!("the data of `genai-prices` can't be read (see above)");
    }
    Ok(output.stdout)
}

fn known(model: &Value) -> Result<Known> {
    let mut prices = Prices::new();
    add_prices(&mut prices, "", &model["prices"])?;
    for (service, variant) in model["variants"].as_object().into_iter().flatten() {
        add_prices(&mut prices, service, variant)?;
    }
    let names = model["names"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Ok(Known {
        facts: Facts { window: model["window"].as_u64(), prices, ..Facts::default() },
        names: names.filter(|name| !name.contains(char::is_whitespace)).map(str::to_owned).collect(),
        peak: model["peak"].as_bool() == Some(true),
    })
}

/// The package's names for prices, our meters, and the number of units that a price is for.
const UNITS: &[(&str, &str, i128)] = &[
    ("input_mtok", "input", 1_000_000),
    ("output_mtok", "output", 1_000_000),
    ("cache_read_mtok", "cache_read", 1_000_000),
    ("cache_write_mtok", "cache_write", 1_000_000),
    ("cache_write_5m_mtok", "cache_write", 1_000_000),
    ("cache_write_1h_mtok", "cache_write_1h", 1_000_000),
    ("output_reasoning_mtok", "reasoning", 1_000_000),
    ("input_audio_mtok", "input_audio", 1_000_000),
    ("cache_audio_read_mtok", "cache_read_audio", 1_000_000),
    ("input_image_mtok", "input_image", 1_000_000),
    ("output_audio_mtok", "output_audio", 1_000_000),
    ("output_image_mtok", "output_image", 1_000_000),
    ("requests_kcount", "request", 1_000),
    ("web_searches_kcount", "query", 1_000),
    ("audio_hours", "second", 3_600),
    ("input_audio_hours", "second", 3_600),
    ("input_mchars", "character", 1_000_000),
    ("input_document_kpages", "page", 1_000),
];

fn add_prices(prices: &mut Prices, service: &str, table: &Value) -> Result<()> {
    for (name, steps) in table.as_object().into_iter().flatten() {
        let Some((_, meter, units)) = UNITS.iter().find(|(unit, ..)| unit == name) else { continue };
        let place = prices.entry((*meter, service.to_owned())).or_default();
        for step in steps.as_array().into_iter().flatten() {
            let above = step[0].as_u64().context("a step without a start")?;
            let amount = Decimal::parse(step[1].as_str().context("a step without an amount")?)?;
            let nano = amount.scaled(15, *units).with_context(|| format!("`{name}` is out of range"))?;
            place.insert(above, nano);
        }
    }
    Ok(())
}

impl Genai {
    /// The names that more than one model of the package claims; they are nobody's.
    pub(crate) fn ambiguous(&self) -> BTreeSet<Key> {
        let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
        for (key, known) in &self.models {
            let provider = key.split_once(':').map_or("", |(provider, _)| provider);
            for name in known.names.iter().collect::<BTreeSet<_>>() {
                let name = format!("{provider}:{name}");
                if !seen.insert(name.clone()) {
                    twice.insert(name);
                }
            }
        }
        twice
    }
}
