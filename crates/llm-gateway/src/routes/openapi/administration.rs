//! What each route for administrators reads and answers.

use schemars::JsonSchema;

use super::super::charged::Cost;
use super::super::limits::WithLimits;
use super::super::page::{Page, Paging};
use super::super::{audit, calls, deployments, health, keys, limits, login, members, prices, usage, users};
use super::operation::Book;
use crate::keys::{
    KeyDraft, KeyPatch, Organization, OrganizationDraft, OrganizationPatch, PriceDraft, Team, TeamDraft, TeamPatch,
    User, UserDraft, UserPatch, VirtualKey,
};
use crate::limits::{LimitDraft, LimitPatch, LimitStatus};
use crate::record::CallRecord;
use crate::store::AuditPage;

/// What is answered where something was deleted.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Deleted {
    id: String,
    deleted: bool,
}

/// What is answered where a user was taken out of a team.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct MemberRemoved {
    team: String,
    user: String,
    deleted: bool,
}

/// Members of a team, all of them.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Members {
    data: Vec<members::Shown<'static>>,
    next_cursor: Option<String>,
}

/// The deployments behind the names.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Deployments {
    data: Vec<deployments::Shown<'static>>,
    next_cursor: Option<String>,
}

/// Describes all of them.
pub(super) fn describe(book: &mut Book) {
    tenants(book);
    of_keys(book);
    of_limits(book);
    reports(book);
    let prices = "/api/v1/prices/{provider}/{*model}";
    book.add("GET", "/api/v1/prices", "Lists the catalogue's prices and those in their place")
        .asks::<prices::Filter>()
        .gives::<Page<prices::Shown>>();
    book.add("GET", prices, "Shows what a model costs").gives::<prices::Shown>();
    book.add("PUT", prices, "Puts a price in the place of the catalogue's")
        .takes::<PriceDraft>()
        .gives::<prices::Shown>();
    book.add("DELETE", prices, "Takes such a price away").gives::<Deleted>();
    book.add("GET", "/api/v1/models", "Lists what is served").gives::<deployments::Models>();
    book.add("GET", "/api/v1/deployments", "Lists deployments, and how each is doing").gives::<Deployments>();
    book.add("GET", "/api/v1/me", "Says who asks, and what they may do").gives::<login::Me>();
    book.add("GET", "/login", "Sends a browser on to the identity provider").asks::<login::Begin>().sends_on();
    book.add("GET", "/login/callback", "Ends a login, and sends the browser on to where it began")
        .asks::<crate::oidc::Back>()
        .sends_on();
    book.add("POST", "/logout", "Ends the session of a browser").gives::<login::LoggedOut>();
    book.add("GET", "/openapi.json", "This document").gives::<serde_json::Map<String, serde_json::Value>>();
    book.add("GET", "/healthz", "Says that the process runs").gives::<health::Alive>();
    book.add("GET", "/readyz", "Says whether calls are taken; 503 where they are not").gives::<health::Ready>();
}

