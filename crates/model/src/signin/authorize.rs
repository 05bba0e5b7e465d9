//! An authorization request (S-100…S-110): what was asked, and what happens next in this browser.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::pkce::Challenge;
use super::session::BrowserSession;
use super::{Aadsts, Endpoint};
use crate::id::{AppId, SessionId, TenantId, UserId};

/// How the answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In the fragment of a redirect.
    Fragment,
    /// In a form that the browser posts.
    FormPost,
}

impl ResponseMode {
    /// Reads `response_mode` (S-103): a code travels in the query unless something else was asked; tokens never do.
    pub fn parse(text: Option<&str>, kind: ResponseType) -> Result<Self, Aadsts> {
        match (text, kind.has_id_token()) {
            (None | Some("query"), false) => Ok(Self::Query),
            (None | Some("fragment"), true) | (Some("fragment"), false) => Ok(Self::Fragment),
            (Some("form_post"), _) => Ok(Self::FormPost),
            (Some(_), _) => Err(Aadsts::UnsupportedResponseMode),
        }
    }
}

/// What the application wants back at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseType {
    /// A code.
    #[default]
    Code,
    /// An ID token, and nothing that opens anything.
    IdToken,
    /// Both.
    CodeIdToken,
}

impl ResponseType {
    /// Reads `response_type` (S-102). `may_id_token` tells whether the registration allows an ID token without a code being
    /// redeemed. Access tokens never travel through a browser (RFC 9700 §2.1.2).
    pub fn parse(text: &str, may_id_token: bool) -> Result<Self, Aadsts> {
        let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
        words.sort_unstable();
        match words.as_slice() {
            ["code"] => Ok(Self::Code),
            ["id_token"] | ["code", "id_token"] if !may_id_token => Err(Aadsts::ResponseTypeIdTokenDisabled),
            ["id_token"] => Ok(Self::IdToken),
            ["code", "id_token"] => Ok(Self::CodeIdToken),
            ["token"] | ["id_token" | "code", "token"] | ["code", "id_token", "token"] => Err(Aadsts::ResponseTypeTokenDisabled),
            _ => Err(Aadsts::UnsupportedResponseType),
        }
    }

    /// What the text names, as far as it can be told before it is checked: where a refusal travels depends on it.
    pub fn guess(text: Option<&str>) -> Self {
        let has = |word| text.unwrap_or_default().split_ascii_whitespace().any(|one| one == word);
        match (has("code"), has("id_token") || has("token")) {
            (true, true) => Self::CodeIdToken,
            (false, true) => Self::IdToken,
            (_, false) => Self::Code,
        }
    }

    /// Whether a code is wanted.
    pub const fn has_code(self) -> bool {
        matches!(self, Self::Code | Self::CodeIdToken)
    }

    /// Whether an ID token is wanted.
    pub const fn has_id_token(self) -> bool {
        matches!(self, Self::IdToken | Self::CodeIdToken)
    }
}

/// What the application wants the person to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Whatever is needed.
    Auto,
    /// No page at all.
    None,
    /// Credentials again.
    Login,
    /// A choice of account.
    SelectAccount,
}

impl Prompt {
    /// Whether `prompt` asks for the consent page, whatever was allowed before.
    pub fn asks_consent(text: Option<&str>) -> bool {
        text.unwrap_or_default().split_ascii_whitespace().any(|word| word == "consent")
    }

    /// Reads `prompt`. `none` stands alone; `consent` is told by [`Prompt::asks_consent`], and `create` asks for nothing here.
    pub fn parse(text: Option<&str>) -> Result<Self, Aadsts> {
        let Some(text) = text else { return Ok(Self::Auto) };
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        if words.contains(&"none") {
            return if words.len() == 1 { Ok(Self::None) } else { Err(Aadsts::InvalidRequest) };
        }
        if !words.iter().all(|word| ["login", "select_account", "consent", "create"].contains(word)) {
            return Err(Aadsts::InvalidRequest);
        }
        Ok(if words.contains(&"login") {
            Self::Login
        } else if words.contains(&"select_account") {
            Self::SelectAccount
        } else {
            Self::Auto
        })
    }
}

