//! The kill switch (S-806): what was revoked, and which tokens that ends.
//!
//! Revocations of a directory are numbered in the order of their commits. A token carries the number of the last one that
//! its maker knew, and the maker compares again in the transaction that hands it out. So it is exact which tokens are older
//! than a revocation: no clock is asked, and a token that was made right after one is good, in the same second too.
//!
//! A token and a session are over for good. A person and an application go on: only what they held ends.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::id::{AppId, BadId, DeviceId, PrincipalId, SessionId, UserId};

/// A revocation is kept until every token from before it has ended by itself: the longest life of one, and a clock that
/// is wrong by as much as is forgiven.
pub const KEPT: SignedDuration = SignedDuration::from_mins(60 + 10);

/// What can be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One access token.
    Token,
    /// One sign-in with everything that came from it.
    Session,
    /// Everything that a person holds.
    Person,
    /// Everything that an application holds, for itself and in people's names.
    Application,
    /// Every session on a device.
    Device,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Token, Self::Session, Self::Person, Self::Application, Self::Device];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::Person => "person",
            Self::Application => "application",
            Self::Device => "device",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names nothing that can be revoked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`token`, `session`, `person`, `application` or `device` can be revoked")]
pub struct BadKind;

impl FromStr for Kind {
    type Err = BadKind;
    fn from_str(text: &str) -> Result<Self, BadKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(BadKind)
    }
}

/// The unique id of a token (`uti`, `jti`): the credential id in an API server's audit log, without `JTI=`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenId(String);

impl TokenId {
    /// The id as it stands in the token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenId {
    type Err = BadTarget;
    fn from_str(text: &str) -> Result<Self, BadTarget> {
        let bare = text.strip_prefix("JTI=").unwrap_or(text);
        let fits = (1..=64).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if fits { Ok(Self(bare.to_owned())) } else { Err(BadTarget::Token) }
    }
}

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A token.
    Token(TokenId),
    /// A session.
    Session(SessionId),
    /// A person.
    Person(UserId),
    /// An application, by its client id.
    Application(AppId),
    /// A device.
    Device(DeviceId),
}

/// The text is no id of that kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// No id of a token.
    #[error("not the id of a token (`uti`: up to 64 letters, digits, `-` and `_`)")]
    Token,
    /// No object id.
    #[error(transparent)]
    Id(#[from] BadId),
}

impl Target {
    /// Reads an id of a kind.
    pub fn parse(kind: Kind, id: &str) -> Result<Self, BadTarget> {
        Ok(match kind {
            Kind::Token => Self::Token(id.parse()?),
            Kind::Session => Self::Session(id.parse()?),
            Kind::Person => Self::Person(id.parse()?),
            Kind::Application => Self::Application(id.parse()?),
            Kind::Device => Self::Device(id.parse()?),
        })
    }

    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Token(_) => Kind::Token,
            Self::Session(_) => Kind::Session,
            Self::Person(_) => Kind::Person,
            Self::Application(_) => Kind::Application,
            Self::Device(_) => Kind::Device,
        }
    }

    /// Its id as text.
    pub fn id(&self) -> String {
        match self {
            Self::Token(id) => id.as_str().to_owned(),
            Self::Session(id) => id.to_string(),
            Self::Person(id) => id.to_string(),
            Self::Application(id) => id.to_string(),
            Self::Device(id) => id.to_string(),
        }
    }
}

/// Something that was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Its place in the order of the directory's revocations.
    pub number: i64,
    /// What.
    pub target: Target,
    /// What was asked for, where this one follows from a larger one: a device, or the session it began in.
    pub through: Option<Target>,
    /// Why, in words of whoever did it.
    pub reason: String,
    /// Who did it.
    pub by: Option<PrincipalId>,
    /// When.
    pub at: Timestamp,
    /// When it may be forgotten.
    pub until: Timestamp,
}

/// What a token says that a revocation may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issued<'a> {
    /// `uti`
    pub id: &'a str,
    /// `sid`
    pub session: Option<SessionId>,
    /// `oid`
    pub subject: PrincipalId,
    /// `appid`
    pub app: AppId,
    /// `rev`: the last revocation that its maker knew. `None` in a token that does not say.
    pub known: Option<i64>,
    /// `iat`, in whole seconds; it counts only where `known` is missing.
    pub at: Timestamp,
}

