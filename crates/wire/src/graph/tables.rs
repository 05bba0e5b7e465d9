//! The properties of the directory's types (G-201, G-301, G-401, G-404, G-405).

use super::entity::{Absent, Entity, Kind, Property};

const fn text(name: &'static str) -> Property {
    Property::new(name, Kind::Text(256))
}
const fn long_text(name: &'static str) -> Property {
    Property::new(name, Kind::Text(1024))
}
const fn flag(name: &'static str) -> Property {
    Property::new(name, Kind::Flag)
}
const fn time(name: &'static str) -> Property {
    Property::new(name, Kind::Time)
}
const fn guid(name: &'static str) -> Property {
    Property::new(name, Kind::Guid)
}
const fn texts(name: &'static str) -> Property {
    Property::new(name, Kind::Texts)
}
const fn object(name: &'static str) -> Property {
    Property::new(name, Kind::Object)
}
const fn objects(name: &'static str) -> Property {
    Property::new(name, Kind::Objects)
}

/// A person.
pub static USER: Entity = Entity {
    name: "User",
    odata: "user",
    set: "users",
    properties: &[
        guid("id").read_only(),
        texts("businessPhones"),
        text("displayName"),
        text("givenName"),
        text("jobTitle"),
        text("mail"),
        text("mobilePhone"),
        text("officeLocation"),
        text("preferredLanguage"),
        text("surname"),
        text("userPrincipalName"),
        flag("accountEnabled").on_select(),
        text("ageGroup").on_select(),
        text("city").on_select(),
        text("companyName").on_select(),
        text("consentProvidedForMinor").on_select(),
        text("country").on_select(),
        time("createdDateTime").on_select().read_only(),
        time("deletedDateTime").on_select().read_only(),
        text("department").on_select(),
        text("employeeId").on_select(),
        text("employeeType").on_select(),
        time("employeeHireDate").on_select(),
        object("employeeOrgData").on_select(),
        text("externalUserState").on_select().read_only(),
        text("faxNumber").on_select(),
        objects("identities").on_select().read_only(),
        time("lastPasswordChangeDateTime").on_select().read_only(),
        text("mailNickname").on_select(),
        text("onPremisesDistinguishedName").on_select().read_only(),
        text("onPremisesDomainName").on_select().read_only(),
        text("onPremisesImmutableId").on_select(),
        text("onPremisesSamAccountName").on_select().read_only(),
        text("onPremisesSecurityIdentifier").on_select().read_only(),
        flag("onPremisesSyncEnabled").on_select().read_only(),
        text("onPremisesUserPrincipalName").on_select().read_only(),
        texts("otherMails").on_select(),
        text("passwordPolicies").on_select(),
        object("passwordProfile").secret(),
        text("postalCode").on_select(),
        texts("proxyAddresses").on_select().read_only(),
        text("securityIdentifier").on_select().read_only(),
        flag("showInAddressList").on_select(),
        time("signInSessionsValidFromDateTime").on_select().read_only(),
        text("state").on_select(),
        long_text("streetAddress").on_select(),
        text("usageLocation").on_select(),
        text("userType").on_select(),
    ],
};

/// A group.
pub static GROUP: Entity = Entity {
    name: "Group",
    odata: "group",
    set: "groups",
    properties: &[
        guid("id").read_only(),
        time("deletedDateTime").read_only(),
        text("classification"),
        time("createdDateTime").read_only(),
        texts("creationOptions").read_only(),
        long_text("description"),
        text("displayName"),
        time("expirationDateTime").read_only(),
        texts("groupTypes").on_create(),
        flag("isAssignableToRole").on_create(),
        text("mail").read_only(),
        flag("mailEnabled").on_create(),
        text("mailNickname"),
        long_text("membershipRule"),
        text("membershipRuleProcessingState"),
        text("onPremisesDomainName").read_only(),
        time("onPremisesLastSyncDateTime").read_only(),
        text("onPremisesNetBiosName").read_only(),
        text("onPremisesSamAccountName").read_only(),
        text("onPremisesSecurityIdentifier").read_only(),
        flag("onPremisesSyncEnabled").read_only(),
        objects("onPremisesProvisioningErrors").read_only(),
        text("preferredDataLocation"),
        text("preferredLanguage"),
        texts("proxyAddresses").read_only(),
        time("renewedDateTime").read_only(),
        texts("resourceBehaviorOptions").on_create(),
        texts("resourceProvisioningOptions").on_create(),
        flag("securityEnabled"),
        text("securityIdentifier").read_only(),
        objects("serviceProvisioningErrors").read_only(),
        text("theme"),
        text("uniqueName").on_create(),
        text("visibility"),
    ],
};

