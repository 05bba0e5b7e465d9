//! Break-glass doors (DESIGN 5.2): a named, short-lived certificate, worth something only while the door is open.
//!
//! A door is asked for with a reason and a duration. Where the cluster wants a second person, it waits for one; then it is
//! open until its time is over or somebody closes it, and never opens again.

mod offline;
mod outcome;
mod terms;

use jiff::{SignedDuration, Timestamp};

pub use outcome::{Deed, LeftBehind, Leftover, Outcome, Refused, Seen, Severed, Way};
pub use terms::{BreakGlass, Life, Reason};

use crate::arm::Ruled;
use crate::id::{ClusterUid, DoorId, PrincipalId, TenantId};

/// One opening of a cluster's door, for one holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Its id, part of the group in the certificate.
    pub id: DoorId,
    /// The cluster's tenant.
    pub tenant: TenantId,
    /// Which cluster.
    pub cluster: ClusterUid,
    /// Who asked, and holds the certificate.
    pub holder: PrincipalId,
    /// Why.
    pub reason: Reason,
    /// How long it stays open once it is.
    pub life: Life,
    /// When it was asked for.
    pub asked: Timestamp,
    /// Where it stands.
    pub state: DoorState,
}

/// Where a door stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoorState {
    /// It waits for a second person.
    Requested {
        /// Until when.
        until: Timestamp,
    },
    /// The certificate is good for something.
    Open(Opening),
    /// It is over.
    Closed {
        /// Why.
        why: Closing,
        /// Since when.
        at: Timestamp,
        /// Who did it; nobody, when time did.
        by: Option<PrincipalId>,
        /// What had been opened, if it ever was.
        opening: Option<Opening>,
    },
}

/// What came into being when a door opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The certificate, PEM; its key is kept sealed.
    pub certificate: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when at most.
    pub until: Timestamp,
    /// Who agreed: the second person, or the holder where none is needed.
    pub by: PrincipalId,
}

/// Why a door is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Closing {
    /// Somebody closed it.
    ByHand,
    /// Its time was over, or nobody agreed in time.
    Expired,
    /// Local accounts were disabled.
    LocalAccountsDisabled,
    /// The cluster was deleted.
    ClusterGone,
    /// The holder was disabled, removed, or revoked since.
    HolderRevoked,
    /// The cluster's certificates were made anew.
    CertificatesRotated,
    /// The cluster did not take it.
    Failed,
}

impl Closing {
    const ALL: [Self; 7] = [
        Self::ByHand,
        Self::Expired,
        Self::LocalAccountsDisabled,
        Self::ClusterGone,
        Self::HolderRevoked,
        Self::CertificatesRotated,
        Self::Failed,
    ];

    /// The word of the resource and of the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "byHand",
            Self::Expired => "expired",
            Self::LocalAccountsDisabled => "localAccountsDisabled",
            Self::ClusterGone => "clusterGone",
            Self::HolderRevoked => "holderRevoked",
            Self::CertificatesRotated => "certificatesRotated",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for Closing {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or_else(|| format!("`{text}` is no reason to close a door"))
    }
}

/// The people who act through a principal: itself and, for an application, its owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hands {
    principal: PrincipalId,
    is_person: bool,
    owners: Vec<PrincipalId>,
}

impl Hands {
    /// A person.
    pub fn of_person(principal: PrincipalId) -> Self {
        Self { principal, is_person: true, owners: Vec::new() }
    }

    /// An application's service principal, with the owners of both.
    pub fn of_application(principal: PrincipalId, owners: Vec<PrincipalId>) -> Self {
        Self { principal, is_person: false, owners }
    }

    fn all(&self) -> impl Iterator<Item = PrincipalId> {
        std::iter::once(self.principal).chain(self.owners.iter().copied())
    }

    /// Whether one and the same person may stand behind both.
    fn shares(&self, other: &Self) -> bool {
        self.all().any(|one| other.all().any(|also| one == also))
    }
}

/// The proof that a door may open. Only [`Door::alone`] and [`Door::approve`] make one.
#[derive(Debug)]
pub struct Agreed {
    door: DoorId,
    by: PrincipalId,
}

impl Agreed {
    /// Who agreed.
    pub fn by(&self) -> PrincipalId {
        self.by
    }
}

