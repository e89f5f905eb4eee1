//! The provider table: one row of data per provider, the same form in `providers.toml` and in a user's configuration.

mod address;
pub(crate) mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use llm_core::codec::Quirks;
use llm_core::{OperationKind, Protocol};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::protocols;

/// How a provider wants to be shown the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    #[default]
    Bearer,
    /// `Authorization: SCHEME KEY`, with another scheme (`Token`).
    Scheme(String),
    /// A header of its own that holds the bare key.
    Header(String),
    /// A key as a bearer token; without one, AWS Signature Version 4 for this service (`bedrock`), with the credentials
    /// that AWS's own tools would find. Signing needs the feature `aws`.
    Aws(String),
    /// A key in this header, or as a bearer token where that is `authorization`; without one, a token of Microsoft Entra
    /// ID, which needs the feature `azure`.
    Azure(String),
    /// A token of IBM Cloud's IAM, for which the key is exchanged.
    Ibm,
    /// A key as a bearer token; without one, a token by Google's application default credentials, which need the feature
    /// `google`.
    Google,
    /// No key at all.
    None,
}

/// A further protocol of a provider: what differs from its row.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dialect {
    /// Where the protocol is spoken, if not at the row's base URL: a URL, or a path at the row's host (`/anthropic`).
    pub base_url: Option<String>,
    /// How the key is wanted there; as in the row unless set.
    pub auth: Option<Auth>,
    /// The API version, for protocols that have several.
    pub version: Option<String>,
    /// The declared differences from this protocol. The row's own are about its own protocol.
    pub quirks: Quirks,
}

/// How a provider has one operation.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperationRow {
    /// The wire format of this operation, where it is not the row's.
    pub protocol: Option<Protocol>,
    /// Its declared differences from the protocol in this operation. Those of chat don't apply.
    pub quirks: Quirks,
}

/// One provider: where it is, what it speaks, how it differs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderRow {
    /// The name for people.
    pub name: String,
    /// Other ids by which it is known.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The wire format it is spoken to in, unless a caller speaks one of `also`.
    pub protocol: Protocol,
    /// Further wire formats that it speaks. A gateway passes the bytes of callers who speak one of them.
    #[serde(default)]
    pub also: BTreeMap<Protocol, Dialect>,
    /// Where it answers; paths of the protocol are added to it. Absent where every account has its own. May hold
    /// variables in braces: `https://{account}.example.com`.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Paths that differ from the protocol's, by the protocol's own (`"/chat/completions" = "/chat"`). May hold
    /// variables, and `{model}`. `"*"` is for all others, with the protocol's path as `{path}`, and only where the base
    /// URL has no path of its own: one that has is the whole place. A path that is a URL is at that host.
    #[serde(default)]
    pub paths: BTreeMap<String, String>,
    /// The same for requests whose answer is streamed, where those have paths of their own.
    #[serde(default)]
    pub stream_paths: BTreeMap<String, String>,
    /// Members of the query that every request carries; their values may hold variables.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// How it wants the key.
    #[serde(default)]
    pub auth: Auth,
    /// Environment variables that may hold the key; the first that is set wins.
    #[serde(default)]
    pub key_env: Vec<String>,
    /// How the key is wanted where it came from one of these variables, and not as the row says.
    #[serde(default)]
    pub auth_by_env: BTreeMap<String, Auth>,
    /// Environment variables that may hold a token of short life, which is sent as a bearer where no key is set.
    #[serde(default)]
    pub token_env: Vec<String>,
    /// Whether it answers without a key (local servers).
    #[serde(default)]
    pub key_optional: bool,
    /// Whether it runs on one's own machine, so that its tokens cost nothing as long as no key is needed.
    #[serde(default)]
    pub local: bool,
    /// Environment variables that may hold another base URL; the first that is set wins.
    #[serde(default)]
    pub base_url_env: Vec<String>,
    /// The API version it is spoken to in, for protocols that have several.
    #[serde(default)]
    pub version: Option<String>,
    /// Its declared differences from the protocol.
    #[serde(default)]
    pub quirks: Quirks,
    /// The operations beside chat that it has, and how they differ. Absent: all that its protocol has.
    #[serde(default)]
    pub operations: Option<BTreeMap<OperationKind, OperationRow>>,
    /// Operations that it lacks though its protocol has them and every provider is thought to: `models`, `count_tokens`.
    #[serde(default)]
    pub lacks: BTreeSet<OperationKind>,
    /// Operations that its protocol has and it lacks, chat among them.
    #[serde(default)]
    pub without: BTreeSet<OperationKind>,
    /// The share of its prices, in percent, that it charges for calls in batches, where its price list has no lines of
    /// their own for them. Absent: all of it.
    #[serde(default)]
    pub batch_percent: Option<u8>,
    /// What its URLs need beside the model: account, region, project.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment variables that may hold those variables; the first that is set wins.
    #[serde(default)]
    pub variables_env: BTreeMap<String, Vec<String>>,
    /// Variables that are others where the base URL came from this environment variable.
    #[serde(default)]
    pub variables_by_base: BTreeMap<String, BTreeMap<String, String>>,
    /// Fixed headers that every request carries.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The header in which it takes a key that makes a call that is tried again one and the same.
    #[serde(default)]
    pub idempotency_header: Option<String>,
    /// Headers of callers that a gateway passes on to it, beside the few that always pass.
    #[serde(default)]
    pub forward_headers: Vec<String>,
    /// Members of requests by which it answers with other models than the one that is asked for, as paths through
    /// objects and lists (`tools.model`). An application in process may send them; a gateway, which admits and charges
    /// by the model that is asked for, refuses them.
    #[serde(default)]
    pub other_models: BTreeSet<String>,
    /// The model to use where a person names none.
    #[serde(default)]
    pub default_model: Option<String>,
    /// Where its API is documented.
    #[serde(default)]
    pub docs: Option<String>,
    /// Whether it is a gateway of our own, which says in headers who answered.
    #[serde(skip)]
    pub gateway: bool,
}

