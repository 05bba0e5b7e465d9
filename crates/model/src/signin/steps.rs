//! What a sign-in still needs (S-802, S-803, W-3.3): one function says which page comes next, and the same function says
//! that none is left. Whoever answers an application or a device asks it again: a browser that skips a page gains nothing.

use jiff::{SignedDuration, Timestamp};

use super::Method;
use super::policy::Demands;
use super::session::BrowserSession;

/// The second factors that a person has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Methods {
    /// An authenticator app.
    pub totp: bool,
    /// At least one passkey.
    pub passkey: bool,
    /// A passkey that is refused because a copy of it may exist.
    pub alarmed: bool,
    /// Recovery codes that were not used.
    pub recovery_codes: u32,
}

impl Methods {
    /// Whether the person has a second factor. Recovery codes only stand in for one; one that is refused by now was one all
    /// the same, and the password alone is not enough because somebody copied it.
    pub const fn any(self) -> bool {
        self.is_good() || self.alarmed
    }

    /// Whether one of them can be shown.
    pub const fn is_good(self) -> bool {
        self.totp || self.passkey
    }
}

/// Everything that the next page depends on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The session that was chosen or begun.
    pub session: Option<&'a BrowserSession>,
    /// Somebody is signed in in this browser and could be chosen.
    pub others: bool,
    /// When the sign-in began; ages are measured from here, so that a slow person is not asked again.
    pub began: Timestamp,
    /// How old the proof of who they are may be: `prompt=login`, `max_age`.
    pub fresh_within: Option<SignedDuration>,
    /// How old the second factor may be (W-033).
    pub strong_within: Option<SignedDuration>,
    /// The password is only good for choosing a new one.
    pub must_change_password: bool,
    /// The second factors that the person has.
    pub methods: Methods,
    /// What the tenant's policies ask.
    pub demands: Demands,
    /// The person has not agreed to what the application asks.
    pub consent_missing: bool,
}

/// The next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A name and a password, or a passkey.
    SignIn,
    /// A choice among those who are signed in.
    Account,
    /// A new password.
    PasswordChange,
    /// A second factor that the person has.
    SecondFactor,
    /// A second factor that the person has to set up.
    Enroll,
    /// Agreement to what the application asks.
    Consent,
    /// Nothing is missing.
    Return,
}

/// How old a second factor may be where something dangerous is about to be done (W-033).
pub const STEP_UP: SignedDuration = SignedDuration::from_mins(5);

/// How old the proof of a person may be when a second factor is set up (S-802); long enough to install an app.
pub const ENROLMENT: SignedDuration = SignedDuration::from_mins(15);

