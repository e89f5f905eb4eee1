//! Identity providers whose tokens are taken in the place of keys, and what is read out of their tokens.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::{OneOrMany, Period};
use crate::keys::Role;
use crate::named::named;

/// `[[issuers]]`: an identity provider (OpenID Connect) whose tokens are taken in the place of keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its address, exactly as it stands in `iss` of its tokens. Its keys are found by what it says of itself at
    /// `/.well-known/openid-configuration` below this address.
    pub issuer: String,
    /// Where its keys stand (JWKS), for one that says nothing of itself.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// For whom tokens must be made out (`aud`): one of these. It may be left out for the issuer
    /// of the login: then nobody calls with its tokens.
    #[serde(default)]
    pub audience: OneOrMany,
    /// How tokens may be signed; by any of those that need no shared secret unless set.
    #[serde(default = "SigningAlgorithm::all")]
    pub algorithms: Vec<SigningAlgorithm>,
    /// How far clocks may differ.
    #[serde(default = "leeway")]
    pub leeway: Period,
    /// How often the keys are read again. A token signed with a key that is not known has them read at once.
    #[serde(default = "refresh")]
    pub refresh: Period,
    /// Who someone is.
    #[serde(default)]
    pub user: UserClaims,
    /// Which team a call belongs to; none unless set.
    #[serde(default)]
    pub team: GroupClaim,
    /// Which organization the team must belong to; any unless set.
    #[serde(default)]
    pub organization: GroupClaim,
    /// What may be done beside calling models; what is said of the user here, in the gateway, unless set.
    #[serde(default)]
    pub role: Option<RoleClaim>,
}

fn leeway() -> Period {
    Period::seconds(60)
}

fn refresh() -> Period {
    Period::seconds(600)
}

impl IssuerConfig {
    /// Where it says what there is to know of it (OpenID Connect Discovery 1.0, section 4).
    pub fn discovery(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'))
    }
}

/// `[issuers.user]`: who someone is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserClaims {
    /// The claim that tells one from another and never changes. `email` counts only where the token says that it was
    /// verified.
    pub claim: ClaimPath,
    /// The claim that a new user is called by; its verified address unless set, or else what tells it from others.
    pub name: Option<ClaimPath>,
    /// Whether whoever is not known yet becomes a user.
    pub create: bool,
    /// Whether whoever comes first with a verified address is the user who has that address here. Only right where the
    /// issuer verifies addresses and is trusted with those of every user.
    pub link_email: bool,
}

impl Default for UserClaims {
    fn default() -> Self {
        Self { claim: ClaimPath::of("sub"), name: None, create: true, link_email: false }
    }
}

/// `[issuers.team]` and `[issuers.organization]`: what someone belongs to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GroupClaim {
    /// The claim that says it: a text, or a list of which the first that is known here counts.
    pub claim: Option<ClaimPath>,
    /// What is called otherwise here. With a map, values that it lacks don't count.
    pub map: BTreeMap<String, String>,
    /// What counts where the token says none.
    pub default: Option<String>,
    /// Whether what is not there yet is made. Only right where not everyone can choose what stands in the claim.
    pub create: bool,
}

impl GroupClaim {
    /// Whether it says anything.
    pub fn is_set(&self) -> bool {
        self.claim.is_some() || self.default.is_some()
    }
}

/// `[issuers.role]`: what someone may do beside calling models.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleClaim {
    /// The claim that says it: a text or a list. Of several roles the highest counts.
    pub claim: ClaimPath,
    /// The role that a value gives. Values that stand not here give none.
    pub map: BTreeMap<String, Role>,
    /// The role of whoever has none of them: `member` unless set.
    #[serde(default = "member")]
    pub default: Role,
}

fn member() -> Role {
    Role::Member
}

/// Where a claim stands: a name, with dots between those of a claim within another (`realm_access.roles`), or a list of
/// names. A name that is an address (`https://example.com/roles`) is one name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Said")]
pub struct ClaimPath(pub Vec<String>);

impl ClaimPath {
    /// The path that a text says.
    pub fn of(text: &str) -> Self {
        if text.contains("://") {
            return Self(vec![text.to_owned()]);
        }
        Self(text.split('.').map(str::to_owned).collect())
    }

    /// Whether every step has a name.
    pub fn is_sound(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|name| !name.is_empty())
    }

    /// Whether it is the claim of that name, in no other.
    pub fn is(&self, name: &str) -> bool {
        matches!(&self.0[..], [only] if only == name)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A path as it is written.
#[derive(Deserialize)]
#[serde(untagged, expecting = "the name of a claim, or a list of names")]
enum Said {
    Text(String),
    Names(Vec<String>),
}

impl From<Said> for ClaimPath {
    fn from(said: Said) -> Self {
        match said {
            Said::Text(text) => Self::of(&text),
            Said::Names(names) => Self(names),
        }
    }
}

named! {
    /// How a token may be signed: only by what needs no secret that both sides share.
    #[expect(missing_docs, reason = "the names are those of RFC 7518 and RFC 8037")]
    pub enum SigningAlgorithm ("algorithm") {
        Rs256 = "RS256", Rs384 = "RS384", Rs512 = "RS512",
        Ps256 = "PS256", Ps384 = "PS384", Ps512 = "PS512",
        Es256 = "ES256", Es384 = "ES384",
        EdDsa = "EdDSA",
    }
}

impl SigningAlgorithm {
    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }
}

/// An address that may be asked: over TLS, or on this machine.
pub(crate) fn safe_url(text: &str) -> Result<Url, &'static str> {
    let url: Url = text.parse().map_err(|_| "is not a URL such as `https://login.example.com`")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("can't hold a credential");
    }
    if url.fragment().is_some() {
        return Err("can't have a fragment");
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err("must begin with `https://`, but for one on this machine"),
        _ => Err("must begin with `https://` and a host"),
    }
}

/// Whether an address is on this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