/// The place of a revocation in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    number: i64,
    at: Timestamp,
    until: Timestamp,
    shown: Kind,
}

impl Moment {
    const fn of(revocation: &Revocation) -> Self {
        let shown = match &revocation.through {
            Some(larger) => larger.kind(),
            None => revocation.target.kind(),
        };
        Self { number: revocation.number, at: revocation.at, until: revocation.until, shown }
    }

    /// Whether it came after the token. Where the token does not tell, its whole second counts as before.
    fn is_after(self, token: &Issued<'_>) -> bool {
        match token.known {
            Some(known) => known < self.number,
            None => token.at.as_second() <= self.at.as_second(),
        }
    }
}

impl Revocation {
    /// Whether it ends this token.
    pub fn ends(&self, token: &Issued<'_>) -> bool {
        match &self.target {
            Target::Token(id) => id.as_str() == token.id,
            Target::Session(id) => token.session == Some(*id),
            Target::Person(id) => PrincipalId::from(*id) == token.subject && Moment::of(self).is_after(token),
            Target::Application(id) => *id == token.app && Moment::of(self).is_after(token),
            // Its sessions were revoked one by one, in the same commit.
            Target::Device(_) => false,
        }
    }
}

/// The revocations of a directory that may still meet a token.
#[derive(Debug, Clone, Default)]
pub struct Revocations {
    tokens: HashMap<String, Moment>,
    others: HashMap<Target, Moment>,
    head: i64,
}

impl Revocations {
    /// The number of the newest one.
    pub const fn head(&self) -> i64 {
        self.head
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.tokens.len() + self.others.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes one in.
    pub fn add(&mut self, revocation: &Revocation) {
        self.head = self.head.max(revocation.number);
        let moment = Moment::of(revocation);
        match &revocation.target {
            Target::Token(id) => self.tokens.insert(id.as_str().to_owned(), moment),
            other => self.others.insert(other.clone(), moment),
        };
    }

    /// Whether one of them may be forgotten.
    pub fn has_old(&self, now: Timestamp) -> bool {
        self.tokens.values().chain(self.others.values()).any(|moment| moment.until <= now)
    }

    /// Forgets those that no living token can be older than.
    pub fn forget(&mut self, now: Timestamp) {
        self.tokens.retain(|_, moment| moment.until > now);
        self.others.retain(|_, moment| moment.until > now);
    }

    /// What was revoked that this token is, belongs to or came from.
    pub fn meets(&self, token: &Issued<'_>) -> Option<Kind> {
        if self.is_empty() {
            return None;
        }
        if let Some(moment) = self.tokens.get(token.id) {
            return Some(moment.shown);
        }
        let session = token.session.and_then(|id| self.others.get(&Target::Session(id)));
        if let Some(moment) = session {
            return Some(moment.shown);
        }
        let after = |target| self.others.get(&target).filter(|moment| moment.is_after(token)).map(|moment| moment.shown);
        after(Target::Person(token.subject.as_user())).or_else(|| after(Target::Application(token.app)))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::well_known::{AKS_CLIENT, AZURE_CLI};

    const ALICE: UserId = UserId::from_uuid(Uuid::from_u128(1));
    const SESSION: SessionId = SessionId::from_uuid(Uuid::from_u128(2));
    const OTHER: SessionId = SessionId::from_uuid(Uuid::from_u128(3));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).expect("a time")
    }

