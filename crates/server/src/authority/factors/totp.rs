//! Authenticator apps (RFC 6238 as every app has it: SHA-1, six digits, half a minute, one step before and after). Each
//! step counts once.

use entrance_model::Timestamp;
use entrance_model::directory::{Tenant, User};
use entrance_model::id::MethodId;
use entrance_model::signin::factors::{Kind, TotpCode};
use entrance_store::factors::KeptTotp;
use totp_rs::{Algorithm, Builder, Totp};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::authority::ctx::Ctx;
use crate::authority::refused::Refused;
use crate::authority::{lockouts, secret};

/// The length of a secret: as long as the hash, which RFC 4226 §4 recommends.
const SECRET: usize = 20;
const STEP: u64 = 30;

/// A new secret.
pub(crate) fn new_secret() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(secret::random::<SECRET>().to_vec())
}

/// What an app scans: the secret, whose it is, and where.
pub(crate) struct Invitation {
    /// `otpauth://…`
    pub(crate) address: Zeroizing<String>,
    /// The secret in base32, in groups of four, for those who type it.
    pub(crate) text: Zeroizing<String>,
}

impl Invitation {
    /// The invitation of a person.
    pub(crate) fn of(secret: &[u8], tenant: &Tenant, user: &User) -> Self {
        // A colon would end the name of the issuer.
        let issuer = format!("{} (Entrance)", tenant.display_name.replace(':', " "));
        let totp = totp(secret, issuer, user.upn.as_str());
        let base32 = Zeroizing::new(totp.secret().to_base32());
        let groups: Vec<&str> = (0..base32.len()).step_by(4).map(|at| &base32[at..(at + 4).min(base32.len())]).collect();
        let text = Zeroizing::new(groups.join(" "));
        let address = totp.to_url().expect("a UPN has no colon and is not empty");
        Self { address: Zeroizing::new(address), text }
    }
}

fn totp(secret: &[u8], issuer: String, account: &str) -> Totp {
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(STEP);
    builder.with_secret(secret.to_vec()).with_issuer(Some(issuer)).with_account_name(account).build_noncompliant()
}

/// The step that a code belongs to, if it is one of those that count now.
pub(crate) fn step_of(secret: &[u8], code: TotpCode, now: Timestamp) -> Option<i64> {
    let now = u64::try_from(now.as_second()).ok()?;
    let step = totp(secret, String::new(), "").check(&code.digits(), now)?;
    i64::try_from(step).ok()
}

/// Checks a typed code of the person's app; a right one is used up.
pub(crate) async fn check(ctx: &Ctx, tenant: &Tenant, user: &User, typed: &str) -> Result<bool, Refused> {
    let counted = lockouts::second_factor(ctx, tenant, user).await?;
    let Ok(code) = typed.parse::<TotpCode>() else { return Ok(false) };
    let Some(kept) = ctx.app.store.read().await?.factors().totp(tenant.id, user.id).await? else { return Ok(false) };
    let now = ctx.now();
    let Some(step) = step_of(&kept.secret, code, now) else { return Ok(false) };
    let mut tx = ctx.app.store.write().await?;
    if !tx.factors().use_totp_step(tenant.id, user.id, step, now).await? {
        return Ok(false);
    }
    counted.right(&mut tx, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Sets an app up whose first code was typed: that code is used up with it. `None`: the code is wrong.
pub(crate) async fn enroll(
    ctx: &Ctx,
    tenant: &Tenant,
    user: &User,
    secret: Zeroizing<Vec<u8>>,
    typed: &str,
) -> Result<Option<MethodId>, Refused> {
    let counted = lockouts::second_factor(ctx, tenant, user).await?;
    let now = ctx.now();
    let step = typed.parse::<TotpCode>().ok().and_then(|code| step_of(&secret, code, now));
    let Some(step) = step else { return Ok(None) };
    let id = MethodId::from_uuid(Uuid::new_v4());
    let mut tx = ctx.app.store.write().await?;
    tx.factors().set_totp(tenant.id, user.id, &KeptTotp { id, secret, step }, now).await?;
    counted.right(&mut tx, now).await?;
    super::told_added(ctx, &mut tx, (tenant.id, user.id), Kind::Totp, id).await?;
    tx.commit().await?;
    Ok(Some(id))
}

#[cfg(test)]
mod tests {
    use entrance_model::id::TenantId;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn code(digits: &str) -> TotpCode {
        digits.parse().expect("six digits")
    }

    #[test]
    fn s_802_codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1; the table shows eight digits, six are the last six of them.
        let secret = b"12345678901234567890";
        for (second, eight) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(step_of(secret, code(&eight[2..]), at(second)), Some(second / 30), "{second}");
        }
    }

    #[test]
    fn s_802_one_step_before_and_after_counts_and_no_more() {
        let secret = b"12345678901234567890";
        let of_step_1 = code("287082");
        for (second, counts) in [(0, true), (29, true), (30, true), (59, true), (89, true), (90, false), (120, false)] {
            assert_eq!(step_of(secret, of_step_1, at(second)), counts.then_some(1), "{second}");
        }
        assert_eq!(step_of(b"another secret, as long", of_step_1, at(59)), None);
        assert_eq!(step_of(secret, of_step_1, at(-59)), None);
    }

    #[test]
    fn w_3_3_an_invitation_is_what_apps_scan() {
        let tenant = Tenant {
            id: TenantId::from_uuid(Uuid::nil()),
            display_name: "Con:toso & Söhne".into(),
            domains: vec!["contoso.example".into()],
            salt: vec![],
            created: at(0),
        };
        let user = entrance_testkit::sample::person("alice", at(0));
        let invitation = Invitation::of(b"12345678901234567890", &tenant, &user);
        assert_eq!(invitation.text.as_str(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let address = url::Url::parse(&invitation.address).expect("an address");
        assert_eq!((address.scheme(), address.host_str()), ("otpauth", Some("totp")));
        let has = |name: &str, value: &str| address.query_pairs().any(|(known, found)| known == name && found == value);
        assert!(has("secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") && has("issuer", "Con toso & Söhne (Entrance)"), "{address}");
    }
}
