//! What the audit log can tell: a closed list, the same words for the log, its documentation and its readers.

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What the log calls it: an area, a dot, what happened.
    pub name: &'static str,
    /// What it tells, in a sentence.
    pub tells: &'static str,
}

/// Whether the log can tell this.
pub fn is_known(name: &str) -> bool {
    KINDS.iter().any(|kind| kind.name == name)
}

const fn kind(name: &'static str, tells: &'static str) -> Kind {
    Kind { name, tells }
}

/// Everything that the log can tell, by area. `docs/audit.md` shows it as a table.
pub const KINDS: &[Kind] = &[
    kind("tenant.created", "a tenant was made"),
    kind("bootstrap.opened", "a one-time code for the first administrator was written to the data directory"),
    kind("bootstrap.used", "the first administrator was made with the one-time code"),
    kind("bootstrap.paused", "the one-time code for the first administrator was guessed at too often"),
    kind("signIn.succeeded", "a person signed in with a browser"),
    kind("signIn.paused", "sign-ins of an account were paused after too many wrong passwords"),
    kind("signIn.secondFactor", "a person showed a second factor"),
    kind("factor.added", "a person got a second factor"),
    kind("factor.renamed", "a person gave a passkey another name"),
    kind("factor.removed", "a person lost a second factor"),
    kind("passkey.alarmed", "the counter of a passkey went back; it is refused, because a copy of it may exist"),
    kind("recoveryCodes.made", "a person got new recovery codes; the old ones ended"),
    kind("recoveryCode.used", "a recovery code stood in for a second factor"),
    kind("password.changed", "a person changed their password; whatever came from the old one ended"),
    kind("password.breached", "a person signed in with a password that was found in a breach; they have to choose another one"),
    kind("deviceCode.approved", "a person let another device sign in"),
    kind("deviceCode.declined", "a person refused another device"),
    kind("deviceCode.blocked", "a device code was stopped by a policy or because it came from another network"),
    kind("deviceCode.reported", "a person reported a device code that was not theirs"),
    kind("code.replayed", "an authorization code was used a second time; its tokens were revoked"),
    kind("refreshToken.replayed", "a refresh token was used a second time; its family was revoked"),
    kind("refreshToken.returned", "a program signed somebody out and gave their refresh token back"),
    kind("consent.granted", "somebody allowed an application to act in their or everybody's name"),
    kind("consent.changed", "what an application was allowed was changed"),
    kind("consent.revoked", "what an application was allowed was taken back"),
    kind("user.created", "a person was added to the directory"),
    kind("user.updated", "a person's entry was changed"),
    kind("user.deleted", "a person was removed from the directory"),
    kind("user.sessionsRevoked", "all sessions of a person were ended"),
    kind("user.unlocked", "an administrator lifted the pause of an account after wrong passwords"),
    kind("policy.created", "a sign-in policy was made"),
    kind("policy.updated", "a sign-in policy was changed"),
    kind("policy.deleted", "a sign-in policy was removed"),
    kind("namedLocation.created", "a network got a name that policies may use"),
    kind("namedLocation.updated", "a named network was changed"),
    kind("namedLocation.deleted", "a named network was removed"),
    kind("signInRules.updated", "the tenant's rules about ways to sign in were changed"),
    kind("user.imported", "several people were added to the directory in one step"),
    kind("user.passGiven", "a person got a one-time code to set a new password with"),
    kind("user.passTaken", "a person's one-time code was taken away before it was used"),
    kind("user.passUsed", "a person set a new password with a one-time code"),
    kind("name.released", "a sign-in name that was held for somebody may go to somebody else"),
    kind("token.revoked", "one access token was ended before its time"),
    kind("session.revoked", "one sign-in and everything that came from it was ended"),
    kind("application.revoked", "everything that an application holds was ended"),
    kind("device.revoked", "everything that came from a device was ended"),
    kind("group.created", "a group was made"),
    kind("group.updated", "a group's entry was changed"),
    kind("group.deleted", "a group was removed"),
    kind("group.memberAdded", "somebody was put into a group"),
    kind("group.memberRemoved", "somebody was taken out of a group"),
    kind("group.ownerAdded", "a group got an owner when it was made"),
    kind("object.ownerAdded", "an object got an owner"),
    kind("object.ownerRemoved", "an object lost an owner"),
    kind("application.created", "an application was registered"),
    kind("application.updated", "a registration was changed"),
    kind("application.deleted", "a registration was removed"),
    kind("application.keysReplaced", "an application's certificates were replaced"),
    kind("application.secretAdded", "an application got a secret"),
    kind("application.secretRemoved", "an application lost a secret"),
    kind("application.federationAdded", "an application may prove itself with tokens of another issuer"),
    kind("application.federationUpdated", "which tokens of another issuer prove an application was changed"),
    kind("application.federationRemoved", "an application may no longer prove itself with tokens of another issuer"),
    kind("issuer.trusted", "tokens of another issuer may stand for applications of the directory"),
    kind("issuer.distrusted", "tokens of another issuer no longer stand for applications of the directory"),
    kind("identity.added", "processes of the server's machine may be an application"),
    kind("identity.removed", "processes of the server's machine are no longer an application"),
    kind("servicePrincipal.created", "an application got an identity in the tenant"),
    kind("servicePrincipal.updated", "a service principal was changed"),
    kind("servicePrincipal.deleted", "a service principal was removed"),
    kind("servicePrincipal.secretAdded", "a service principal got a secret"),
    kind("servicePrincipal.secretRemoved", "a service principal lost a secret"),
    kind("signingKey.made", "a key was made that will sign tokens; it is published from then on"),
    kind("signingKey.rotated", "from when a key signs tokens was changed"),
    kind("signingKey.succeeded", "another key signs tokens; this one stays for a while, so that what it signed can be verified"),
    kind("signingKey.ended", "a signing key was taken away after its time"),
    kind("signingKey.retired", "a signing key was taken away at once, and with it every token that it signed"),
    kind("appRole.assigned", "somebody was given a role of an application"),
    kind("appRole.removed", "somebody lost a role of an application"),
    kind("resourceGroup.put", "a resource group was made or changed"),
    kind("resourceGroup.deleted", "the deletion of a resource group was begun"),
    kind("roleAssignment.put", "a role was assigned"),
    kind("roleAssignment.deleted", "a role assignment was removed"),
    kind("lock.put", "a lock was made or changed"),
    kind("lock.deleted", "a lock was removed"),
    kind("roleDefinition.put", "a custom role was made or changed"),
    kind("roleDefinition.deleted", "a custom role was deleted"),
    kind("denyAssignment.put", "a deny assignment was made or changed"),
    kind("denyAssignment.deleted", "a deny assignment was taken away"),
    kind("cluster.created", "a cluster was asked for"),
    kind("cluster.updated", "a change of a cluster was asked for"),
    kind("cluster.tagged", "a cluster's tags were changed"),
    kind("cluster.deleted", "the deletion of a cluster was begun"),
    kind("deployment.created", "the deployment of a template was asked for"),
    kind("deployment.deleted", "a deployment was forgotten; what it made stays"),
    kind("deployment.canceled", "somebody asked a deployment to stop"),
    kind("deployment.ended", "a deployment ended, well or not"),
    kind("cluster.starting", "the start of a stopped cluster was asked for"),
    kind("cluster.stopping", "the stop of a cluster was asked for"),
    kind("cluster.rotating", "new certificates or a new signing key were asked for"),
    kind("cluster.unhealthy", "a control plane is not what it shall be and cannot be put right"),
    kind("cluster.recovered", "a control plane is what it shall be again"),
    kind("cluster.aborted", "an operation on a cluster was given up, to be undone"),
    kind("operation.ended", "a long-running operation ended, well or not"),
    kind("credential.user", "the kubeconfig of a cluster was handed out"),
    kind("credential.admin", "an administrator's kubeconfig of a cluster was handed out"),
    kind("breakGlass.opened", "a break-glass door was opened"),
    kind("breakGlass.closed", "a break-glass door was closed"),
    kind("breakGlass.requested", "a break-glass door was asked for and waits for a second person"),
    kind("breakGlass.approvalRefused", "somebody tried to approve a door who may not"),
    kind("breakGlass.shut", "a break-glass door was shut at every API server, and that was proved"),
    kind("breakGlass.severed", "open connections were cut off by restarting API servers"),
    kind("breakGlass.openedOffline", "a sealed door was opened without the server; told when its record was found"),
    kind("breakGlass.strayOpening", "something inside a cluster looked like a sealed door's opening and was none"),
    kind("sealedDoor.sealed", "an offline credential of a cluster was sealed to recovery keys"),
    kind("sealedDoor.exported", "the sealed file of a cluster was handed out"),
    kind("sealedDoor.renewed", "a cluster's offline credential was made and sealed anew"),
    kind("sealedDoor.removed", "a cluster's sealed door was taken away"),
    kind("sealedDoor.drilled", "the opening of a sealed door was rehearsed"),
    kind("cluster.repaired", "something of ours inside a cluster had been changed and was put right"),
    kind("review.admitted", "a cluster let a token in for the first time"),
    kind("review.refused", "a cluster refused a token"),
    kind("review.leftOut", "so many reviews were counted and not told one by one"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_documentation_lists_exactly_what_the_log_can_tell() {
        let page = include_str!("../../../docs/audit.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let shown: Vec<_> =
            rows.filter(|(name, _)| name.contains('.')).map(|(name, tells)| (name, tells.trim_end_matches(" |"))).collect();
        let known: Vec<_> = KINDS.iter().map(|kind| (kind.name, kind.tells)).collect();
        assert_eq!(shown, known);
    }

    #[test]
    fn a_kind_is_an_area_and_what_happened_there_and_stands_in_the_list_once() {
        let names: BTreeSet<_> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        for name in names {
            let (area, what) = name.split_once('.').expect("an area and what happened");
            assert!([area, what].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphabetic())), "{name}");
        }
    }
}
