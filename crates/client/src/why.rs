//! Asking the server why a cluster refuses a token.

use entrance_wire::why::Why;
use reqwest::Url;

use crate::{Http, Secret, SignInError};

/// Asks the server at `host` about a token of the caller's own. `api_server` is the address that refused it, where it is
/// known: clusters may share an audience.
pub async fn why(http: &Http, host: &Url, token: &Secret, api_server: Option<&str>) -> Result<Why, SignInError> {
    let mut url = host.clone();
    url.set_path("/me/why");
    url.set_query(None);
    if let Some(server) = api_server {
        url.query_pairs_mut().append_pair("server", server);
    }
    let bearer = format!("Bearer {}", token.expose());
    http.get(&url, &[("Authorization", &bearer)]).await
}
