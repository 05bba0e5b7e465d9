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
            $(#[doc = concat!("Number ", stringify!($code), ".")] $name = $code,)*
        }

        impl Aadsts {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

numbers! {
    InteractionRequired = 16_000;
    AppSessionSelectionInvalid = 16_002;
    ScopeSpansResources = 28_000;
    InvalidScopeForToken = 28_002;
    EmptyScope = 28_003;
    InvalidResource = 50_001;
    InvalidReplyTo = 50_011;
    InvalidAssertion = 50_013;
    GuestUserInPendingState = 50_014;
    UserUnauthorized = 50_020;
    InvalidJwtToken = 50_027;
    UserAccountNotFound = 50_034;
    NoSuchInstanceForDiscovery = 50_049;
    MalformedDiscoveryRequest = 50_050;
    IdsLocked = 50_053;
    InvalidPasswordExpiredPassword = 50_055;
    InvalidOrNullPassword = 50_056;
    UserDisabled = 50_057;
    UserInformationNotProvided = 50_058;
    MissingTenantRealm = 50_059;
    SignoutInvalidRequest = 50_061;
    UserStrongAuthEnrollmentRequiredInterrupt = 50_072;
    UserStrongAuthClientAuthNRequiredInterrupt = 50_074;
    UserStrongAuthClientAuthNRequired = 50_076;
    UserStrongAuthExpired = 50_078;
    UserStrongAuthEnrollmentRequired = 50_079;
    FlowTokenExpired = 50_089;
    DeviceAuthenticationRequired = 50_097;
    EntitlementGrantsNotFound = 50_105;
    InvalidUserNameOrPassword = 50_126;
    InvalidDomainName = 50_128;
    ConditionalAccessFailed = 50_131;
    SsoArtifactInvalidOrExpired = 50_132;
    SsoArtifactRevoked = 50_133;
    PasswordChangeCompromisedPassword = 50_135;
    KmsiInterrupt = 50_140;
    MissingCustomSigningKey = 50_146;
    MissingCodeChallenge = 50_147;
    InvalidCodeVerifier = 50_148;
    InvalidExternalSecurityChallenge = 50_161;
    FreshTokenNeeded = 50_173;
    MultiTenantDisabled = 50_194;
    LoopDetected = 50_196;
    UserAccountNotInDirectory = 51_004;
    DeviceNotCompliant = 53_000;
    BlockedByConditionalAccess = 53_003;
    MinorUserBlocked = 54_000;
    OAuth2AuthorizationCodeRedeemed = 54_005;
    DelegationDoesNotExist = 65_001;
    PreauthorizationRequired = 65_002;
    UserDeclinedConsent = 65_004;
    MisconfiguredApplication = 65_005;
    InvalidGrant = 70_000;
    UnauthorizedClient = 70_001;
    InvalidClient = 70_002;
    UnsupportedGrantType = 70_003;
    UnsupportedResponseType = 70_005;
    UnsupportedResponseMode = 70_007;
    ExpiredOrRevokedGrant = 70_008;
    InvalidScope = 70_011;
    AuthorizationPending = 70_016;
    BadVerificationCode = 70_018;
    CodeExpired = 70_019;
    DeviceFlowExpired = 70_020;
    FederatedNoMatch = 70_021;
    DeviceFlowDeclined = 70_022;
    BadTokenDueToSignInFrequency = 70_043;
    InvalidTenantName = 90_002;
    TokenForItself = 90_009;
    InvalidUserInput = 90_013;
    MissingRequiredField = 90_014;
    QueryStringTooLong = 90_015;
    TenantUndetermined = 90_019;
    InvalidRequest = 90_023;
    DirectoryUnavailable = 90_033;
    TenantThrottling = 90_055;
    BadResourceRequest = 90_056;
    AdminConsentRequired = 90_094;
    InvalidParameter = 90_100;
    InvalidUriParameter = 90_102;
    InvalidUserCode = 90_119;
    InvalidDeviceFlowRequest = 90_120;
    NonConvergedGlobalEndpoint = 90_130;
    PasswordChangeWeak = 120_002;
    PasskeyNotFound = 130_004;
    PasskeySignatureInvalid = 130_005;
    KeyNotFound = 135_010;
    IdTokenAsAssertion = 240_002;
    InvalidResourceServicePrincipalNotFound = 500_011;
    InvalidAssertionAudience = 500_131;
    AssertionNotInTimeRange = 500_133;
    NotAllowedByOutboundPolicy = 500_212;
    AppNotAssigned = 501_051;
    CodeVerifierMismatch = 501_481;
    InvalidCodeChallengeSize = 501_491;
    BlockedBySecurityPolicy = 530_032;
    DelegatedAdminBlocked = 530_034;
    BlockedBySecurityDefaults = 530_035;
    InvalidScopeForResource = 650_053;
    MisconfiguredApplicationConsent = 650_056;
    InvalidResourceForClient = 650_057;
    CodeAgainstWrongTenant = 700_005;
    ReplyAddressMissing = 700_009;
    UnauthorizedClientAppNotFound = 700_016;
    ClientAssertionIdMismatch = 700_021;
    InvalidMultipleResourcesScope = 700_022;
    ClientAssertionAudience = 700_023;
    ClientAssertionNotInTimeRange = 700_024;
    PublicClientWithCredential = 700_025;
    ClientAssertionSignatureInvalid = 700_027;
    InvalidCertificateSubject = 700_030;
    ResponseTypeTokenDisabled = 700_051;
    ResponseTypeIdTokenDisabled = 700_054;
    RefreshTokenInactive = 700_082;
    SpaRefreshTokenExpired = 700_084;
    FederatedIssuerMismatch = 700_211;
    FederatedAudienceMismatch = 700_212;
    FederatedSubjectMismatch = 700_213;
    FederatedSelfIssued = 700_222;
    ForbiddenTokenType = 700_229;
    MissingParameter = 900_144;
    BadHttpMethod = 900_561;
    NoReplyAddress = 900_971;
    ResourceParameterUnsupported = 901_002;
    AppNotAccessible = 1_000_031;
    ClientCredentialScopeNotDefault = 1_002_012;
    UnauthorizedClientApplicationDisabled = 7_000_112;
    OboNotAllowedForAppToken = 7_000_113;
    OboNotAllowed = 7_000_114;
    InvalidClientSecret = 7_000_215;
    ClientCredentialMissing = 7_000_216;
    ClientCredentialRequired = 7_000_218;
    InvalidClientSecretExpired = 7_000_222;
    FederatedSubjectMismatchEntra = 7_002_137;
    FederatedSubjectCaseMismatch = 7_002_138;
    FederatedKeysUnreachable = 7_002_381;
    GrantNotOverCommon = 9_001_023;
    InvalidRequestMalformed = 9_002_313;
    CrossOriginNotSpa = 9_002_326;
    SpaOnlyCrossOrigin = 9_002_327;
    ConsumersOnly = 9_002_331;
    EntraUsersOnly = 9_002_332;
}

impl Aadsts {
    /// The number.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// What is told about it.
    ///
    /// # Panics
    ///
    /// Never: a test compares the numbers with the catalogue.
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
