//! The password grant. The realm is asked first, as the original does: a federated person's password belongs elsewhere.

use entrance_wire::oauth_client::UserRealm;

use super::{Request, token};
use crate::{Http, Secret, SignInError, SignedIn};

/// Signs a person in with name and password.
pub async fn sign_in(http: &Http, request: &Request, user: &str, password: &Secret) -> Result<SignedIn, SignInError> {
    let endpoints = request.endpoints(http).await?;
    let mut realm = request.authority.root("/common/UserRealm/");
    realm.path_segments_mut().map_err(|()| SignInError::Browser("no path".into()))?.pop_if_empty().push(user);
    realm.set_query(Some("api-version=1.0"));
    let realm: UserRealm = http.get(&realm, &[]).await?;
    if realm.account_type.eq_ignore_ascii_case("Federated") {
        return Err(SignInError::Federation(
            "this person's password is checked by another organisation\nhint: use `--login interactive` or `--login devicecode`"
                .into(),
        ));
    }
    let scope = request.scope();
    let form = [
        ("client_id", request.client_id.as_str()),
        ("client_info", "1"),
        ("grant_type", "password"),
        ("password", password.expose()),
        ("scope", &scope),
        ("username", user),
    ];
    token(http, request, &endpoints.token, &form).await
}