/// An application registration.
pub static APPLICATION: Entity = Entity {
    name: "Application",
    odata: "application",
    set: "applications",
    properties: &[
        guid("id").read_only(),
        time("deletedDateTime").read_only(),
        guid("appId").read_only(),
        objects("addIns"),
        object("api").or(Absent::Object),
        objects("appRoles"),
        guid("applicationTemplateId").read_only(),
        object("certification").read_only(),
        time("createdDateTime").read_only(),
        // Ours: `allowPlainPkce` and `allowNoPkce` (S-106).
        object("entranceProfile"),
        text("defaultRedirectUri"),
        long_text("description"),
        text("disabledByMicrosoftStatus").read_only(),
        text("displayName"),
        text("groupMembershipClaims"),
        texts("identifierUris"),
        object("info").or(Absent::Object),
        flag("isDeviceOnlyAuthSupported"),
        flag("isFallbackPublicClient"),
        objects("keyCredentials"),
        text("nativeAuthenticationApisEnabled"),
        Property::new("notes", Kind::Text(4096)),
        flag("oauth2RequirePostResponse").or(Absent::False),
        object("optionalClaims"),
        object("parentalControlSettings").or(Absent::Object),
        objects("passwordCredentials"),
        object("publicClient").or(Absent::Object),
        text("publisherDomain").read_only(),
        object("requestSignatureVerification"),
        objects("requiredResourceAccess"),
        long_text("samlMetadataUrl"),
        text("serviceManagementReference"),
        object("servicePrincipalLockConfiguration"),
        text("signInAudience"),
        object("spa").or(Absent::Object),
        texts("tags"),
        guid("tokenEncryptionKeyId"),
        text("uniqueName").on_create(),
        object("verifiedPublisher").or(Absent::Object).read_only(),
        object("web").or(Absent::Object),
    ],
};

/// An application's identity.
pub static SERVICE_PRINCIPAL: Entity = Entity {
    name: "ServicePrincipal",
    odata: "servicePrincipal",
    set: "servicePrincipals",
    properties: &[
        guid("id").read_only(),
        time("deletedDateTime").read_only(),
        flag("accountEnabled"),
        objects("addIns"),
        texts("alternativeNames"),
        text("appDescription").read_only(),
        text("appDisplayName").read_only(),
        guid("appId").on_create(),
        guid("applicationTemplateId").read_only(),
        guid("appOwnerOrganizationId").read_only(),
        flag("appRoleAssignmentRequired").or(Absent::False),
        objects("appRoles"),
        time("createdDateTime").read_only(),
        long_text("description"),
        text("disabledByMicrosoftStatus").read_only(),
        text("displayName"),
        long_text("homepage"),
        object("info").or(Absent::Object),
        objects("keyCredentials"),
        long_text("loginUrl"),
        long_text("logoutUrl"),
        Property::new("notes", Kind::Text(4096)),
        texts("notificationEmailAddresses"),
        objects("oauth2PermissionScopes"),
        objects("passwordCredentials"),
        text("preferredSingleSignOnMode"),
        text("preferredTokenSigningKeyThumbprint"),
        texts("replyUrls"),
        objects("resourceSpecificApplicationPermissions").read_only(),
        object("samlSingleSignOnSettings"),
        texts("servicePrincipalNames"),
        text("servicePrincipalType").read_only(),
        text("signInAudience").read_only(),
        texts("tags"),
        guid("tokenEncryptionKeyId"),
        object("verifiedPublisher").or(Absent::Object).read_only(),
    ],
};

/// A federated credential of an application.
pub static FEDERATED_CREDENTIAL: Entity = Entity {
    name: "FederatedIdentityCredential",
    odata: "federatedIdentityCredential",
    set: "federatedIdentityCredentials",
    properties: &[
        guid("id").read_only(),
        Property::new("name", Kind::Text(120)).on_create(),
        Property::new("issuer", Kind::Text(600)),
        Property::new("subject", Kind::Text(600)),
        Property::new("claimsMatchingExpression", Kind::Object),
        Property::new("description", Kind::Text(600)),
        texts("audiences"),
    ],
};

/// What one application may do with another one in people's names.
pub static PERMISSION_GRANT: Entity = Entity {
    name: "OAuth2PermissionGrant",
    odata: "oAuth2PermissionGrant",
    set: "oauth2PermissionGrants",
    properties: &[
        guid("id").read_only(),
        guid("clientId").on_create(),
        text("consentType").on_create(),
        guid("principalId").on_create(),
        guid("resourceId").on_create(),
        long_text("scope"),
    ],
};