fn tenants(book: &mut Book) {
    type Shown<T> = WithLimits<'static, T>;
    let (all, one) = ("/api/v1/organizations", "/api/v1/organizations/{id}");
    book.add("POST", all, "Makes an organization").takes::<OrganizationDraft>().gives::<Shown<Organization>>().made();
    book.add("GET", all, "Lists organizations, newest first").asks::<Paging>().gives::<Page<Shown<Organization>>>();
    book.add("GET", one, "Shows an organization, by id or name").gives::<Shown<Organization>>();
    book.add("PATCH", one, "Changes an organization").takes::<OrganizationPatch>().gives::<Shown<Organization>>();
    book.add("DELETE", one, "Deletes an organization with its teams and their keys").gives::<Deleted>();

    let (all, one) = ("/api/v1/teams", "/api/v1/teams/{id}");
    book.add("POST", all, "Makes a team").takes::<TeamDraft>().gives::<Shown<Team>>().made();
    book.add("GET", all, "Lists teams, newest first").asks::<Paging>().gives::<Page<Shown<Team>>>();
    book.add("GET", one, "Shows a team, by id or name").gives::<Shown<Team>>();
    book.add("PATCH", one, "Changes a team").takes::<TeamPatch>().gives::<Shown<Team>>();
    book.add("DELETE", one, "Deletes a team with its keys").gives::<Deleted>();

    let (all, one) = ("/api/v1/teams/{id}/members", "/api/v1/teams/{id}/members/{user}");
    book.add("GET", all, "Lists who is in a team").gives::<Members>();
    book.add("PUT", one, "Makes a user a member, or gives it another role there")
        .takes::<members::As>()
        .gives::<members::Shown<'static>>();
    book.add("DELETE", one, "Takes a user out of a team").gives::<MemberRemoved>();

    let (all, one) = ("/api/v1/users", "/api/v1/users/{id}");
    book.add("POST", all, "Makes a user").takes::<UserDraft>().gives::<Shown<User>>().made();
    book.add("GET", all, "Lists users, newest first").asks::<users::Filter>().gives::<Page<Shown<User>>>();
    book.add("GET", one, "Shows a user, by id or name").gives::<Shown<User>>();
    book.add("PATCH", one, "Changes a user").takes::<UserPatch>().gives::<Shown<User>>();
    book.add("DELETE", one, "Deletes a user with its keys").gives::<Deleted>();
}

fn of_keys(book: &mut Book) {
    type Shown = WithLimits<'static, VirtualKey>;
    let (all, one) = ("/api/v1/keys", "/api/v1/keys/{id}");
    book.add("POST", all, "Makes a key, whose secret is shown this once")
        .takes::<KeyDraft>()
        .gives::<keys::ShownOnce<'static>>()
        .made();
    book.add("GET", all, "Lists keys, newest first").asks::<keys::Filter>().gives::<Page<Shown>>();
    book.add("GET", one, "Shows a key").gives::<Shown>();
    book.add("PATCH", one, "Changes a key").takes::<KeyPatch>().gives::<Shown>();
    book.add("DELETE", one, "Kills a key; what it spent stays on record").gives::<Deleted>();
    book.add("POST", "/api/v1/keys/{id}/rotate", "Gives a key a new secret, shown this once")
        .takes::<keys::Rotation>()
        .gives::<keys::ShownOnce<'static>>();
    book.add("GET", "/api/v1/keys/me", "Shows a key its limits, what is left of them and what it has spent")
        .gives::<keys::Me<'static>>();
}

fn of_limits(book: &mut Book) {
    let (all, one) = ("/api/v1/limits", "/api/v1/limits/{id}");
    book.add("POST", all, "Makes a limit").takes::<LimitDraft>().gives::<LimitStatus>().made();
    book.add("GET", all, "Lists limits that were made, newest first")
        .asks::<limits::Filter>()
        .gives::<Page<LimitStatus>>();
    book.add("GET", one, "Shows a limit and what it has counted").gives::<LimitStatus>();
    book.add("PATCH", one, "Changes a limit, which goes on from what it has counted")
        .takes::<LimitPatch>()
        .gives::<LimitStatus>();
    book.add("DELETE", one, "Deletes a limit").gives::<Deleted>();
}

fn reports(book: &mut Book) {
    book.add("GET", "/api/v1/calls", "Lists calls, newest first").asks::<calls::Filter>().gives::<Page<CallRecord>>();
    book.add("GET", "/api/v1/calls/{id}", "Shows a call, its attempts and how its cost was made up")
        .gives::<CallRecord>();
    // Told beside an attempt and not kept in its record.
    book.add_member::<Option<Cost>>("Attempt", "cost");
    book.add("GET", "/api/v1/usage", "Sums what was used, by any combination of groups")
        .asks::<usage::Filter>()
        .gives::<Page<usage::Sum>>()
        .or_csv();
    book.add("GET", "/api/v1/audit", "Lists who changed what, before and after, newest first")
        .asks::<audit::Filter>()
        .gives::<AuditPage>();
}
