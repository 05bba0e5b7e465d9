//! The numbers behind every refused sign-in, and our words for them (S-500).
//!
//! Programs and people search for these numbers, so they stay; the sentences are ours and may change. They are kept in
//! `data/aadsts.json`; a test compares the two lists.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// Who can put the cause right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// Whoever writes or configures the program that asked.
    Application,
    /// An administrator of the tenant.
    Administrator,
    /// The person who signs in.
    Person,
    /// Whoever runs this server.
    Operator,
    /// The device sign-in itself: a state that ends by waiting or by a new code.
    Device,
}

/// What is told about a number.
#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    /// The number.
    pub code: u32,
    /// Its short name.
    pub name: String,
    /// The OAuth error.
    pub error: String,
    /// The status at the token endpoint.
    pub http: u16,
    /// The sub-error that tells client libraries what to do next.
    pub suberror: Option<String>,
    /// Who can put it right.
    pub who: Who,
    /// What happened.
    pub says: String,
    /// What to do about it.
    pub fix: String,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let mut entries: Vec<Entry> =
        serde_json::from_str(include_str!("../../data/aadsts.json")).expect("the catalogue was read by a test");
    entries.sort_by_key(|entry| entry.code);
    entries
});

macro_rules! numbers {
    ($($name:ident = $code:literal;)*) => {
        /// A refusal, by the number that Entra's clients know.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(into = "u32")]
        #[repr(u32)]
        pub enum Aadsts {
            $(#[doc = concat!("AADSTS", stringify!($code))] $name = $code,)*
        }

        impl Aadsts {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

numbers! {
    InteractionRequired = 16000;
    AppSessionSelectionInvalid = 16002;
    ScopeSpansResources = 28000;
    InvalidScopeForToken = 28002;
    EmptyScope = 28003;
    InvalidResource = 50001;
    InvalidReplyTo = 50011;
    InvalidAssertion = 50013;
    GuestUserInPendingState = 50014;
    UserUnauthorized = 50020;
    InvalidJwtToken = 50027;
    UserAccountNotFound = 50034;
    NoSuchInstanceForDiscovery = 50049;
    MalformedDiscoveryRequest = 50050;
    IdsLocked = 50053;
    InvalidPasswordExpiredPassword = 50055;
    InvalidOrNullPassword = 50056;
    UserDisabled = 50057;
    UserInformationNotProvided = 50058;
    MissingTenantRealm = 50059;
    SignoutInvalidRequest = 50061;
    UserStrongAuthEnrollmentRequiredInterrupt = 50072;
    UserStrongAuthClientAuthNRequiredInterrupt = 50074;
    UserStrongAuthClientAuthNRequired = 50076;
    UserStrongAuthExpired = 50078;
    UserStrongAuthEnrollmentRequired = 50079;
    FlowTokenExpired = 50089;
    DeviceAuthenticationRequired = 50097;
    EntitlementGrantsNotFound = 50105;
    InvalidUserNameOrPassword = 50126;
    InvalidDomainName = 50128;
    ConditionalAccessFailed = 50131;
    SsoArtifactInvalidOrExpired = 50132;
    SsoArtifactRevoked = 50133;
    PasswordChangeCompromisedPassword = 50135;
    KmsiInterrupt = 50140;
    MissingCustomSigningKey = 50146;
    MissingCodeChallenge = 50147;
    InvalidCodeVerifier = 50148;
    InvalidExternalSecurityChallenge = 50161;
    FreshTokenNeeded = 50173;
    MultiTenantDisabled = 50194;
    LoopDetected = 50196;
    UserAccountNotInDirectory = 51004;
    DeviceNotCompliant = 53000;
    BlockedByConditionalAccess = 53003;
    MinorUserBlocked = 54000;
    OAuth2AuthorizationCodeRedeemed = 54005;
    DelegationDoesNotExist = 65001;
    PreauthorizationRequired = 65002;
    UserDeclinedConsent = 65004;
    MisconfiguredApplication = 65005;
    InvalidGrant = 70000;
    UnauthorizedClient = 70001;
    InvalidClient = 70002;
    UnsupportedGrantType = 70003;
    UnsupportedResponseType = 70005;
    UnsupportedResponseMode = 70007;
    ExpiredOrRevokedGrant = 70008;
    InvalidScope = 70011;
    AuthorizationPending = 70016;
    BadVerificationCode = 70018;
    CodeExpired = 70019;
    DeviceFlowExpired = 70020;
    FederatedNoMatch = 70021;
    DeviceFlowDeclined = 70022;
    BadTokenDueToSignInFrequency = 70043;
    InvalidTenantName = 90002;
    TokenForItself = 90009;
    InvalidUserInput = 90013;
    MissingRequiredField = 90014;
    QueryStringTooLong = 90015;
    TenantUndetermined = 90019;
    InvalidRequest = 90023;
    DirectoryUnavailable = 90033;
    TenantThrottling = 90055;
    BadResourceRequest = 90056;
    AdminConsentRequired = 90094;
    InvalidParameter = 90100;
    InvalidUriParameter = 90102;
    InvalidUserCode = 90119;
    InvalidDeviceFlowRequest = 90120;
    NonConvergedGlobalEndpoint = 90130;
    PasswordChangeWeak = 120002;
    PasskeyNotFound = 130004;
    PasskeySignatureInvalid = 130005;
    KeyNotFound = 135010;
    IdTokenAsAssertion = 240002;
    InvalidResourceServicePrincipalNotFound = 500011;
    InvalidAssertionAudience = 500131;
    AssertionNotInTimeRange = 500133;
    NotAllowedByOutboundPolicy = 500212;
    AppNotAssigned = 501051;
    CodeVerifierMismatch = 501481;
    InvalidCodeChallengeSize = 501491;
    BlockedBySecurityPolicy = 530032;
    DelegatedAdminBlocked = 530034;
    BlockedBySecurityDefaults = 530035;
    InvalidScopeForResource = 650053;
    MisconfiguredApplicationConsent = 650056;
    InvalidResourceForClient = 650057;
    CodeAgainstWrongTenant = 700005;
    ReplyAddressMissing = 700009;
    UnauthorizedClientAppNotFound = 700016;
    ClientAssertionIdMismatch = 700021;
    InvalidMultipleResourcesScope = 700022;
    ClientAssertionAudience = 700023;
    ClientAssertionNotInTimeRange = 700024;
    PublicClientWithCredential = 700025;
    ClientAssertionSignatureInvalid = 700027;
    InvalidCertificateSubject = 700030;
    ResponseTypeTokenDisabled = 700051;
    ResponseTypeIdTokenDisabled = 700054;
    RefreshTokenInactive = 700082;
    SpaRefreshTokenExpired = 700084;
    FederatedIssuerMismatch = 700211;
    FederatedAudienceMismatch = 700212;
    FederatedSubjectMismatch = 700213;
    FederatedSelfIssued = 700222;
    ForbiddenTokenType = 700229;
    MissingParameter = 900144;
    BadHttpMethod = 900561;
    NoReplyAddress = 900971;
    ResourceParameterUnsupported = 901002;
    AppNotAccessible = 1000031;
    ClientCredentialScopeNotDefault = 1002012;
    UnauthorizedClientApplicationDisabled = 7000112;
    OboNotAllowedForAppToken = 7000113;
    OboNotAllowed = 7000114;
    InvalidClientSecret = 7000215;
    ClientCredentialMissing = 7000216;
    ClientCredentialRequired = 7000218;
    InvalidClientSecretExpired = 7000222;
    FederatedSubjectMismatchEntra = 7002137;
    FederatedSubjectCaseMismatch = 7002138;
    FederatedKeysUnreachable = 7002381;
    GrantNotOverCommon = 9001023;
    InvalidRequestMalformed = 9002313;
    CrossOriginNotSpa = 9002326;
    SpaOnlyCrossOrigin = 9002327;
    ConsumersOnly = 9002331;
    EntraUsersOnly = 9002332;
}

impl Aadsts {
    /// The number.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// What is told about it.
    pub fn entry(self) -> &'static Entry {
        Self::lookup(self.code()).expect("a test compares the numbers with the catalogue")
    }

    /// What is told about a number that somebody asks about.
    pub fn lookup(code: u32) -> Option<&'static Entry> {
        ENTRIES.binary_search_by_key(&code, |entry| entry.code).ok().map(|at| &ENTRIES[at])
    }

    /// Whether somebody can put the cause right without changing the request. Client libraries keep a refusal for a
    /// minute unless they are told to ask again sooner.
    pub fn can_heal(self) -> bool {
        matches!(self.entry().who, Who::Administrator | Who::Person | Who::Operator)
    }
}

impl From<Aadsts> for u32 {
    fn from(number: Aadsts) -> Self {
        number.code()
    }
}

impl fmt::Display for Aadsts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AADSTS{}", self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_500_every_number_has_its_entry_and_every_entry_its_number() {
        let mut numbers: Vec<_> = Aadsts::ALL.iter().map(|number| (number.code(), format!("{number:?}"))).collect();
        numbers.sort_unstable();
        let entries: Vec<_> = ENTRIES.iter().map(|entry| (entry.code, entry.name.clone())).collect();
        assert_eq!(numbers, entries);
    }

    #[test]
    fn s_204_only_a_failed_client_authentication_is_a_401() {
        for entry in ENTRIES.iter() {
            // 650053 is named `invalid_client` by the original, and still a 400.
            let is_client = entry.error == "invalid_client" && entry.code != 650_053;
            assert_eq!(entry.http == 401, is_client, "{}", entry.code);
        }
    }
}