    fn token() -> Issued<'static> {
        Issued { id: "t", session: Some(SESSION), subject: ALICE.into(), app: AKS_CLIENT, known: Some(7), at: at(0) }
    }

    fn revocation(number: i64, target: Target) -> Revocation {
        let reason = "test".to_owned();
        Revocation { number, target, through: None, reason, by: None, at: at(0), until: at(0) + KEPT }
    }

    fn meets(revocation: &Revocation, token: &Issued<'_>) -> Option<&'static str> {
        let mut all = Revocations::default();
        all.add(revocation);
        let kind = all.meets(token);
        assert_eq!(kind.is_some(), revocation.ends(token), "the list and the single one agree");
        kind.map(Kind::as_str)
    }

    #[test]
    fn a_token_and_a_session_are_over_for_good_and_their_neighbours_go_on() {
        let one = revocation(1, Target::parse(Kind::Token, "t").expect("an id"));
        assert_eq!(meets(&one, &token()), Some("token"), "whatever was known");
        assert_eq!(meets(&one, &Issued { id: "u", ..token() }), None);
        let session = revocation(1, Target::Session(SESSION));
        assert_eq!(meets(&session, &token()), Some("session"));
        assert_eq!(meets(&session, &Issued { session: Some(OTHER), ..token() }), None);
        assert_eq!(meets(&session, &Issued { session: None, ..token() }), None);
    }

    #[test]
    fn a_person_and_an_application_lose_what_was_made_before_and_keep_what_is_made_after_in_the_same_second() {
        for target in [Target::Person(ALICE), Target::Application(AKS_CLIENT)] {
            let kind = target.kind().as_str();
            assert_eq!(meets(&revocation(8, target.clone()), &token()), Some(kind), "made when seven were known");
            assert_eq!(meets(&revocation(7, target.clone()), &token()), None, "its maker knew it");
            let before = Issued { known: Some(6), at: at(100), ..token() };
            assert_eq!(meets(&revocation(7, target), &before), Some(kind), "a clock that is wrong changes nothing");
        }
        let stranger = Issued { subject: PrincipalId::from_uuid(Uuid::max()), app: AZURE_CLI, ..token() };
        assert_eq!(meets(&revocation(8, Target::Person(ALICE)), &stranger), None);
        assert_eq!(meets(&revocation(8, Target::Application(AKS_CLIENT)), &stranger), None);
    }

    #[test]
    fn a_token_that_does_not_tell_is_refused_for_its_whole_second() {
        let person = revocation(8, Target::Person(ALICE));
        assert_eq!(meets(&person, &Issued { known: None, ..token() }), Some("person"));
        assert_eq!(meets(&person, &Issued { known: None, at: at(1), ..token() }), None);
    }

    #[test]
    fn what_follows_from_a_larger_one_says_so() {
        let device = Target::Device(DeviceId::from_uuid(Uuid::from_u128(9)));
        assert_eq!(meets(&revocation(1, device.clone()), &token()), None, "its sessions are revoked beside it");
        let session = Revocation { through: Some(device), ..revocation(2, Target::Session(SESSION)) };
        assert_eq!(meets(&session, &token()), Some("device"));
    }

    #[test]
    fn the_list_forgets_what_no_living_token_can_be_older_than() {
        let mut all = Revocations::default();
        all.add(&revocation(3, Target::Person(ALICE)));
        all.add(&revocation(4, Target::parse(Kind::Token, "t").expect("an id")));
        assert_eq!((all.len(), all.head()), (2, 4));
        assert!(!all.has_old(at(0)));
        all.forget(at(0) + KEPT);
        assert_eq!((all.len(), all.head()), (0, 4), "the number never goes back");
        assert_eq!(all.meets(&token()), None);
    }

    #[test]
    fn ids_are_read_as_their_kind() {
        assert_eq!(Target::parse(Kind::Token, "JTI=abc-_9").map(|target| target.id()), Ok("abc-_9".into()));
        for bad in ["", "a b", "a.b", &"a".repeat(65)] {
            assert_eq!(Target::parse(Kind::Token, bad), Err(BadTarget::Token), "{bad}");
        }
        assert!(Target::parse(Kind::Session, "t").is_err());
        assert_eq!("device".parse(), Ok(Kind::Device));
        assert_eq!("Token".parse::<Kind>(), Err(BadKind));
    }

    #[test]
    fn revocations_outlive_every_token() {
        use crate::signin::resource::Kind;
        for kind in [Kind::Cluster, Kind::Arm, Kind::Graph, Kind::OtherBuiltIn, Kind::Own] {
            assert!(SignedDuration::from_secs(kind.user_token_life()) < KEPT);
        }
    }
}
