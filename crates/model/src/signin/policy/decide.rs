//! Which policies meet a request, and what follows.

use jiff::Timestamp;

use super::{
    Applications, ClientKind, Context, Control, Demands, DeviceCode, GrantKind, Location, People, PlaceSet, Policy, Principals,
    State, Subject, Who,
};
use crate::id::PolicyId;
use crate::signin::network::Nearness;
use crate::signin::{Aadsts, Method};

/// A policy that met a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// What follows from it.
    pub effect: Effect,
}

/// What follows from one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// No token.
    Blocks,
    /// Something has to be shown.
    Demands(Demands),
}

/// What all policies together say about a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The policy that refuses it, if one does: the first by name.
    pub blocked: Option<String>,
    /// Every policy that refuses it is about device codes: another way in may be open.
    pub only_device_code: bool,
    /// What has to be shown otherwise.
    pub demands: Demands,
    /// The policies that count, with what each says.
    pub applied: Vec<Applied>,
    /// The policies that only report, with what each would say.
    pub reports: Vec<Applied>,
}

/// Why a sign-in is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// A policy refuses the request whatever is shown.
    #[error("blocked by policy")]
    Blocked,
    /// A policy refuses device codes.
    #[error("device codes are blocked by policy")]
    DeviceCode,
    /// A passkey is demanded.
    #[error("a policy demands a passkey")]
    Passkey,
    /// A second factor is demanded.
    #[error("a policy demands a second factor")]
    SecondFactor,
    /// The sign-in is too old.
    #[error("the sign-in is older than a policy allows")]
    Fresh,
}

impl Unmet {
    /// Its number.
    pub const fn number(self) -> Aadsts {
        match self {
            Self::Blocked => Aadsts::BlockedByConditionalAccess,
            Self::DeviceCode => Aadsts::BlockedBySecurityPolicy,
            Self::Passkey | Self::SecondFactor => Aadsts::UserStrongAuthClientAuthNRequired,
            Self::Fresh => Aadsts::BadTokenDueToSignInFrequency,
        }
    }
}

impl Effect {
    /// Whether a sign-in falls short of it.
    pub fn unmet(&self, how: &[Method], at: Timestamp, now: Timestamp) -> Option<Unmet> {
        match self {
            Self::Blocks => Some(Unmet::Blocked),
            Self::Demands(demands) => demands.unmet(how, at, now),
        }
    }
}

impl Verdict {
    /// What a sign-in lacks for a token; refusing wins.
    pub fn unmet(&self, how: &[Method], at: Timestamp, now: Timestamp) -> Option<Unmet> {
        match &self.blocked {
            Some(_) if self.only_device_code => Some(Unmet::DeviceCode),
            Some(_) => Some(Unmet::Blocked),
            None => self.demands.unmet(how, at, now),
        }
    }

    /// Whether no policy has anything to say.
    pub fn is_silent(&self) -> bool {
        self.applied.is_empty() && self.reports.is_empty()
    }
}

/// What the policies of a tenant say about a request.
pub fn decide(policies: &[Policy], locations: &[Location], context: &Context<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for policy in policies.iter().filter(|policy| policy.state != State::Disabled && meets(policy, locations, context)) {
        let applied = Applied { id: policy.id, name: policy.name.clone(), effect: effect(policy) };
        if policy.state == State::ReportOnly {
            verdict.reports.push(applied);
            continue;
        }
        match applied.effect {
            Effect::Blocks => {
                let about_device_codes = policy.device_code.is_some();
                verdict.only_device_code = about_device_codes && (verdict.blocked.is_none() || verdict.only_device_code);
                if verdict.blocked.as_ref().is_none_or(|name| applied.name < *name) {
                    verdict.blocked = Some(applied.name.clone());
                }
            }
            Effect::Demands(demands) => verdict.demands = verdict.demands.and(demands),
        }
        verdict.applied.push(applied);
    }
    verdict
}