/// Why a door is not asked for, not approved, not closed or not handed out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DoorRefusal {
    /// Nobody said why.
    #[error("A door opens with a reason: send `properties.reason`, such as the ticket and what is broken.")]
    NoReason,
    /// The reason cannot be shown to others.
    #[error("The reason must be one line of at most {max} characters.")]
    Reason {
        /// How long it may be.
        max: usize,
    },
    /// The duration cannot be read.
    #[error("'{given}' is no duration of a door; write `2h`, `90m` or `PT2H`, between {} and {}.", Life::SHORTEST, Life::LONGEST)]
    Duration {
        /// What was sent.
        given: String,
    },
    /// The cluster does not allow that much.
    #[error("A door of this cluster stays open for {allowed} at most; {asked} was asked for.")]
    TooLong {
        /// What was asked for.
        asked: Life,
        /// `entranceProfile.breakGlass.validity`.
        allowed: Life,
    },
    /// Each open door is a certificate that the API server compares callers with.
    #[error("{max} doors of this cluster are requested or open already; close some.")]
    TooMany {
        /// How many there may be.
        max: usize,
    },
    /// It does not wait for anybody.
    #[error("The door is {state}; only one that is requested can be approved.")]
    NotRequested {
        /// What it is.
        state: &'static str,
    },
    /// Nobody agreed in time.
    #[error("The request was good until {until:.0}; ask again.")]
    TooLate {
        /// Until when it waited.
        until: Timestamp,
    },
    /// Whoever has an application's secret could be anybody, also the requester.
    #[error("An application is nobody's second person; a person must approve.")]
    NotAPerson,
    /// One cannot agree with oneself.
    #[error(
        "Nobody approves their own request, nor through an application that they own; another person with the same right must."
    )]
    SameHand,
    /// It is not open.
    #[error("The door is {state}.")]
    NotOpen {
        /// What it is.
        state: &'static str,
    },
    /// It is somebody else's.
    #[error("The kubeconfig of a door is for {holder} only, who asked for it.")]
    NotHolder {
        /// Whose it is.
        holder: PrincipalId,
    },
    /// `az` cannot wait for a second person.
    #[error(
        "This cluster wants a second person for break-glass. Ask with `entrance break-glass open -g {group} -n {name} --reason '...'`; once another person with the same right has approved it (`entrance break-glass approve`), this command hands out the file."
    )]
    SecondPerson {
        /// The cluster's resource group.
        group: String,
        /// Its name.
        name: String,
    },
}

impl Ruled for DoorRefusal {
    fn rule(&self) -> &'static str {
        match self {
            Self::NoReason | Self::Reason { .. } => "R-013",
            Self::Duration { .. } | Self::TooLong { .. } => "R-542",
            Self::TooMany { .. } | Self::NotRequested { .. } | Self::TooLate { .. } | Self::NotOpen { .. } => "R-207",
            Self::SameHand | Self::NotAPerson | Self::NotHolder { .. } | Self::SecondPerson { .. } => "R-541",
        }
    }
    fn status(&self) -> u16 {
        match self {
            Self::NoReason | Self::Reason { .. } | Self::Duration { .. } | Self::TooLong { .. } => 400,
            Self::SameHand | Self::NotAPerson | Self::NotHolder { .. } => 403,
            Self::TooMany { .. }
            | Self::NotRequested { .. }
            | Self::TooLate { .. }
            | Self::NotOpen { .. }
            | Self::SecondPerson { .. } => 409,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::NoReason | Self::Reason { .. } | Self::Duration { .. } | Self::TooLong { .. } => "InvalidParameter",
            Self::NotHolder { .. } => "AuthorizationFailed",
            Self::TooMany { .. } | Self::NotRequested { .. } | Self::NotOpen { .. } => "OperationNotAllowed",
            Self::TooLate { .. } => "RequestExpired",
            Self::SameHand | Self::NotAPerson | Self::SecondPerson { .. } => "SecondPersonRequired",
        }
    }
    fn target(&self) -> Option<String> {
        match self {
            Self::NoReason | Self::Reason { .. } => Some("reason".to_owned()),
            Self::Duration { .. } | Self::TooLong { .. } => Some("duration".to_owned()),
            _ => None,
        }
    }
}

impl Door {
    /// How many doors of one cluster may be requested or open at a time.
    pub const MOST: usize = 50;
    /// How long a request waits for a second person.
    pub const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

