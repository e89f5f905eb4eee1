//! Who comes with a token of an identity provider, as the token says it.

use std::sync::Arc;

use llm_core::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Role;

/// The longest name of an issuer or of someone there, in bytes.
const MAX_PART: usize = 512;

/// What an issuer calls someone. It tells people apart only together with the issuer: another one may call anyone the
/// same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The issuer's address, as in `iss`.
    #[schemars(with = "String")]
    pub issuer: Arc<str>,
    /// What it calls someone, for ever: `sub`, unless the configuration says otherwise.
    #[schemars(with = "String")]
    pub subject: Arc<str>,
}

impl Identity {
    /// Refuses what can't be kept or told from others.
    pub(in crate::keys) fn check(&self) -> Result<()> {
        let is_good = |text: &str| !text.is_empty() && text.len() <= MAX_PART && !text.chars().any(char::is_control);
        if is_good(&self.issuer) && is_good(&self.subject) {
            return Ok(());
        }
        let message =
            format!("`identities`: `issuer` and `subject` take 1 to {MAX_PART} bytes without control characters");
        Err(Error::invalid_request(message).with_param("identities"))
    }

    /// A few letters that tell it from others that have the same name.
    pub(in crate::keys) fn mark(&self) -> String {
        // No issuer's address holds a line's end, so no two identities are the same text.
        let digest = Sha256::digest(format!("{}\n{}", self.issuer, self.subject));
        digest.iter().take(6).fold(String::new(), |mark, byte| format!("{mark}{byte:02x}"))
    }
}

/// What a token that was found to be good says of whom it was given to, in the words of this gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identified {
    /// Who it is.
    pub(crate) identity: Identity,
    /// What a new user is called.
    pub(crate) name: String,
    /// Its address, if the issuer has verified that.
    pub(crate) email: Option<String>,
    /// The team that its calls belong to: the first of these that there is.
    pub(crate) teams: Vec<String>,
    /// The organization that the team must belong to: one of these, where there is any.
    pub(crate) organizations: Vec<String>,
    /// What it may do; what is said of the user here, where none is given.
    pub(crate) role: Option<Role>,
    /// What may be made where it is not there.
    pub(crate) makes: Makes,
}

/// What the first token of someone may make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Makes {
    /// A user.
    pub(crate) user: bool,
    /// A team.
    pub(crate) team: bool,
    /// An organization.
    pub(crate) organization: bool,
    /// The tie to a user who is there, by a verified address.
    pub(crate) tie: bool,
}
