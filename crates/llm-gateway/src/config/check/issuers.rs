//! Identity providers whose tokens could not be trusted as they are configured.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::issuer::safe_url;
use crate::config::problem::did_you_mean;
use crate::config::tree::Step::{self, Index, Key};
use crate::config::tree::Tree;
use crate::config::{Config, GroupClaim, IssuerConfig, LoginConfig};
use crate::keys::Role;

/// Clocks that differ by more than this are wrong.
const MOST_LEEWAY: Duration = Duration::from_secs(10 * 60);

/// How long a login may last.
const SESSION: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(30 * 86_400);

/// Notes in `tree` whatever is wrong with the issuers and the login of `config`. `whole`: every value could be read.
pub(super) fn check(config: &Config, tree: &mut Tree<'_>, whole: bool) {
    let mut first_with: HashMap<&str, usize> = HashMap::new();
    if let Some(login) = &config.login {
        check_login(config, login, tree, whole);
    }
    for (index, issuer) in config.issuers.iter().enumerate() {
        if let Some(&first) = first_with.get(issuer.issuer.as_str()) {
            let line = tree.line(&[Key("issuers"), Index(first), Key("issuer")]);
            let message = format!("the issuer `{}` stands on line {line} already", issuer.issuer);
            tree.wrong(&[Key("issuers"), Index(index), Key("issuer")], message, None);
        }
        first_with.entry(&issuer.issuer).or_insert(index);
        let is_of_login = config.login.as_ref().is_some_and(|login| login.issuer == issuer.issuer);
        check_one(issuer, is_of_login, &mut |path, message, hint| {
            let path: Vec<Step<'_>> = [Key("issuers"), Index(index)].into_iter().chain(path.iter().copied()).collect();
            tree.wrong(&path, message, hint.map(str::to_owned));
        });
    }
}

/// Notes whatever is wrong with the login.
fn check_login(config: &Config, login: &LoginConfig, tree: &mut Tree<'_>, whole: bool) {
    let mut wrong = |key, message: String, hint| tree.wrong(&[Key("login"), Key(key)], message, hint);
    let known = || config.issuers.iter().map(|issuer| issuer.issuer.as_str());
    if whole && !known().any(|known| known == login.issuer) {
        let hint = did_you_mean(&login.issuer, known())
            .or_else(|| Some("describe it under `[[issuers]]`, in the very same letters".to_owned()));
        wrong("issuer", format!("there is no issuer `{}`", login.issuer), hint);
    }
    if login.client_id.is_empty() {
        wrong("client_id", "`client_id` can't be empty".to_owned(), None);
    }
    if !login.scopes.iter().any(|scope| scope == "openid") {
        wrong("scopes", "`scopes` must hold `openid`, or nobody is told who logs in".to_owned(), None);
    }
    if !SESSION.contains(&login.session.0) {
        wrong("session", "`session` must be from a minute to 30 days".to_owned(), None);
    }
    if let Err(why) = login.base(config) {
        wrong("url", why, Some("such as `url = \"https://gateway.example\"`".to_owned()));
    }
}

/// Notes a mistake: where it is in an issuer, what it is, and what to do about it.
type Note<'a> = &'a mut dyn FnMut(&[Step<'_>], String, Option<&str>);

fn check_one(issuer: &IssuerConfig, is_of_login: bool, wrong: Note<'_>) {
    match safe_url(&issuer.issuer) {
        Err(why) => wrong(&[Key("issuer")], format!("`issuer` {why}"), None),
        Ok(url) if url.query().is_some() => wrong(&[Key("issuer")], "`issuer` can't have a query".to_owned(), None),
        Ok(_) => {}
    }
    if let Some(Err(why)) = issuer.jwks_url.as_deref().map(safe_url) {
        wrong(&[Key("jwks_url")], format!("`jwks_url` {why}"), None);
    }
    if (issuer.audience.0.is_empty() && !is_of_login) || issuer.audience.0.iter().any(String::is_empty) {
        let hint = "without it a token that was made out for any other service would be good here";
        wrong(&[Key("audience")], "an issuer needs an `audience`".to_owned(), Some(hint));
    }
    if issuer.algorithms.is_empty() {
        wrong(&[Key("algorithms")], "`algorithms` is empty, so no token would be good".to_owned(), None);
    }
    if issuer.leeway.0 > MOST_LEEWAY {
        wrong(&[Key("leeway")], "`leeway` can be at most 10 minutes".to_owned(), None);
    }
    if issuer.refresh.0 < Duration::from_secs(1) {
        wrong(&[Key("refresh")], "`refresh` must be a second or more".to_owned(), None);
    }
    check_claims(issuer, wrong);
}

fn check_claims(issuer: &IssuerConfig, wrong: Note<'_>) {
    let paths = [
        ("user", "claim", Some(&issuer.user.claim)),
        ("user", "name", issuer.user.name.as_ref()),
        ("team", "claim", issuer.team.claim.as_ref()),
        ("organization", "claim", issuer.organization.claim.as_ref()),
        ("role", "claim", issuer.role.as_ref().map(|role| &role.claim)),
    ];
    for (table, key, path) in paths {
        if path.is_some_and(|path| !path.is_sound()) {
            let hint = "write `name`, `outer.inner`, or a list of names";
            wrong(&[Key(table), Key(key)], format!("`{table}.{key}` does not name a claim"), Some(hint));
        }
    }
    check_group("team", &issuer.team, wrong);
    check_group("organization", &issuer.organization, wrong);
    if issuer.organization.is_set() && !issuer.team.is_set() {
        let message = "`organization` without `team` has no effect: only teams belong to organizations".to_owned();
        wrong(&[Key("organization")], message, None);
    }
    let Some(role) = &issuer.role else { return };
    if role.map.is_empty() {
        let hint = "such as `map = { \"llm-admins\" = \"administrator\" }`";
        wrong(&[Key("role")], "`role` needs a `map`, since no claim gives a role by itself".to_owned(), Some(hint));
    }
    if matches!(role.default, Role::Administrator | Role::Auditor) {
        let message = format!("`role.default` can't be `{}`: everyone would see everything", role.default);
        wrong(&[Key("role"), Key("default")], message, None);
    }
}

fn check_group(table: &str, group: &GroupClaim, wrong: Note<'_>) {
    if !group.is_set() && (group.create || !group.map.is_empty()) {
        wrong(&[Key(table)], format!("`{table}` needs a `claim` or a `default`"), None);
    }
}