    /// Asks for it to be opened without anybody else.
    pub fn alone(&self, house: &BreakGlass) -> Option<Agreed> {
        (!house.second_person).then_some(Agreed { door: self.id, by: self.holder })
    }

    /// A second person agrees.
    pub fn approve(&self, holder: &Hands, by: &Hands, now: Timestamp) -> Result<Agreed, DoorRefusal> {
        match &self.state {
            DoorState::Requested { until } if now >= *until => Err(DoorRefusal::TooLate { until: *until }),
            DoorState::Requested { .. } if !by.is_person => Err(DoorRefusal::NotAPerson),
            DoorState::Requested { .. } if by.shares(holder) => Err(DoorRefusal::SameHand),
            DoorState::Requested { .. } => Ok(Agreed { door: self.id, by: by.principal }),
            DoorState::Open(_) | DoorState::Closed { .. } => Err(DoorRefusal::NotRequested { state: self.state.as_str() }),
        }
    }

    /// Opens it with a certificate that was just made.
    pub fn open(self, agreed: &Agreed, certificate: String, now: Timestamp) -> Result<Self, DoorRefusal> {
        match self.state {
            DoorState::Requested { .. } if agreed.door == self.id => {
                let opening = Opening { certificate, at: now, until: self.life.after(now), by: agreed.by };
                Ok(Self { state: DoorState::Open(opening), ..self })
            }
            state => Err(DoorRefusal::NotRequested { state: state.as_str() }),
        }
    }

    /// Closes it, or withdraws the request.
    pub fn close(self, why: Closing, by: Option<PrincipalId>, now: Timestamp) -> Result<Self, DoorRefusal> {
        let opening = match self.state {
            DoorState::Requested { .. } => None,
            DoorState::Open(opening) => Some(opening),
            state @ DoorState::Closed { .. } => return Err(DoorRefusal::NotOpen { state: state.as_str() }),
        };
        Ok(Self { state: DoorState::Closed { why, at: now, by, opening }, ..self })
    }

    /// What was opened, for its holder while it is open.
    pub fn for_holder(&self, caller: PrincipalId, now: Timestamp) -> Result<&Opening, DoorRefusal> {
        if caller != self.holder {
            return Err(DoorRefusal::NotHolder { holder: self.holder });
        }
        match &self.state {
            DoorState::Open(opening) if now < opening.until => Ok(opening),
            DoorState::Open(_) => Err(DoorRefusal::NotOpen { state: "over" }),
            state => Err(DoorRefusal::NotOpen { state: state.as_str() }),
        }
    }

    /// What was opened, if it ever was.
    pub fn opening(&self) -> Option<&Opening> {
        match &self.state {
            DoorState::Requested { .. } => None,
            DoorState::Open(opening) => Some(opening),
            DoorState::Closed { opening, .. } => opening.as_ref(),
        }
    }

    /// Whether the certificate is good for something now.
    pub fn is_open(&self, now: Timestamp) -> bool {
        matches!(&self.state, DoorState::Open(opening) if now < opening.until)
    }

    /// Whether its time is over, and nobody has written that down yet.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        match &self.state {
            DoorState::Requested { until } | DoorState::Open(Opening { until, .. }) => now >= *until,
            DoorState::Closed { .. } => false,
        }
    }

    /// The group that the binding in the cluster names.
    pub fn group(id: DoorId) -> String {
        format!("entrance:break-glass:{id}")
    }

    /// The user name in the certificate.
    pub fn user(holder: PrincipalId) -> String {
        format!("breakglass:{holder}")
    }
}

impl DoorState {
    /// A request that begins to wait now.
    pub fn requested(now: Timestamp) -> Self {
        Self::Requested { until: now.checked_add(Door::PATIENCE).unwrap_or(now) }
    }

    /// The word of the resource.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "requested",
            Self::Open(_) => "open",
            Self::Closed { .. } => "closed",
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn who(n: u128) -> PrincipalId {
        PrincipalId::from_uuid(Uuid::from_u128(n))
    }

    fn person(n: u128) -> Hands {
        Hands::of_person(who(n))
    }

