//! Every intent, beside what the official SDK sends for it.

use std::path::Path;

use anyhow::Result;
use llm_tests::exchange::files_below;
use llm_tests::oracle::{Expected, Intent, Speaker, Verdict, intents, judge, speaker};

use crate::page::Page;
use crate::tally::Tally;

/// Compares what stands below `folder`: `intents.json` and `expected/<provider>/<intent>.json`. Returns what was passed
/// over, with the reason.
pub(crate) fn run(folder: &Path, only: Option<&str>, tally: &mut Tally<'_>, page: &mut Page) -> Result<Vec<String>> {
    let intents = intents(&folder.join("intents.json"))?;
    println!("requests beside the official SDKs'\n");
    let mut passed_over = Vec::new();
    let mut providers: Vec<_> = std::fs::read_dir(folder.join("expected"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    providers.sort();
    for provider in providers.iter().filter(|path| path.is_dir()) {
        let name = provider.file_name().unwrap_or_default().to_string_lossy();
        match speaker(&name) {
            Err(reason) => passed_over.push(format!("oracle/{name}: {reason}")),
            Ok(speaker) => compare(&name, provider, &intents, &speaker, only, tally, page)?,
        }
    }
    println!("\nnot compared");
    passed_over.iter().for_each(|line| println!("      {line}"));
    println!();
    Ok(passed_over)
}

fn compare(
    name: &str,
    folder: &Path,
    intents: &[Intent],
    speaker: &Speaker,
    only: Option<&str>,
    tally: &mut Tally<'_>,
    page: &mut Page,
) -> Result<()> {
    let (mut equal, mut refused, mut all) = (0, 0, 0);
    let mut lines = Vec::new();
    for path in files_below(folder)? {
        if only.is_some_and(|only| !path.to_string_lossy().contains(only)) {
            continue;
        }
        let expected = Expected::read(&path)?;
        let Some(intent) = intents.iter().find(|intent| intent.id == expected.intent) else {
            tally.short(&format!("{}: there is no intent `{}`", path.display(), expected.intent));
            continue;
        };
        all += 1;
        tally.case();
        let found = match judge(&expected, intent, speaker) {
            Verdict::Equal => {
                equal += 1;
                Vec::new()
            }
            Verdict::Refused => {
                refused += 1;
                Vec::new()
            }
            Verdict::Differs(found) => found,
        };
        lines.extend(tally.promise(&format!("oracle/{name}/{}", intent.id), "request", &found));
    }
    println!("{name:<26} {all:>3} compared  equal {equal}  refused as unsupported {refused}");
    lines.iter().for_each(|line| println!("{line}"));
    page.requests(name, all, equal, refused);
    Ok(())
}
