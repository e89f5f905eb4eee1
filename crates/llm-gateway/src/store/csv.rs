//! Sums as a table that a spreadsheet opens.

use super::{UsageGroup, UsageRow};

/// Rows as RFC 4180 writes them, with a line of names before them.
pub fn usage_csv(groups: &[UsageGroup], rows: &[UsageRow]) -> String {
    let names = groups.iter().map(|group| group.as_str());
    let names = names.chain(["calls", "errors", "input_tokens", "output_tokens", "cost_usd"]);
    let mut csv = names.collect::<Vec<_>>().join(",");
    csv.push_str("\r\n");
    for row in rows {
        for (_, value) in &row.group {
            csv.push_str(&field(value.as_deref().unwrap_or_default()));
            csv.push(',');
        }
        let UsageRow { calls, errors, input_tokens, output_tokens, cost_usd, .. } = row;
        csv.push_str(&format!("{calls},{errors},{input_tokens},{output_tokens},{cost_usd}\r\n"));
    }
    csv
}

/// One text of a row. A text that a spreadsheet would take for a formula gets an apostrophe before it: names come from
/// callers, and who opens the table is an administrator.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests;
