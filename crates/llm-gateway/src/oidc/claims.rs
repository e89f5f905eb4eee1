//! What a token says of someone, in the words of the configuration.

use std::collections::BTreeMap;

use llm_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use crate::config::{ClaimPath, GroupClaim, IssuerConfig, RoleClaim};
use crate::keys::{Identified, Identity, Makes, Role, is_tag};

/// The most values of one claim that are looked at.
const MOST_VALUES: usize = 500;

type Claims = Map<String, Value>;

/// Whom a token was given to. The token must have been found to be good.
pub(super) fn read(issuer: &IssuerConfig, claims: &Claims) -> Result<Identified> {
    let email = verified_email(claims);
    let user = &issuer.user;
    let subject = if user.claim.is("email") { email.clone() } else { first(&user.claim, claims) };
    let Some(subject) = subject.filter(|subject| is_tag(subject)) else {
        return Err(lacking(&format!("does not say who it was given to (`{}`)", user.claim)));
    };
    let name = user.name.as_ref().and_then(|path| first(path, claims));
    Ok(Identified {
        name: name.or_else(|| email.clone()).unwrap_or_else(|| subject.clone()),
        identity: Identity { issuer: issuer.issuer.as_str().into(), subject: subject.into() },
        email,
        teams: group("team", &issuer.team, claims)?,
        organizations: group("organization", &issuer.organization, claims)?,
        role: issuer.role.as_ref().map(|role| highest(role, claims)),
        makes: Makes {
            user: user.create,
            team: issuer.team.create,
            organization: issuer.organization.create,
            tie: user.link_email,
        },
    })
}

/// The address, where the issuer says that it is whose it seems to be. Some say so in a text.
fn verified_email(claims: &Claims) -> Option<String> {
    let is_verified = match claims.get("email_verified") {
        Some(Value::Bool(verified)) => *verified,
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    let email = claims.get("email")?.as_str()?;
    let is_address = email.contains('@') && is_tag(email) && !email.chars().any(char::is_whitespace);
    (is_verified && is_address).then(|| email.to_owned())
}

/// What someone belongs to, as it is called here.
fn group(what: &str, group: &GroupClaim, claims: &Claims) -> Result<Vec<String>> {
    let said = group.claim.as_ref().map(|path| values(path, claims)).unwrap_or_default();
    let mut names: Vec<String> = said.into_iter().filter_map(|value| named(&group.map, value)).collect();
    if names.is_empty() {
        names.extend(group.default.clone());
    }
    match &group.claim {
        Some(path) if names.is_empty() => Err(lacking(&format!("names no {what} that counts here (`{path}`)"))),
        _ => Ok(names),
    }
}

fn named(map: &BTreeMap<String, String>, value: String) -> Option<String> {
    if map.is_empty() { Some(value) } else { map.get(&value).cloned() }
}

/// The highest of the roles that a token gives.
fn highest(role: &RoleClaim, claims: &Claims) -> Role {
    let given = values(&role.claim, claims);
    // Roles are ordered from the highest down.
    given.iter().filter_map(|value| role.map.get(value)).min().copied().unwrap_or(role.default)
}

fn first(path: &ClaimPath, claims: &Claims) -> Option<String> {
    values(path, claims).into_iter().next()
}

/// What stands at a path: a text, a number, or a list of them. Scopes are a text with spaces between them.
fn values(path: &ClaimPath, claims: &Claims) -> Vec<String> {
    let mut steps = path.0.iter();
    let found = steps.next().and_then(|name| claims.get(name));
    let Some(found) = steps.try_fold(found, |at, name| Some(at?.get(name))).flatten() else { return Vec::new() };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let all: Vec<String> = match found {
        Value::Array(all) => all.iter().take(MOST_VALUES).filter_map(text).collect(),
        Value::String(scopes) if path.is("scope") || path.is("scp") => {
            scopes.split_ascii_whitespace().take(MOST_VALUES).map(str::to_owned).collect()
        }
        one => text(one).into_iter().collect(),
    };
    all.into_iter().filter(|value| is_tag(value)).collect()
}

/// The error of a token that is good, and says too little.
fn lacking(what: &str) -> Error {
    Error::new(ErrorKind::PermissionDenied, format!("this token {what}"))
}
