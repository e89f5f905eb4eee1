//! What can be asked about what was used, and about who changed what.

use clap::Args as Arguments;
use jiff::Timestamp;

use super::when;
use crate::store::UsageGroup;

#[derive(Debug, Arguments)]
pub(in crate::cli) struct UsageArgs {
    /// What to group by, with commas between: `key,team,user,organization,end_user,model,provider,tag,day,hour`
    #[arg(long, value_name = "GROUPS", value_delimiter = ',')]
    pub(in crate::cli) by: Vec<UsageGroup>,
    /// Only of this key, by its id, name or prefix
    #[arg(long)]
    pub(in crate::cli) key: Option<String>,
    /// Only of this team
    #[arg(long, value_name = "NAME|ID")]
    pub(in crate::cli) team: Option<String>,
    /// Only of this user
    #[arg(long, value_name = "NAME|ID")]
    pub(in crate::cli) user: Option<String>,
    /// Only of this organization
    #[arg(long, value_name = "NAME|ID")]
    pub(in crate::cli) organization: Option<String>,
    /// Only for this user of an application
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) end_user: Option<String>,
    /// Only of this model, as it was asked for
    #[arg(long)]
    pub(in crate::cli) model: Option<String>,
    /// Only of this provider
    #[arg(long)]
    pub(in crate::cli) provider: Option<String>,
    /// Only with this tag
    #[arg(long)]
    pub(in crate::cli) tag: Option<String>,
    /// From then on: `2027-01-01` or `2027-01-01T12:00:00Z`
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(in crate::cli) from: Option<Timestamp>,
    /// Before then
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(in crate::cli) to: Option<Timestamp>,
    /// As JSON
    #[arg(long, conflicts_with = "csv")]
    pub(in crate::cli) json: bool,
    /// As CSV
    #[arg(long)]
    pub(in crate::cli) csv: bool,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct AuditArgs {
    /// Only of this kind: `key`, `team`, `user`, `organization`, `limit`, `price`, `setting`
    #[arg(long)]
    pub(in crate::cli) kind: Option<String>,
    /// Only of the thing of this id
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) target: Option<String>,
    /// From then on: `2027-01-01` or `2027-01-01T12:00:00Z`
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(in crate::cli) from: Option<Timestamp>,
    /// Before then
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(in crate::cli) to: Option<Timestamp>,
    /// How many entries, at most 500
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(in crate::cli) limit: u16,
    /// As JSON, with what was before and after
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