/// The next page of a sign-in.
pub fn next(facts: &Facts<'_>) -> Step {
    let Some(session) = facts.session else { return if facts.others { Step::Account } else { Step::SignIn } };
    let is_fresh = |within: SignedDuration| facts.began.duration_since(session.at) <= within;
    // A policy's age is over at its end, as where tokens are made; what was proven since the sign-in began is new.
    let is_young = |within: SignedDuration| session.at >= facts.began || facts.began.duration_since(session.at) < within;
    if facts.fresh_within.is_some_and(|within| !is_fresh(within))
        || facts.demands.fresh_within.is_some_and(|within| !is_young(within))
    {
        return Step::SignIn;
    }
    // A password that somebody else may know changes nothing where a second factor is there.
    if facts.methods.any() && !session.how.contains(&Method::Mfa) {
        return Step::SecondFactor;
    }
    if facts.must_change_password {
        return Step::PasswordChange;
    }
    // Setting a factor up needs a sign-in that is not long ago, whoever sits at the browser now.
    let enroll = || if is_fresh(ENROLMENT) { Step::Enroll } else { Step::SignIn };
    let wants_second = facts.demands.second_factor || facts.demands.passkey || facts.strong_within.is_some();
    if wants_second && !session.how.contains(&Method::Mfa) {
        return enroll();
    }
    if facts.demands.passkey && !session.how.contains(&Method::Fido) {
        return if facts.methods.passkey { Step::SecondFactor } else { enroll() };
    }
    if let Some(within) = facts.strong_within
        && session.strong.is_none_or(|strong| facts.began.duration_since(strong) > within)
    {
        return if facts.methods.any() { Step::SecondFactor } else { enroll() };
    }
    if facts.consent_missing { Step::Consent } else { Step::Return }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::{SessionId, UserId};

    const TOTP: Methods = Methods { totp: true, passkey: false, alarmed: false, recovery_codes: 10 };
    const BOTH: Methods = Methods { totp: true, passkey: true, alarmed: false, recovery_codes: 10 };

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + minutes * 60).expect("a time")
    }

    fn session(how: &[Method]) -> BrowserSession {
        let strong = how.contains(&Method::Mfa).then(|| at(0));
        BrowserSession {
            id: SessionId::from_uuid(Uuid::from_u128(1)),
            user: UserId::from_uuid(Uuid::from_u128(1)),
            at: at(0),
            how: how.to_vec(),
            seen: at(0),
            strong,
            keep: false,
        }
    }

    fn facts(session: &BrowserSession) -> Facts<'_> {
        Facts {
            session: Some(session),
            others: true,
            began: at(0),
            fresh_within: None,
            strong_within: None,
            must_change_password: false,
            methods: Methods::default(),
            demands: Demands::default(),
            consent_missing: false,
        }
    }

    #[test]
    fn w_3_1_nobody_is_signed_in_by_being_there() {
        let nobody = session(&[]);
        let facts = Facts { session: None, ..facts(&nobody) };
        assert_eq!(next(&facts), Step::Account);
        assert_eq!(next(&Facts { others: false, ..facts }), Step::SignIn);
    }

    #[test]
    fn s_802_who_has_a_second_factor_is_asked_for_it_whatever_the_policy_says() {
        let password = session(&[Method::Pwd]);
        assert_eq!(next(&facts(&password)), Step::Return);
        assert_eq!(next(&Facts { methods: TOTP, ..facts(&password) }), Step::SecondFactor);
        let both = session(&[Method::Pwd, Method::Otp, Method::Mfa]);
        assert_eq!(next(&Facts { methods: TOTP, ..facts(&both) }), Step::Return);
        // Recovery codes alone are no second factor.
        let left = Methods { recovery_codes: 3, ..Methods::default() };
        assert_eq!(next(&Facts { methods: left, ..facts(&password) }), Step::Return);
    }

    #[test]
    fn s_802_a_passkey_that_is_refused_leaves_no_password_that_is_enough() {
        let password = session(&[Method::Pwd]);
        let alarmed = Methods { alarmed: true, ..Methods::default() };
        assert!(alarmed.any() && !alarmed.is_good());
        assert_eq!(next(&Facts { methods: alarmed, ..facts(&password) }), Step::SecondFactor);
        let demands = Demands { passkey: true, ..Demands::default() };
        assert_eq!(next(&Facts { methods: alarmed, demands, ..facts(&password) }), Step::SecondFactor, "nor is a new one set up");
        assert_eq!(next(&Facts { methods: alarmed, strong_within: Some(STEP_UP), ..facts(&password) }), Step::SecondFactor);
    }

    #[test]
    fn s_803_a_demand_leads_to_the_factor_or_to_setting_one_up() {
        let demands = Demands { second_factor: true, ..Demands::default() };
        let password = session(&[Method::Pwd]);
        assert_eq!(next(&Facts { demands, ..facts(&password) }), Step::Enroll);
        assert_eq!(next(&Facts { demands, methods: TOTP, ..facts(&password) }), Step::SecondFactor);
        let passkey = session(&[Method::Fido, Method::Mfa]);
        assert_eq!(next(&Facts { demands, methods: BOTH, ..facts(&passkey) }), Step::Return);
    }

    #[test]
    fn s_803_a_demanded_passkey_is_set_up_only_behind_the_factor_that_is_there() {
        let demands = Demands { passkey: true, ..Demands::default() };
        let password = session(&[Method::Pwd]);
        assert_eq!(next(&Facts { demands, methods: TOTP, ..facts(&password) }), Step::SecondFactor);
        let with_code = session(&[Method::Pwd, Method::Otp, Method::Mfa]);
        assert_eq!(next(&Facts { demands, methods: TOTP, ..facts(&with_code) }), Step::Enroll);
        assert_eq!(next(&Facts { demands, methods: BOTH, ..facts(&with_code) }), Step::SecondFactor);
    }

    #[test]
    fn s_802_enrolment_needs_a_fresh_sign_in() {
        let demands = Demands { second_factor: true, ..Demands::default() };
        let password = session(&[Method::Pwd]);
        assert_eq!(next(&Facts { demands, began: at(15), ..facts(&password) }), Step::Enroll);
        assert_eq!(next(&Facts { demands, began: at(16), ..facts(&password) }), Step::SignIn);
    }

    #[test]
    fn s_107_an_old_session_does_not_answer_who_asked_for_a_fresh_one() {
        let password = session(&[Method::Pwd]);
        let within = |minutes| Some(SignedDuration::from_mins(minutes));
        assert_eq!(next(&Facts { fresh_within: within(0), began: at(1), ..facts(&password) }), Step::SignIn);
        assert_eq!(next(&Facts { fresh_within: within(2), began: at(1), ..facts(&password) }), Step::Return);
        let demands = Demands { fresh_within: within(60), ..Demands::default() };
        assert_eq!(next(&Facts { demands, began: at(60), ..facts(&password) }), Step::SignIn);
        assert_eq!(next(&Facts { demands, began: at(59), ..facts(&password) }), Step::Return);
    }

    #[test]
    fn w_033_a_second_factor_of_more_than_five_minutes_ago_is_asked_for_again() {
        let both = session(&[Method::Pwd, Method::Otp, Method::Mfa]);
        let dangerous = Facts { strong_within: Some(STEP_UP), methods: TOTP, ..facts(&both) };
        assert_eq!(next(&Facts { began: at(5), ..dangerous }), Step::Return);
        assert_eq!(next(&Facts { began: at(6), ..dangerous }), Step::SecondFactor);
        let password = session(&[Method::Pwd]);
        let first = Facts { strong_within: Some(STEP_UP), ..facts(&password) };
        assert_eq!(next(&first), Step::Enroll, "who has none sets one up");
    }

    #[test]
    fn aadsts_50055_a_password_to_be_changed_comes_before_everything_but_the_factor_that_is_there() {
        let password = session(&[Method::Pwd]);
        let demands = Demands { second_factor: true, ..Demands::default() };
        let asked = Facts { must_change_password: true, demands, consent_missing: true, ..facts(&password) };
        assert_eq!(next(&asked), Step::PasswordChange);
        assert_eq!(next(&Facts { methods: TOTP, ..asked }), Step::SecondFactor);
        let both = session(&[Method::Pwd, Method::Otp, Method::Mfa]);
        assert_eq!(next(&Facts { session: Some(&both), methods: TOTP, ..asked }), Step::PasswordChange);
    }

    #[test]
    fn s_304_consent_is_the_last_question() {
        let password = session(&[Method::Pwd]);
        assert_eq!(next(&Facts { consent_missing: true, ..facts(&password) }), Step::Consent);
        assert_eq!(next(&Facts { consent_missing: true, methods: TOTP, ..facts(&password) }), Step::SecondFactor);
    }
}