/// A checked authorization request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The client.
    pub app: AppId,
    /// Which generation was asked.
    pub endpoint: Endpoint,
    /// A registered address.
    pub redirect: String,
    /// How the answer travels.
    pub mode: ResponseMode,
    /// Comes back as it was sent.
    pub state: Option<String>,
    /// Goes into the ID token as it was sent.
    pub nonce: Option<String>,
    /// The scope of a v2 request, the resource of a v1 request.
    pub scope: String,
    /// The proof key.
    pub challenge: Option<Challenge>,
    /// What the person should see.
    pub prompt: Prompt,
    /// Who will probably sign in.
    pub login_hint: Option<String>,
    /// The session that the application means.
    pub sid: Option<SessionId>,
    /// The only person whom the answer may be about: an ID token of theirs came along (`id_token_hint`).
    #[serde(default)]
    pub only: Option<UserId>,
    /// A sign-in older than this many seconds does not count.
    pub max_age: Option<i64>,
    /// `client_info=1` was sent.
    pub client_info: bool,
    /// What comes back at once.
    #[serde(default)]
    pub response: ResponseType,
    /// The consent page is shown, whatever was allowed before (`prompt=consent`), until it was answered.
    #[serde(default)]
    pub consent: bool,
    /// `auth_time` was asked for by `claims`.
    #[serde(default)]
    pub auth_time: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// This session answers, without a page.
    Use(SessionId),
    /// The sign-in page.
    SignIn,
    /// The account picker.
    Pick,
    /// The application gets an error.
    Refuse(Aadsts),
}