    fn application(n: u128, owners: &[u128]) -> Hands {
        Hands::of_application(who(n), owners.iter().map(|n| who(*n)).collect())
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes * 60).expect("a time")
    }

    fn asked() -> Door {
        Door {
            id: DoorId::from_uuid(Uuid::from_u128(1)),
            tenant: TenantId::from_uuid(Uuid::from_u128(2)),
            cluster: ClusterUid::from_uuid(Uuid::from_u128(3)),
            holder: who(10),
            reason: "the pager rang".parse().expect("a reason"),
            life: "2h".parse().expect("a duration"),
            asked: at(0),
            state: DoorState::requested(at(0)),
        }
    }

    #[test]
    fn a_door_opens_once_and_closes_once() {
        let alone = asked().alone(&BreakGlass::default()).expect("no second person is needed");
        let open = asked().open(&alone, "PEM".into(), at(1)).expect("opens");
        assert!(open.is_open(at(120)) && !open.is_open(at(121)) && open.is_overdue(at(121)));
        assert_eq!(open.opening().map(|opening| opening.by), Some(who(10)));
        assert!(open.clone().open(&alone, "PEM".into(), at(2)).is_err(), "twice");
        let closed = open.close(Closing::ByHand, Some(who(11)), at(3)).expect("closes");
        assert!(!closed.is_open(at(3)) && !closed.is_overdue(at(999)));
        assert!(closed.clone().open(&alone, "PEM".into(), at(4)).is_err(), "never again");
        assert_eq!(closed.clone().close(Closing::Expired, None, at(5)), Err(DoorRefusal::NotOpen { state: "closed" }));
        assert_eq!(closed.for_holder(who(10), at(5)), Err(DoorRefusal::NotOpen { state: "closed" }));
    }

    #[test]
    fn where_a_second_person_is_needed_nobody_opens_alone() {
        assert!(asked().alone(&BreakGlass { second_person: true, ..BreakGlass::default() }).is_none());
        let (holder, door) = (person(10), asked());
        let agreed = door.approve(&holder, &person(11), at(14)).expect("another person");
        let open = asked().open(&agreed, "PEM".into(), at(14)).expect("opens");
        assert_eq!(open.opening().map(|opening| (opening.by, opening.until)), Some((who(11), at(134))), "time counts from here");
        assert_eq!(door.approve(&holder, &person(11), at(15)).err(), Some(DoorRefusal::TooLate { until: at(15) }));
        assert_eq!(open.approve(&holder, &person(12), at(14)).err(), Some(DoorRefusal::NotRequested { state: "open" }));
    }

    #[test]
    fn a_requester_is_not_their_own_second_person_by_any_application() {
        let door = asked();
        for (holder, by) in [
            (person(10), person(10)),
            // The owner of the application that asked.
            (application(10, &[30]), person(30)),
        ] {
            assert_eq!(door.approve(&holder, &by, at(1)).err(), Some(DoorRefusal::SameHand), "{holder:?} {by:?}");
        }
        for owners in [&[5, 10][..], &[5], &[]] {
            let refused = door.approve(&person(10), &application(20, owners), at(1)).err();
            assert_eq!(refused, Some(DoorRefusal::NotAPerson), "whoever has its secret may be the requester");
        }
        assert!(door.approve(&application(10, &[30]), &person(31), at(1)).is_ok());
    }

    #[test]
    fn an_agreement_is_for_one_door() {
        let other = Door { id: DoorId::from_uuid(Uuid::from_u128(9)), ..asked() };
        let agreed = other.alone(&BreakGlass::default()).expect("no second person is needed");
        assert!(asked().open(&agreed, "PEM".into(), at(1)).is_err());
    }

    #[test]
    fn the_file_is_for_its_holder_while_the_door_is_open() {
        let alone = asked().alone(&BreakGlass::default()).expect("no second person is needed");
        let open = asked().open(&alone, "PEM".into(), at(0)).expect("opens");
        assert!(open.for_holder(who(10), at(1)).is_ok());
        assert_eq!(open.for_holder(who(11), at(1)), Err(DoorRefusal::NotHolder { holder: who(10) }));
        assert_eq!(open.for_holder(who(10), at(120)), Err(DoorRefusal::NotOpen { state: "over" }));
        assert_eq!(asked().for_holder(who(10), at(1)), Err(DoorRefusal::NotOpen { state: "requested" }));
    }

    #[test]
    fn reasons_to_close_are_read_as_they_are_written() {
        for why in Closing::ALL {
            assert_eq!(why.as_str().parse(), Ok(why));
        }
        assert!("boredom".parse::<Closing>().is_err());
    }
}