impl ProviderRow {
    /// The smallest row of a provider at `base_url`.
    pub fn new(name: impl Into<String>, protocol: Protocol, base_url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            aliases: Vec::new(),
            protocol,
            also: BTreeMap::new(),
            base_url: Some(base_url.into()),
            paths: BTreeMap::new(),
            stream_paths: BTreeMap::new(),
            query: BTreeMap::new(),
            auth: Auth::Bearer,
            key_env: Vec::new(),
            auth_by_env: BTreeMap::new(),
            token_env: Vec::new(),
            key_optional: true,
            local: false,
            base_url_env: Vec::new(),
            version: None,
            quirks: Quirks::default(),
            operations: None,
            lacks: BTreeSet::new(),
            without: BTreeSet::new(),
            batch_percent: None,
            variables: BTreeMap::new(),
            variables_env: BTreeMap::new(),
            variables_by_base: BTreeMap::new(),
            headers: BTreeMap::new(),
            idempotency_header: None,
            forward_headers: Vec::new(),
            other_models: BTreeSet::new(),
            default_model: None,
            docs: None,
            gateway: false,
        }
    }

    /// Every protocol that it speaks, its main one first.
    pub fn protocols(&self) -> impl Iterator<Item = Protocol> {
        std::iter::once(self.protocol).chain(self.also.keys().copied())
    }

    /// The row of the same provider as it speaks `protocol` and nothing else; none where it doesn't.
    pub fn speaking(&self, protocol: Protocol) -> Option<Self> {
        let mut row = self.clone();
        row.also.clear();
        if protocol == self.protocol {
            return Some(row);
        }
        let Dialect { base_url, auth, version, quirks } = self.also.get(&protocol)?.clone();
        row.protocol = protocol;
        if let Some(place) = base_url {
            // What the row says of paths is said of its own place.
            row.paths.clear();
            row.stream_paths.clear();
            row.base_url = Some(match place.starts_with('/') {
                true => format!("{}{place}", host(self.base_url.as_deref()?)),
                false => place,
            });
        }
        row.auth = auth.unwrap_or(row.auth);
        row.version = version;
        row.quirks = quirks;
        Some(row)
    }

    /// Makes `protocol` the main one. What was the main one is spoken further on.
    pub fn speak_mainly(&mut self, protocol: Protocol) {
        let former = Dialect {
            base_url: self.base_url.clone(),
            auth: Some(self.auth.clone()),
            version: self.version.clone(),
            quirks: self.quirks.clone(),
        };
        let Some(mut row) = self.speaking(protocol).filter(|_| protocol != self.protocol) else {
            self.protocol = protocol;
            return;
        };
        row.also = std::mem::take(&mut self.also);
        row.also.remove(&protocol);
        row.also.insert(self.protocol, former);
        *self = row;
    }

    /// Puts the provider at another base URL, with all of its paths. A further protocol whose place was a URL of its own
    /// is not spoken there.
    pub fn move_to(&mut self, base_url: &str) {
        for path in self.paths.values_mut().chain(self.stream_paths.values_mut()).filter(|path| is_url(path)) {
            *path = path.get(host(path).len()..).unwrap_or_default().to_owned();
        }
        self.base_url = Some(base_url.trim_end_matches('/').to_owned());
        self.also.retain(|_, dialect| dialect.base_url.as_deref().is_none_or(|place| place.starts_with('/')));
    }
}