/// Decides what happens next in a browser with these live sessions of the tenant (S-107, S-108).
pub fn next(request: &AuthorizeRequest, sessions: &[(&BrowserSession, &str)], now: Timestamp) -> Next {
    let fresh = |session: &BrowserSession| {
        request.max_age.is_none_or(|age| now.duration_since(session.at) <= SignedDuration::from_secs(age))
    };
    let named = |session: &BrowserSession, upn: &str| match (&request.sid, request.only, &request.login_hint) {
        (Some(sid), only, _) => session.id == *sid && only.is_none_or(|only| session.user == only),
        (None, Some(only), _) => session.user == only,
        (None, None, Some(hint)) => upn.eq_ignore_ascii_case(hint),
        (None, None, None) => true,
    };
    let fitting: Vec<_> = sessions.iter().filter(|(session, upn)| fresh(session) && named(session, upn)).collect();
    match (request.prompt, fitting.as_slice()) {
        (Prompt::Login, _) | (Prompt::Auto, []) => Next::SignIn,
        (Prompt::SelectAccount, _) if sessions.is_empty() => Next::SignIn,
        (Prompt::None | Prompt::Auto, [(session, _)]) => Next::Use(session.id),
        (Prompt::None, []) if request.sid.is_some() => Next::Refuse(Aadsts::AppSessionSelectionInvalid),
        (Prompt::None, []) => Next::Refuse(Aadsts::UserInformationNotProvided),
        (Prompt::None, _) => Next::Refuse(Aadsts::InteractionRequired),
        (Prompt::SelectAccount | Prompt::Auto, _) => Next::Pick,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::signin::Method;
    use crate::well_known;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).expect("a time")
    }

    fn session(n: u128) -> BrowserSession {
        BrowserSession {
            id: SessionId::from_uuid(Uuid::from_u128(n)),
            user: UserId::from_uuid(Uuid::from_u128(n)),
            at: at(0),
            how: vec![Method::Pwd],
            seen: at(0),
            strong: None,
            keep: false,
        }
    }

    fn request(prompt: Prompt) -> AuthorizeRequest {
        AuthorizeRequest {
            tenant: TenantId::from_uuid(Uuid::nil()),
            app: well_known::AZURE_CLI,
            endpoint: Endpoint::V2,
            redirect: "http://localhost".into(),
            mode: ResponseMode::Query,
            state: None,
            nonce: None,
            scope: "openid".into(),
            challenge: None,
            prompt,
            login_hint: None,
            sid: None,
            only: None,
            max_age: None,
            client_info: false,
            response: ResponseType::Code,
            consent: false,
            auth_time: false,
        }
    }

    #[test]
    fn s_107_prompt_is_read_strictly() {
        assert_eq!(Prompt::parse(None), Ok(Prompt::Auto));
        assert_eq!(Prompt::parse(Some("none")), Ok(Prompt::None));
        assert_eq!(Prompt::parse(Some("none login")), Err(Aadsts::InvalidRequest));
        assert_eq!(Prompt::parse(Some("login select_account")), Ok(Prompt::Login));
        assert_eq!(Prompt::parse(Some("create")), Ok(Prompt::Auto));
        assert_eq!(Prompt::parse(Some("whatever")), Err(Aadsts::InvalidRequest));
    }

    #[test]
    fn s_102_and_o_05_id_tokens_need_a_switch_and_access_tokens_never_come_this_way() {
        assert_eq!(ResponseType::parse("code", false), Ok(ResponseType::Code));
        assert_eq!(ResponseType::parse("id_token", false), Err(Aadsts::ResponseTypeIdTokenDisabled));
        assert_eq!(ResponseType::parse("id_token code", true), Ok(ResponseType::CodeIdToken));
        assert_eq!(ResponseType::parse("id_token", true), Ok(ResponseType::IdToken));
        for token in ["token", "id_token token", "code token", "code id_token token"] {
            assert_eq!(ResponseType::parse(token, true), Err(Aadsts::ResponseTypeTokenDisabled), "{token}");
        }
        for odd in ["", "none", "code code", "code device"] {
            assert_eq!(ResponseType::parse(odd, true), Err(Aadsts::UnsupportedResponseType), "{odd}");
        }
    }

    #[test]
    fn s_103_tokens_never_travel_in_a_query() {
        let (code, hybrid) = (ResponseType::Code, ResponseType::CodeIdToken);
        assert_eq!(ResponseMode::parse(None, code), Ok(ResponseMode::Query));
        assert_eq!(ResponseMode::parse(None, hybrid), Ok(ResponseMode::Fragment));
        assert_eq!(ResponseMode::parse(Some("query"), hybrid), Err(Aadsts::UnsupportedResponseMode));
        assert_eq!(ResponseMode::parse(Some("form_post"), hybrid), Ok(ResponseMode::FormPost));
        assert_eq!(ResponseMode::parse(Some("fragment"), code), Ok(ResponseMode::Fragment));
        assert_eq!(ResponseMode::parse(Some("web_message"), code), Err(Aadsts::UnsupportedResponseMode));
    }

    #[test]
    fn s_107_consent_can_be_asked_for_beside_another_prompt() {
        assert!(Prompt::asks_consent(Some("consent")) && Prompt::asks_consent(Some("login consent")));
        assert!(!Prompt::asks_consent(Some("login")) && !Prompt::asks_consent(None));
    }

    #[test]
    fn s_107_each_prompt_leads_to_its_page() {
        let (one, two) = (session(1), session(2));
        let (none, single, both): (&[(&BrowserSession, &str)], _, _) =
            (&[], [(&one, "a@x.example")], [(&one, "a@x.example"), (&two, "b@x.example")]);
        assert_eq!(next(&request(Prompt::Auto), none, at(1)), Next::SignIn);
        assert_eq!(next(&request(Prompt::Auto), &single, at(1)), Next::Use(one.id));
        assert_eq!(next(&request(Prompt::Auto), &both, at(1)), Next::Pick);
        assert_eq!(next(&request(Prompt::Login), &single, at(1)), Next::SignIn);
        assert_eq!(next(&request(Prompt::SelectAccount), &single, at(1)), Next::Pick);
        assert_eq!(next(&request(Prompt::SelectAccount), none, at(1)), Next::SignIn);
        assert_eq!(next(&request(Prompt::None), none, at(1)), Next::Refuse(Aadsts::UserInformationNotProvided));
        assert_eq!(next(&request(Prompt::None), &both, at(1)), Next::Refuse(Aadsts::InteractionRequired));
    }

    #[test]
    fn an_id_token_names_the_only_person_who_answers() {
        let (one, two) = (session(1), session(2));
        let both = [(&one, "a@x.example"), (&two, "b@x.example")];
        let of = |prompt, n| AuthorizeRequest { only: Some(UserId::from_uuid(Uuid::from_u128(n))), ..request(prompt) };
        assert_eq!(next(&of(Prompt::None, 2), &both, at(1)), Next::Use(two.id));
        assert_eq!(next(&of(Prompt::Auto, 2), &both, at(1)), Next::Use(two.id));
        assert_eq!(next(&of(Prompt::None, 3), &both, at(1)), Next::Refuse(Aadsts::UserInformationNotProvided));
        assert_eq!(next(&of(Prompt::Auto, 3), &both, at(1)), Next::SignIn);
        let hinted = AuthorizeRequest { login_hint: Some("a@x.example".into()), ..of(Prompt::None, 2) };
        assert_eq!(next(&hinted, &both, at(1)), Next::Use(two.id), "a token says more than a name");
        let other_session = AuthorizeRequest { sid: Some(one.id), ..of(Prompt::None, 2) };
        assert_eq!(next(&other_session, &both, at(1)), Next::Refuse(Aadsts::AppSessionSelectionInvalid));
    }

    #[test]
    fn s_108_a_hint_selects_its_session_and_max_age_makes_it_old() {
        let (one, two) = (session(1), session(2));
        let both = [(&one, "a@x.example"), (&two, "b@x.example")];
        let mut hinted = request(Prompt::Auto);
        hinted.login_hint = Some("B@x.example".into());
        assert_eq!(next(&hinted, &both, at(1)), Next::Use(two.id));
        hinted.max_age = Some(10);
        assert_eq!(next(&hinted, &both, at(60)), Next::SignIn);
        let mut by_sid = request(Prompt::None);
        by_sid.sid = Some(SessionId::from_uuid(Uuid::from_u128(9)));
        assert_eq!(next(&by_sid, &both, at(1)), Next::Refuse(Aadsts::AppSessionSelectionInvalid));
    }
}