fn effect(policy: &Policy) -> Effect {
    let demands = Demands { fresh_within: policy.frequency.map(super::Frequency::within), ..Demands::default() };
    match policy.control {
        Control::Block => Effect::Blocks,
        Control::SecondFactor => Effect::Demands(Demands { second_factor: true, ..demands }),
        Control::Passkey => Effect::Demands(Demands { passkey: true, ..demands }),
        Control::Nothing => Effect::Demands(demands),
    }
}

/// Every condition of a policy has to be met.
fn meets(policy: &Policy, locations: &[Location], context: &Context<'_>) -> bool {
    means(&policy.who, &context.subject)
        && asks_for(&policy.applications, context)
        && (policy.clients.is_empty() || policy.clients.iter().any(|kind| is_kind(*kind, context)))
        && policy
            .places
            .as_ref()
            .is_none_or(|places| is_in(&places.include, locations, context) && !is_in(&places.exclude, locations, context))
        && policy.device_code.is_none_or(|which| is_device(which, context))
}

fn means(who: &Who, subject: &Subject<'_>) -> bool {
    match (who, subject) {
        (Who::People { include, exclude }, Subject::Person { .. }) => holds(include, subject) && !holds(exclude, subject),
        (Who::Applications { include, exclude }, Subject::Application(id)) => {
            let included = match include {
                Principals::All => true,
                Principals::These(these) => these.contains(id),
            };
            included && !exclude.contains(id)
        }
        (Who::People { .. }, Subject::Application(_)) | (Who::Applications { .. }, Subject::Person { .. }) => false,
    }
}

/// Whether somebody is in a set of people.
pub(super) fn holds(people: &People, subject: &Subject<'_>) -> bool {
    let Subject::Person { id, groups, is_administrator, is_guest } = subject else { return false };
    people.all
        || (people.guests && *is_guest)
        || (people.administrators && *is_administrator)
        || people.users.contains(id)
        || people.groups.iter().any(|group| groups.contains(group))
}

fn asks_for(applications: &Applications, context: &Context<'_>) -> bool {
    let about = |resources: &[crate::id::AppId]| {
        let named = |apps: &[crate::id::AppId]| resources.iter().any(|resource| apps.contains(resource));
        let included = applications.all || named(&applications.include) || applications.include.contains(&context.client);
        included && !named(&applications.exclude)
    };
    about(context.resources) || context.besides.iter().any(|one| about(std::slice::from_ref(one)))
}

fn is_kind(kind: ClientKind, context: &Context<'_>) -> bool {
    match (kind, context.grant) {
        (ClientKind::Browser, GrantKind::Code) => !context.is_public,
        (ClientKind::Native, GrantKind::Code) => context.is_public,
        // On behalf of somebody who signed in to a program in front: nobody can tell here which kind that was.
        (ClientKind::Native, GrantKind::DeviceCode)
        | (ClientKind::Other, GrantKind::Password)
        | (ClientKind::Browser | ClientKind::Native, GrantKind::OnBehalfOf) => true,
        (ClientKind::ActiveSync, _)
        | (ClientKind::Browser, GrantKind::DeviceCode | GrantKind::Password | GrantKind::ClientCredentials)
        | (ClientKind::Native, GrantKind::Password | GrantKind::ClientCredentials)
        | (ClientKind::Other, GrantKind::Code | GrantKind::DeviceCode | GrantKind::OnBehalfOf | GrantKind::ClientCredentials) => {
            false
        }
    }
}

fn is_in(places: &PlaceSet, locations: &[Location], context: &Context<'_>) -> bool {
    let here = |location: &Location| location.ranges.iter().any(|range| range.contains(context.address));
    places.all
        || locations
            .iter()
            .any(|location| ((places.trusted && location.is_trusted) || places.named.contains(&location.id)) && here(location))
}

fn is_device(which: DeviceCode, context: &Context<'_>) -> bool {
    context.grant == GrantKind::DeviceCode
        && match which {
            DeviceCode::Any => true,
            // Not known to be near is not near.
            DeviceCode::OtherNetwork => context.nearness.is_some_and(|near| near != Nearness::Same),
        }
}
