//! What someone may do beside calling models.

use crate::named::named;

named! {
    /// What someone may do beside calling models. A role never reaches further than the user's whose key carries it.
    pub enum Role ("role") {
        /// Everything.
        Administrator = "administrator",
        /// Sees everything, changes nothing.
        Auditor = "auditor",
        /// Its teams' keys and members, and their limits within those of the team.
        TeamAdministrator = "team_administrator",
        /// Its own keys and what they have used.
        Member = "member",
    }
}