/// Whether a path names its host.
fn is_url(path: &str) -> bool {
    !path.starts_with('/') && path.contains("://")
}

/// A URL without its path.
fn host(url: &str) -> &str {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let path = url.get(begin..).and_then(|rest| rest.find('/'));
    path.and_then(|at| url.get(..begin + at)).unwrap_or(url)
}

impl ProviderRow {
    /// Whether it can be asked for an operation: the row has it in one of its protocols, whose codec is built.
    pub fn offers(&self, kind: OperationKind) -> bool {
        let own = std::iter::once(self.clone()).chain(self.also.keys().filter_map(|protocol| self.speaking(*protocol)));
        own.filter_map(|row| row.protocol_of(kind)).any(|protocol| protocols::has(protocol, kind))
    }

    /// The protocol in which it has an operation; none where the row says that it has no such thing. Whether the
    /// protocol has it is for the protocol's table to say.
    pub fn protocol_of(&self, kind: OperationKind) -> Option<Protocol> {
        if self.without.contains(&kind) {
            return None;
        }
        if self.lacks.contains(&kind) {
            return None;
        }
        match &self.operations {
            None => Some(self.protocol),
            Some(operations) => match operations.get(&kind) {
                Some(row) => Some(row.protocol.unwrap_or(self.protocol)),
                None => matches!(kind, OperationKind::Chat | OperationKind::CountTokens | OperationKind::Models)
                    .then_some(self.protocol),
            },
        }
    }

    /// What the row says of one operation, if it says anything.
    pub fn operation(&self, kind: OperationKind) -> Option<&OperationRow> {
        self.operations.as_ref()?.get(&kind)
    }

    /// How it differs from its protocol in one operation.
    pub fn quirks_of(&self, kind: OperationKind) -> &Quirks {
        static NONE: LazyLock<Quirks> = LazyLock::new(Quirks::default);
        match kind {
            OperationKind::Chat | OperationKind::CountTokens => &self.quirks,
            kind => self.operation(kind).map_or(&NONE, |row| &row.quirks),
        }
    }
}

/// The table: the best known first, the others by what they are. An id stands in one of them only.
const TABLES: [&str; 7] = [
    include_str!("providers.toml"),
    include_str!("providers/makers.toml"),
    include_str!("providers/clouds.toml"),
    include_str!("providers/hosts.toml"),
    include_str!("providers/gateways.toml"),
    include_str!("providers/local.toml"),
    include_str!("providers/special.toml"),
];

/// Every provider that is known without configuration, by id.
pub fn rows() -> &'static BTreeMap<String, ProviderRow> {
    static ROWS: LazyLock<BTreeMap<String, ProviderRow>> =
        LazyLock::new(|| TABLES.iter().flat_map(|text| read(text)).collect());
    &ROWS
}

fn read(text: &str) -> BTreeMap<String, ProviderRow> {
    #[expect(clippy::expect_used, reason = "the table is compiled in, and a test reads it")]
    toml::from_str(text).expect("the table is well formed")
}

/// The row of one provider, by its id or another name of it.
pub fn row(id: &str) -> Option<&'static ProviderRow> {
    rows().get(canonical(id))
}

/// The id of the row that is known by this name; the name itself where none is.
pub fn canonical(name: &str) -> &str {
    static ALIASES: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
        rows().iter().flat_map(|(id, row)| row.aliases.iter().map(|alias| (alias.as_str(), id.as_str()))).collect()
    });
    ALIASES.get(name).copied().unwrap_or(name)
}

/// The name among `known` that `id` was most likely meant to be, if any is near.
pub fn nearest<'a>(id: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(id, name), name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
